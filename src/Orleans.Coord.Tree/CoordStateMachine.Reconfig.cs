using System.Text;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree;

/// <summary>
/// reconfig: who is to be a member. Here it is only decided and written down, the same on every replica; the leader
/// then brings the consensus group there.
/// </summary>
public sealed partial class CoordStateMachine
{
    private static ReadOnlySpan<byte> ConfigPath => "/zookeeper/config"u8;

    /// <summary>The ensemble as <c>/zookeeper/config</c> has it.</summary>
    public EnsembleConfig Ensemble { get; private set; } = EnsembleConfig.None;

    /// <summary>
    /// ZooKeeper's order of checks (PrepRequestProcessor); what only the leader can know comes with the command. An
    /// internal request, of no session, writes the first configuration, or changes the one that it names.
    /// </summary>
    private CoordErrorCode Reconfigure(in Command command, JuteWriter body)
    {
        if (!ReconfigRequest.TryRead(command.Body, out ReconfigRequest request))
        {
            return CoordErrorCode.MarshallingError;
        }

        bool isInternal = command.SessionId == 0;
        CoordErrorCode code = MayReconfigure(isInternal, command.Options, request.ExpectedVersion);
        if (code != CoordErrorCode.Ok)
        {
            return code;
        }

        if (!Ensemble.TryChange(request, LastApplied, out EnsembleConfig? next))
        {
            return CoordErrorCode.BadArguments;
        }

        if (!isInternal && command.Options.HasFlag(CommandOptions.NewConfigLacksQuorum))
        {
            return CoordErrorCode.NewConfigNoQuorum;
        }

        Znode? node = Tree.Find(ConfigPath);
        Invariant.Check(node is not null);
        if (!isInternal && !AclRules.Allows(node.Acl, Permissions.Write, command.Identities))
        {
            return CoordErrorCode.NoAuth;
        }

        if (!next.CanFollow(Ensemble))
        {
            return CoordErrorCode.BadArguments;
        }

        Ensemble = next;
        Tree.SetConfig(node, next.ToText(), ChangeOf(command));
        Trigger(WatchEventType.NodeDataChanged, ConfigPath, node.Acl);
        body.WriteBuffer(node.Data);
        body.WriteStat(node.ToStat());
        return CoordErrorCode.Ok;
    }

    private CoordErrorCode MayReconfigure(bool isInternal, CommandOptions options, long expectedVersion) =>
        !options.HasFlag(CommandOptions.ReconfigAllowed) ? CoordErrorCode.ReconfigDisabled
        : isInternal ? Ensemble.IsEmpty || (HasExtensions && expectedVersion == Ensemble.Version)
            ? CoordErrorCode.Ok : CoordErrorCode.BadVersion
        : Ensemble.IsEmpty ? CoordErrorCode.Unimplemented
        : options.HasFlag(CommandOptions.ReconfigUnderWay) ? CoordErrorCode.ReconfigInProgress
        : expectedVersion != -1 && expectedVersion != Ensemble.Version ? CoordErrorCode.BadVersion
        : CoordErrorCode.Ok;
}

/// <summary>A reconfig request: who joins and leaves, or who all the members are to be.</summary>
/// <param name="Joining">Members to add or change, <c>server.ID=SPEC</c> separated by commas; or null.</param>
/// <param name="Leaving">Ids to remove, separated by commas; or null.</param>
/// <param name="NewMembers">All members, separated by commas or line ends; null for an incremental change.</param>
/// <param name="ExpectedVersion">The configuration that it is meant for; −1 for any.</param>
public readonly record struct ReconfigRequest(
    string? Joining, string? Leaving, string? NewMembers, long ExpectedVersion)
{
    /// <summary>Reads a request's body; false if the bytes are not one.</summary>
    public static bool TryRead(ReadOnlySpan<byte> body, out ReconfigRequest request)
    {
        var reader = new JuteReader(body);
        request = new ReconfigRequest(Text(ref reader), Text(ref reader), Text(ref reader), reader.ReadLong());
        return !reader.Failed;
    }

    /// <summary>Appends the request's body.</summary>
    public void Write(JuteWriter output)
    {
        WriteText(output, Joining);
        WriteText(output, Leaving);
        WriteText(output, NewMembers);
        output.WriteLong(ExpectedVersion);
    }

    private static string? Text(ref JuteReader reader)
    {
        ReadOnlySpan<byte> bytes = reader.ReadBuffer(out bool isNull);
        return isNull ? null : Encoding.UTF8.GetString(bytes);
    }

    private static void WriteText(JuteWriter output, string? text) =>
        output.WriteBufferOrNull(text is null ? null : Encoding.UTF8.GetBytes(text));
}
