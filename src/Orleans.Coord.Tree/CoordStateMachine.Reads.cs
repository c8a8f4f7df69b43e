using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree;

/// <summary>Reads: local, with ZooKeeper's order of checks.</summary>
public sealed partial class CoordStateMachine
{
    /// <summary>
    /// Runs exists, getData, getACL, getChildren, getChildren2, multiRead, getEphemerals, getAllChildrenNumber or
    /// whoAmI, and sets a watch if the request asks for one.
    /// </summary>
    /// <param name="op">The operation.</param>
    /// <param name="body">The request, without its header.</param>
    /// <param name="sessionId">The session that asks.</param>
    /// <param name="who">Its connection's identities.</param>
    /// <param name="reply">Where the reply's body is appended; left as it was if the code is an error.</param>
    /// <returns>The reply's code.</returns>
    public CoordErrorCode Read(
        OpCode op, ReadOnlySpan<byte> body, long sessionId, CallerIdentities who, JuteWriter reply)
    {
        ArgumentNullException.ThrowIfNull(who);
        ArgumentNullException.ThrowIfNull(reply);
        switch (op)
        {
            case OpCode.MultiRead:
                return MultiRead(body, who, reply);
            case OpCode.GetEphemerals:
                return GetEphemerals(body, sessionId, reply);
            case OpCode.WhoAmI:
                who.WriteClientInfos(reply);
                return CoordErrorCode.Ok;
            case OpCode.GetChanges:
                return GetChanges(body, who, reply);
            case OpCode.FilteredList:
            case OpCode.FilteredListWithStatsAndData:
            case OpCode.ListRecursive:
                var request = new JuteReader(body);
                return KeeperRead(op, ref request, sessionId, who, reply);
            case OpCode.GetAcl:
            case OpCode.GetAllChildrenNumber:
                break;
            case OpCode.Exists:
            case OpCode.GetData:
            case OpCode.GetChildren:
            case OpCode.GetChildren2:
                break;
            default:
                return CoordErrorCode.Unimplemented;
        }

        var reader = new JuteReader(body);
        ReadOnlySpan<byte> path = reader.ReadBuffer(out bool isNull);
        bool watch = op is not (OpCode.GetAcl or OpCode.GetAllChildrenNumber) && reader.ReadBool();
        if (reader.Failed || isNull)
        {
            return CoordErrorCode.MarshallingError;
        }

        CoordErrorCode code = ReadPath(op, path, who.Encoded, reply);
        bool found = code == CoordErrorCode.Ok || (op == OpCode.Exists && code == CoordErrorCode.NoNode);
        if (watch && found && sessionId != 0)
        {
            bool children = op is OpCode.GetChildren or OpCode.GetChildren2;
            Watches.Add(sessionId, who, path, children ? WatchKinds.Child : WatchKinds.Data);
        }

        return code;
    }

    private static void WriteChildren(Znode node, JuteWriter reply)
    {
        reply.WriteInt(node.ChildCount);
        foreach (Znode? child in node.ChildSlots)
        {
            if (child is not null)
            {
                reply.WriteBuffer(child.Name);
            }
        }
    }

    /// <summary>Shows the list; to those without ADMIN, digests are hidden behind an x.</summary>
    private static void WriteAcl(Znode node, ReadOnlySpan<byte> identities, JuteWriter reply)
    {
        if (AclRules.Allows(node.Acl, Permissions.Admin, identities))
        {
            reply.WriteRaw(node.Acl.Encoded);
            return;
        }

        reply.WriteInt(node.Acl.Entries.Length);
        foreach (AclEntry entry in node.Acl.Entries)
        {
            reply.WriteInt((int)entry.Permissions);
            reply.WriteBuffer(entry.Scheme);
            int colon = entry.Scheme.AsSpan().SequenceEqual("digest"u8) ? entry.Id.AsSpan().IndexOf((byte)':') : -1;
            if (colon < 0)
            {
                reply.WriteBuffer(entry.Id);
            }
            else
            {
                reply.WriteInt(colon + 2);
                reply.WriteRaw(entry.Id.AsSpan(0, colon));
                reply.WriteRaw(":x"u8);
            }
        }
    }

    private static int CountDescendants(Znode node)
    {
        int count = 0;
        var waiting = new Stack<Znode>();
        waiting.Push(node);
        while (waiting.TryPop(out Znode? next))
        {
            count += next.ChildCount;
            foreach (Znode? child in next.ChildSlots)
            {
                if (child is { ChildCount: > 0 })
                {
                    waiting.Push(child);
                }
            }
        }

        return count;
    }

