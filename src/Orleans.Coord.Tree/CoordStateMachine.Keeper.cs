using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree;

/// <summary>The operations that ClickHouse Keeper has besides ZooKeeper's, so that its users are at home.</summary>
public sealed partial class CoordStateMachine
{
    private readonly KeeperNodes _keeperNodes;

    private CoordErrorCode KeeperWrite(in Command command, OpCode op, ref JuteReader reader, JuteWriter body)
    {
        if (!HasExtensions)
        {
            return CoordErrorCode.Unimplemented;
        }

        switch (op)
        {
            case OpCode.CheckNotExists:
                return CheckNotExists(command, VersionedPath.Read(ref reader), reader.Failed);
            case OpCode.CreateIfNotExists:
                return CreateIfNotExists(command, CreateRequest.Read(op, ref reader), reader.Failed, body);
            case OpCode.RemoveRecursive:
                // A limit stands where the others have a version.
                return RemoveRecursive(command, VersionedPath.Read(ref reader), reader.Failed);
            case OpCode.CheckStat:
                return CheckStat(command, CheckStatRequest.Read(ref reader), reader.Failed);
            default:
                Invariant.Check(op == OpCode.TryRemove);
                CoordErrorCode code = Delete(command, VersionedPath.Read(ref reader), reader.Failed);
                bool impossible = code is CoordErrorCode.NoNode or CoordErrorCode.BadVersion or CoordErrorCode.NotEmpty;
                return impossible ? CoordErrorCode.Ok : code;
        }
    }

