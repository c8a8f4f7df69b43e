using System.Runtime.InteropServices;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree;

/// <summary>What a create request makes: a matter of its operation, its flags, and where it stands.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct CreateMode(ZnodeKind Kind, bool Sequential)
{
    private const int EphemeralFlag = 1;
    private const int SequentialFlag = 2;
    private const int Container = 4;
    private const int PersistentWithTtl = 5;
    private const int SequentialWithTtl = 6;

    /// <summary>Whether the answer has the stat too when the request stands in a multi.</summary>
    public bool AnswersWithStatInMulti => Kind is ZnodeKind.Container or ZnodeKind.Ttl;

    /// <summary>
    /// The mode of a request. On its own, the operation decides: a plain create with the container's flags makes an
    /// ordinary znode. In a multi, the flags decide and the operation does not count. Both as ZooKeeper 3.8 does it.
    /// </summary>
    public static CoordErrorCode Resolve(
        in CreateRequest request, bool inMulti, CommandOptions options, out CreateMode mode)
    {
        mode = default;
        int flags = request.Flags;
        if (flags is < 0 or > SequentialWithTtl)
        {
            return CoordErrorCode.BadArguments;
        }

        if (flags >= PersistentWithTtl)
        {
            if (inMulti && request.Op != OpCode.CreateTtl)
            {
                // The request has no time to live where the flags want one.
                return CoordErrorCode.MarshallingError;
            }

            mode = new CreateMode(ZnodeKind.Ttl, flags == SequentialWithTtl);
            return (options & CommandOptions.ExtendedTypesAllowed) == 0 ? CoordErrorCode.Unimplemented
                : request.TtlMs is >= 1 and <= CoordLimits.MaxTtlMs ? CoordErrorCode.Ok
                : CoordErrorCode.BadArguments;
        }

        if (request.Op == OpCode.CreateTtl && !inMulti)
        {
            return CoordErrorCode.BadArguments;
        }

        bool container = inMulti ? flags == Container : request.Op == OpCode.CreateContainer;
        bool ephemeral = flags < Container && (flags & EphemeralFlag) != 0;
        mode = new CreateMode(
            container ? ZnodeKind.Container : ephemeral ? ZnodeKind.Ephemeral : ZnodeKind.Persistent,
            flags < Container && (flags & SequentialFlag) != 0);
        return CoordErrorCode.Ok;
    }
}
