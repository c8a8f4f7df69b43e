using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree;

/// <summary>delete, setData, setACL and check, with ZooKeeper's order of checks.</summary>
public sealed partial class CoordStateMachine
{
    private static bool IsSystemPath(ReadOnlySpan<byte> path) =>
        path.SequenceEqual("/"u8)
        || path.SequenceEqual("/zookeeper"u8)
        || path.SequenceEqual("/zookeeper/quota"u8)
        || path.SequenceEqual(ConfigPath);

    /// <summary>−1 expects nothing.</summary>
    private static bool IsExpected(int expected, int actual) => expected == -1 || expected == actual;

    /// <summary>The version after a write. Never −1: clients could not expect it, since −1 means any.</summary>
    private static int NextVersion(int version) => version == -2 ? 0 : unchecked(version + 1);

    private CoordErrorCode Delete(in Command command, in VersionedPath request, bool malformed)
    {
        if (malformed || request.PathIsNull)
        {
            return CoordErrorCode.MarshallingError;
        }

        int slash = request.Path.LastIndexOf((byte)'/');
        if (slash < 0 || request.Path.Contains((byte)0) || IsSystemPath(request.Path))
        {
            return CoordErrorCode.BadArguments;
        }

        Znode? parent = Tree.Find(request.Path[..slash]);
        if (parent is null)
        {
            return CoordErrorCode.NoNode;
        }

        if (!AclRules.Allows(parent.Acl, Permissions.Delete, command.Identities))
        {
            return CoordErrorCode.NoAuth;
        }

        Znode? node = Tree.Find(request.Path);
        if (node is null)
        {
            return CoordErrorCode.NoNode;
        }

        if (!IsExpected(request.Version, node.Version))
        {
            return CoordErrorCode.BadVersion;
        }

        if (node.ChildCount > 0)
        {
            return CoordErrorCode.NotEmpty;
        }

        DeleteZnode(node, request.Path, ChangeOf(command));
        return CoordErrorCode.Ok;
    }

    private CoordErrorCode SetData(in Command command, in SetDataRequest request, bool malformed, JuteWriter body)
    {
        if (malformed)
        {
            return CoordErrorCode.MarshallingError;
        }

        if (!ZnodePath.IsValid(request.Path))
        {
            return CoordErrorCode.BadArguments;
        }

        Znode? node = Tree.Find(request.Path);
        if (node is null)
        {
            return CoordErrorCode.NoNode;
        }

        if (!AclRules.Allows(node.Acl, Permissions.Write, command.Identities))
        {
            return CoordErrorCode.NoAuth;
        }

        int moreBytes = request.Data.Length - (node.Data?.Length ?? 0);
        CoordErrorCode code = CheckQuota(command.Options, request.Path, moreBytes, 0);
        if (code != CoordErrorCode.Ok)
        {
            return code;
        }

        if (!IsExpected(request.Version, node.Version))
        {
            return CoordErrorCode.BadVersion;
        }

        if (request.Path.SequenceEqual(ConfigPath))
        {
            // The group follows what is written there: only reconfig writes it.
            return CoordErrorCode.BadArguments;
        }

        byte[]? data = request.DataIsNull ? null : request.Data.ToArray();
        if (Sessions.Has(TreeFaults.Diverge) && LastApplied % 3 == 0)
        {
            data = [.. data ?? [], (byte)'!'];
        }

        Tree.SetData(node, data, NextVersion(node.Version), ChangeOf(command));
        AccountQuota(request.Path, moreBytes, 0);
        Trigger(WatchEventType.NodeDataChanged, request.Path, node.Acl);
        body.WriteStat(node.ToStat());
        return CoordErrorCode.Ok;
    }

    private CoordErrorCode SetAcl(in Command command, in SetAclRequest request, bool malformed, JuteWriter body)
    {
        if (malformed)
        {
            return CoordErrorCode.MarshallingError;
        }

        if (!ZnodePath.IsValid(request.Path))
        {
            return CoordErrorCode.BadArguments;
        }

        CoordErrorCode code = ResolveAcl(request.Acl, command.Identities, out AclList acl);
        if (code != CoordErrorCode.Ok)
        {
            return code;
        }

        Znode? node = Tree.Find(request.Path);
        if (node is null)
        {
            return CoordErrorCode.NoNode;
        }

        if (!AclRules.Allows(node.Acl, Permissions.Admin, command.Identities))
        {
            return CoordErrorCode.NoAuth;
        }

        if (!IsExpected(request.Version, node.Aversion))
        {
            return CoordErrorCode.BadVersion;
        }

        Tree.SetAcl(node, acl, NextVersion(node.Aversion));
        body.WriteStat(node.ToStat());
        return CoordErrorCode.Ok;
    }

    private CoordErrorCode Check(in Command command, in VersionedPath request, bool malformed, JuteWriter? body)
    {
        if (malformed)
        {
            return CoordErrorCode.MarshallingError;
        }

        if (!ZnodePath.IsValid(request.Path))
        {
            return CoordErrorCode.BadArguments;
        }

        Znode? node = Tree.Find(request.Path);
        if (node is null)
        {
            return CoordErrorCode.NoNode;
        }

        if (!AclRules.Allows(node.Acl, Permissions.Read, command.Identities))
        {
            return CoordErrorCode.NoAuth;
        }

        if (!IsExpected(request.Version, node.Version))
        {
            return CoordErrorCode.BadVersion;
        }

        body?.WriteStat(node.ToStat());
        return CoordErrorCode.Ok;
    }

    /// <summary>Validates a requested list and finds its shared copy. The everyday list costs one comparison.</summary>
    private CoordErrorCode ResolveAcl(ReadOnlySpan<byte> encoded, ReadOnlySpan<byte> identities, out AclList acl)
    {
        acl = Tree.Acls.Open;
        if (encoded.SequenceEqual(acl.Encoded))
        {
            return CoordErrorCode.Ok;
        }

        _acl.Clear();
        CoordErrorCode code = AclRules.Resolve(encoded, identities, _acl);
        if (code == CoordErrorCode.Ok)
        {
            acl = Tree.Acls.Intern(_acl.Written);
        }

        return code;
    }

    private void DeleteZnode(Znode node, ReadOnlySpan<byte> path, Change change)
    {
        Znode parent = node.Parent!;
        Tree.Delete(node, change);
        AccountQuota(path, -(node.Data?.Length ?? 0), -1);
        Trigger(WatchEventType.NodeDeleted, path, node.Acl);
        Trigger(WatchEventType.NodeChildrenChanged, ZnodePath.Parent(path), parent.Acl);
    }

    private void Trigger(WatchEventType type, ReadOnlySpan<byte> path, AclList acl)
    {
        // The history names the child: that its parent's list has changed goes without saying.
        if (Watches.Count > 0 || type != WatchEventType.NodeChildrenChanged)
        {
            _triggers.Add(type, path, acl);
        }
    }
}
