using System.Globalization;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree;

/// <summary>create, create2, createContainer and createTTL, with ZooKeeper's order of checks.</summary>
public sealed partial class CoordStateMachine
{
    private CoordErrorCode Create(in Command command, in CreateRequest request, bool malformed, JuteWriter body)
    {
        if (malformed)
        {
            return CoordErrorCode.MarshallingError;
        }

        CoordErrorCode code = CreateMode.Resolve(request, inMulti: false, command.Options, out CreateMode mode);
        if (code != CoordErrorCode.Ok)
        {
            return code;
        }

        code = CreateZnode(command, request, mode, out Znode? node);
        if (code == CoordErrorCode.Ok)
        {
            body.WriteBuffer(_path.Written);
            if (request.Op != OpCode.Create)
            {
                body.WriteStat(node!.ToStat());
            }
        }

        return code;
    }

    /// <summary>Creates the znode; its path, with the suffix if it has one, is then in <c>_path</c>.</summary>
    private CoordErrorCode CreateZnode(
        in Command command, in CreateRequest request, CreateMode mode, out Znode? node)
    {
        node = null;
        if (mode.Kind == ZnodeKind.Ephemeral && command.SessionId == 0)
        {
            return CoordErrorCode.SessionExpired;
        }

        if (request.PathIsNull)
        {
            return CoordErrorCode.MarshallingError;
        }

        int slash = request.Path.LastIndexOf((byte)'/');
        if (slash < 0 || request.Path.Contains((byte)0))
        {
            return CoordErrorCode.BadArguments;
        }

        CoordErrorCode code = ResolveAcl(request.Acl, command.Identities, out AclList acl);
        if (code != CoordErrorCode.Ok)
        {
            return code;
        }

        Znode? parent = Tree.Find(request.Path[..slash]);
        if (parent is null)
        {
            return CoordErrorCode.NoNode;
        }

        if (!AclRules.Allows(parent.Acl, Permissions.Create, command.Identities))
        {
            return CoordErrorCode.NoAuth;
        }

        BuildPath(request.Path, mode.Sequential, parent);
        code = CheckPlace(command, request, parent);
        if (code != CoordErrorCode.Ok)
        {
            return code;
        }

        long owner = mode.Kind switch
        {
            ZnodeKind.Ephemeral => command.SessionId,
            ZnodeKind.Ttl => request.TtlMs,
            _ => 0,
        };
        byte[]? data = request.DataIsNull ? null : request.Data.ToArray();
        ReadOnlySpan<byte> path = _path.Written;
        node = Tree.Create(parent, ZnodePath.Name(path), data, acl, mode.Kind, owner, ChangeOf(command));
        BeginQuotaStatistics(node, path);
        AccountQuota(path, request.Data.Length, 1);
        Trigger(WatchEventType.NodeCreated, path, acl);
        Trigger(WatchEventType.NodeChildrenChanged, ZnodePath.Parent(path), parent.Acl);
        return CoordErrorCode.Ok;
    }

    /// <summary>Whether a znode may stand at <c>_path</c>.</summary>
    private CoordErrorCode CheckPlace(in Command command, in CreateRequest request, Znode parent)
    {
        ReadOnlySpan<byte> path = _path.Written;
        if (!ZnodePath.IsValid(path))
        {
            return CoordErrorCode.BadArguments;
        }

        if (path.SequenceEqual(AboutPath) || Tree.Find(path) is not null)
        {
            return CoordErrorCode.NodeExists;
        }

        return parent.Kind == ZnodeKind.Ephemeral
            ? CoordErrorCode.NoChildrenForEphemerals
            : CheckQuota(command.Options, path, request.Data.Length, 1);
    }

    /// <summary>The suffix counts the children ever created, so none comes twice; Java's <c>%010d</c>.</summary>
    private void BuildPath(ReadOnlySpan<byte> requested, bool sequential, Znode parent)
    {
        const int MaxDigits = 11;
        _path.Clear();
        _path.WriteRaw(requested);
        if (sequential)
        {
            Span<byte> digits = stackalloc byte[MaxDigits];
            int number = Sessions.Has(TreeFaults.ReuseSequence) ? parent.ChildCount : parent.CreatedChildren;
            string format = number < 0 ? "D9" : "D10";
            bool fits = number.TryFormat(digits, out int length, format, NumberFormatInfo.InvariantInfo);
            Invariant.Check(fits && length >= CoordLimits.SequenceDigits);
            _path.WriteRaw(digits[..length]);
        }
    }
}