    private CoordErrorCode ReadPath(
        OpCode op, ReadOnlySpan<byte> path, ReadOnlySpan<byte> identities, JuteWriter reply)
    {
        if (op == OpCode.Exists && path.Contains((byte)0))
        {
            return CoordErrorCode.BadArguments;
        }

        Znode? node = FindReadable(path);
        if (node is null)
        {
            return CoordErrorCode.NoNode;
        }

        Permissions wanted = op == OpCode.GetAcl ? Permissions.Read | Permissions.Admin : Permissions.Read;
        if (op != OpCode.Exists && !AclRules.Allows(node.Acl, wanted, identities))
        {
            return CoordErrorCode.NoAuth;
        }

        WriteNode(op, path, node, identities, reply);
        return CoordErrorCode.Ok;
    }

    private void WriteNode(
        OpCode op, ReadOnlySpan<byte> path, Znode node, ReadOnlySpan<byte> identities, JuteWriter reply)
    {
        switch (op)
        {
            case OpCode.GetData:
                reply.WriteBufferOrNull(node.Data);
                reply.WriteStat(node.ToStat());
                break;
            case OpCode.GetChildren:
                WriteChildren(node, reply);
                break;
            case OpCode.GetChildren2:
                WriteChildren(node, reply);
                reply.WriteStat(node.ToStat());
                break;
            case OpCode.GetAcl:
                WriteAcl(node, identities, reply);
                reply.WriteStat(node.ToStat());
                break;
            case OpCode.GetAllChildrenNumber:
                // Asked for an empty path, ZooKeeper counts the root among its descendants.
                reply.WriteInt(
                    path.IsEmpty ? ZnodeCount
                    : ReferenceEquals(node, Tree.Root) ? ZnodeCount - 1
                    : CountDescendants(node));
                break;
            default:
                Invariant.Check(op == OpCode.Exists);
                reply.WriteStat(node.ToStat());
                break;
        }
    }

    /// <summary>Several reads in one answer, each with its own error. Watch flags are ignored.</summary>
    private CoordErrorCode MultiRead(ReadOnlySpan<byte> body, CallerIdentities who, JuteWriter reply)
    {
        if (!MultiFormat.IsMultiOfReads(body))
        {
            return CoordErrorCode.MarshallingError;
        }

        var reader = new JuteReader(body);
        while (MultiFormat.NextHeader(ref reader, out OpCode op))
        {
            int start = reply.Length;
            MultiFormat.WriteHeader(reply, op);
            CoordErrorCode code = ReadInMulti(op, ref reader, who, reply);
            if (code != CoordErrorCode.Ok)
            {
                reply.Truncate(start);
                MultiFormat.WriteError(reply, code);
            }
        }

        MultiFormat.WriteEnd(reply);
        return CoordErrorCode.Ok;
    }

    private CoordErrorCode ReadInMulti(OpCode op, ref JuteReader reader, CallerIdentities who, JuteWriter reply)
    {
        if (op >= OpCode.FilteredList)
        {
            return KeeperRead(op, ref reader, sessionId: 0, who, reply);
        }

        ReadOnlySpan<byte> path = reader.ReadString();
        reader.ReadBool();
        return ReadPath(op, path, who.Encoded, reply);
    }

    /// <summary>The session's own ephemerals under a prefix; a blank one or a slash means all.</summary>
    private CoordErrorCode GetEphemerals(ReadOnlySpan<byte> body, long sessionId, JuteWriter reply)
    {
        var reader = new JuteReader(body);
        ReadOnlySpan<byte> prefix = reader.ReadString();
        if (reader.Failed)
        {
            return CoordErrorCode.MarshallingError;
        }

        // Java's trim: all up to the space.
        int first = prefix.IndexOfAnyExceptInRange((byte)0, (byte)' ');
        int last = prefix.LastIndexOfAnyExceptInRange((byte)0, (byte)' ');
        bool all = first < 0 || (first == last && prefix[first] == '/');
        int countAt = reply.Length;
        int count = 0;
        reply.WriteInt(0);
        foreach (byte[] path in EphemeralPaths(sessionId))
        {
            if (all || path.AsSpan().StartsWith(prefix))
            {
                reply.WriteBuffer(path);
                count++;
            }
        }

        reply.PatchInt(countAt, count);
        return CoordErrorCode.Ok;
    }
}