    private CoordErrorCode CheckNotExists(in Command command, in VersionedPath request, bool malformed)
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
        return node is null ? CoordErrorCode.Ok
            : !AclRules.Allows(node.Acl, Permissions.Read, command.Identities) ? CoordErrorCode.NoAuth
            : IsExpected(request.Version, node.Version) ? CoordErrorCode.NodeExists
            : CoordErrorCode.Ok;
    }

    private CoordErrorCode CreateIfNotExists(
        in Command command, in CreateRequest request, bool malformed, JuteWriter body)
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

        code = CreateZnode(command, request, mode, out _);
        if (code is not (CoordErrorCode.Ok or CoordErrorCode.NodeExists))
        {
            return code;
        }

        body.WriteBuffer(_path.Written);
        return CoordErrorCode.Ok;
    }

    private CoordErrorCode CheckStat(in Command command, in CheckStatRequest request, bool malformed)
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
        return node is null ? CoordErrorCode.NoNode
            : !AclRules.Allows(node.Acl, Permissions.Read, command.Identities) ? CoordErrorCode.NoAuth
            : IsExpected(request.Version, node.Version) && request.Matches(node.ToStat()) ? CoordErrorCode.Ok
            : CoordErrorCode.BadVersion;
    }

    /// <summary>All or nothing: none goes before all are known to be few enough and the caller's to delete.</summary>
    private CoordErrorCode RemoveRecursive(in Command command, in VersionedPath request, bool malformed)
    {
        if (malformed)
        {
            return CoordErrorCode.MarshallingError;
        }

        if (!ZnodePath.IsValid(request.Path) || IsSystemPath(request.Path))
        {
            return CoordErrorCode.BadArguments;
        }

        Znode? parent = Tree.Find(ZnodePath.Parent(request.Path));
        if (parent is null)
        {
            return CoordErrorCode.Ok;
        }

        if (!AclRules.Allows(parent.Acl, Permissions.Delete, command.Identities))
        {
            return CoordErrorCode.NoAuth;
        }

        if (Tree.Find(request.Path) is not { } root)
        {
            return CoordErrorCode.Ok;
        }

        var doomed = new List<Znode>();
        CoordErrorCode code = Collect(root, limit: (uint)request.Version, command.Identities, doomed);
        for (int i = doomed.Count - 1; i >= 0 && code == CoordErrorCode.Ok; i--)
        {
            DeleteZnode(doomed[i], doomed[i].FullPath(), ChangeOf(command));
        }

        return code;
    }

    // The number counts before the rights: in which order children stand differs between replicas, and the answer of
    // a write must not.
    private static CoordErrorCode Collect(Znode root, uint limit, ReadOnlySpan<byte> identities, List<Znode> found)
    {
        foreach (Znode node in root.SelfAndBelow())
        {
            if (found.Count >= limit)
            {
                return CoordErrorCode.NotEmpty;
            }

            found.Add(node);
        }

        foreach (Znode node in found)
        {
            if (!AclRules.Allows(node.Acl, Permissions.Delete, identities))
            {
                return CoordErrorCode.NoAuth;
            }
        }

        return CoordErrorCode.Ok;
    }

    private CoordErrorCode KeeperRead(
        OpCode op, ref JuteReader reader, long sessionId, CallerIdentities who, JuteWriter reply)
    {
        if (op == OpCode.ListRecursive)
        {
            var subtree = VersionedPath.Read(ref reader);
            return reader.Failed || subtree.PathIsNull
                ? CoordErrorCode.MarshallingError
                : ListRecursive(subtree.Path, limit: (uint)subtree.Version, who.Encoded, reply);
        }

        var request = FilteredListRequest.Read(op, ref reader);
        if (reader.Failed || request.PathIsNull || request.Which > 2)
        {
            return CoordErrorCode.MarshallingError;
        }

        int start = reply.Length;
        CoordErrorCode code = ListFiltered(op, request, who.Encoded, reply);
        if (code != CoordErrorCode.Ok)
        {
            reply.Truncate(start);
        }
        else if (request.Watch && sessionId != 0)
        {
            Watches.Add(sessionId, who, request.Path, WatchKinds.Child);
        }

        return code;
    }

    private CoordErrorCode ListFiltered(
        OpCode op, in FilteredListRequest request, ReadOnlySpan<byte> identities, JuteWriter reply)
    {
        Znode? node = FindReadable(request.Path);
        if (node is null)
        {
            return CoordErrorCode.NoNode;
        }

        if (!AclRules.Allows(node.Acl, Permissions.Read, identities))
        {
            return CoordErrorCode.NoAuth;
        }

        var children = new List<Znode>(node.ChildCount);
        bool needsRight = request.Which != 0 || request.WithStats || request.WithData;
        foreach (Znode? child in node.ChildSlots)
        {
            if (child is null || (request.Which != 0 && child.Kind == ZnodeKind.Ephemeral != (request.Which == 2)))
            {
                continue;
            }

            // A child's name is no secret, but what kind it is, its stat and its data are.
            if (needsRight && !AclRules.Allows(child.Acl, Permissions.Read, identities))
            {
                return CoordErrorCode.NoAuth;
            }

            children.Add(child);
        }

        WriteList(op, request, node, children, reply);
        return CoordErrorCode.Ok;
    }

    private static void WriteList(
        OpCode op, in FilteredListRequest request, Znode node, List<Znode> children, JuteWriter reply)
    {
        reply.WriteInt(children.Count);
        foreach (Znode child in children)
        {
            reply.WriteBuffer(child.Name);
        }

        reply.WriteStat(node.ToStat());
        if (op == OpCode.FilteredList)
        {
            return;
        }

        reply.WriteInt(request.WithStats ? children.Count : 0);
        foreach (Znode child in request.WithStats ? children : [])
        {
            reply.WriteStat(child.ToStat());
        }

        reply.WriteInt(request.WithData ? children.Count : 0);
        foreach (Znode child in request.WithData ? children : [])
        {
            reply.WriteBuffer(child.Data);
        }
    }

    /// <summary>The paths below a znode, level by level; what the caller may not read is left out.</summary>
    private CoordErrorCode ListRecursive(
        ReadOnlySpan<byte> path, uint limit, ReadOnlySpan<byte> identities, JuteWriter reply)
    {
        Znode? root = Tree.Find(path);
        if (root is null)
        {
            return CoordErrorCode.NoNode;
        }

        if (!AclRules.Allows(root.Acl, Permissions.Read, identities))
        {
            return CoordErrorCode.NoAuth;
        }

        int countAt = reply.Length;
        int count = 0;
        reply.WriteInt(0);
        var waiting = new Queue<Znode>();
        waiting.Enqueue(root);
        while (waiting.TryDequeue(out Znode? node))
        {
            foreach (Znode? child in node.ChildSlots)
            {
                if (child is not null && count < limit && AclRules.Allows(child.Acl, Permissions.Read, identities))
                {
                    reply.WriteBuffer(child.FullPath());
                    waiting.Enqueue(child);
                    count++;
                }
            }
        }

        reply.PatchInt(countAt, count);
        return CoordErrorCode.Ok;
    }
}
