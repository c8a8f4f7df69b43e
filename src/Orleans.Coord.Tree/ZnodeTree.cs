namespace Orleans.Coord.Tree;

/// <summary>
/// The znodes, and everything that is kept in step with them: registry, shared access control lists, counts, the
/// rolling digest, the copies aside that a running snapshot needs, and the undo log of a multi. Knows nothing of
/// requests and their rules.
/// </summary>
internal sealed partial class ZnodeTree
{
    /// <summary>The root's path hash, from which all others follow.</summary>
    public const ulong RootHash = 0x5EED_0000_0000_0004;

    private readonly Dictionary<long, IndexedSet<int>> _ephemerals = [];

    /// <summary>Creates the tree as ZooKeeper has it on its first day.</summary>
    public ZnodeTree()
    {
        Root = NewNode([], null, RootHash, ZnodeKind.Persistent, Acls.Open);
        Root.Data = [];
        Link(Root);
        Znode system = AddInitial(Root, "zookeeper"u8, Acls.Open, 0);
        AddInitial(system, "quota"u8, Acls.Open, 0);
        AddInitial(system, "config"u8, Acls.Intern(AclRules.ReadOnlyEncoded), -1);
        Acls.DropUnused();
    }

    /// <summary>Creates a tree for restoring: no znode is entered yet, see <see cref="Adopt"/>.</summary>
    public ZnodeTree(Znode root, AclTable acls)
    {
        Root = root;
        Acls = acls;
    }

    public Znode Root { get; }

    public AclTable Acls { get; } = new();

    public ZnodeRegistry Registry { get; } = new();

    /// <summary>Slots of containers and TTL znodes: what the leader looks through for some to reap.</summary>
    public IndexedSet<int> Reapable { get; } = new();

    public int EphemeralCount { get; private set; }

    /// <summary>Sum over all znodes of path and data length.</summary>
    public long DataSize { get; private set; }

    /// <summary>Sum over all znodes of their hashes.</summary>
    public ulong Digest { get; private set; }

    /// <summary>Told before a znode changes or goes, while a snapshot runs.</summary>
    public TreeSnapshot? Snapshot { get; set; }

    /// <summary>Finds a znode by its path. An empty path means the root too, as in ZooKeeper.</summary>
    public Znode? Find(ReadOnlySpan<byte> path)
    {
        if (path.IsEmpty || (path.Length == 1 && path[0] == '/'))
        {
            return Root;
        }

        if (path[0] != '/')
        {
            return null;
        }

        Znode? node = Root;
        do
        {
            path = path[1..];
            int slash = path.IndexOf((byte)'/');
            ReadOnlySpan<byte> name = slash < 0 ? path : path[..slash];
            path = path[name.Length..];
            node = node.FindChild(name, node.ChildHash(name));
        }
        while (node is not null && !path.IsEmpty);
        return node;
    }

    public Znode Create(
        Znode parent,
        ReadOnlySpan<byte> name,
        byte[]? data,
        AclList acl,
        ZnodeKind kind,
        long ownerOrTtl,
        Change change)
    {
        Invariant.Check(kind == ZnodeKind.Persistent || ownerOrTtl != 0 || kind == ZnodeKind.Container);
        ulong hash = parent.ChildHash(name);
        Invariant.Check(parent.FindChild(name, hash) is null);
        Znode node = NewNode(name.ToArray(), parent, hash, kind, acl);
        node.Data = data;
        node.OwnerOrTtl = ownerOrTtl;
        node.Czxid = node.Mzxid = node.Pzxid = change.Zxid;
        node.Ctime = node.Mtime = change.Time;
        _undo?.Add(UndoEntry.OfCreate(node));
        BeginStatChange(parent);
        parent.CreatedChildren = unchecked(parent.CreatedChildren + 1);
        parent.Pzxid = change.Zxid;
        Link(node);
        EndStatChange(parent);
        return node;
    }

    public void Delete(Znode node, Change change)
    {
        Invariant.Check(node.ChildCount == 0 && node.Parent is not null);
        Invariant.Check(ReferenceEquals(Registry[node.Slot], node));
        Snapshot?.BeforeChange(node);
        _undo?.Add(UndoEntry.OfDelete(node));
        BeginStatChange(node.Parent);
        node.Parent.Pzxid = change.Zxid;
        Unlink(node);
        EndStatChange(node.Parent);
    }

    public void SetData(Znode node, byte[]? data, int version, Change change)
    {
        Invariant.Check(version != -1);
        Replace(node, data, version, change);
    }

    /// <summary>The configuration's own znode: its version is −1 from its first change on, as in ZooKeeper.</summary>
    public void SetConfig(Znode node, byte[] data, Change change) => Replace(node, data, -1, change);

    private void Replace(Znode node, byte[]? data, int version, Change change)
    {
        Invariant.Check(ReferenceEquals(Registry[node.Slot], node));
        _undo?.Add(UndoEntry.OfSetData(node));
        BeginStatChange(node);
        Digest -= DataHash(node);
        DataSize += (data?.Length ?? 0) - (node.Data?.Length ?? 0);
        node.Data = data;
        node.Version = version;
        node.Mzxid = change.Zxid;
        node.Mtime = change.Time;
        Digest += DataHash(node);
        EndStatChange(node);
    }

    public void SetAcl(Znode node, AclList acl, int aversion)
    {
        Invariant.Check(ReferenceEquals(Registry[node.Slot], node));
        Invariant.Check(_undo is null);
        BeginStatChange(node);
        AclTable.Acquire(acl);
        Acls.Release(node.Acl);
        node.Acl = acl;
        node.Aversion = aversion;
        EndStatChange(node);
    }

    /// <summary>At import: enters a znode and leaves its parent's stat alone.</summary>
    public Znode Import(Znode parent, ReadOnlySpan<byte> name, AclList acl, ZnodeKind kind, long ttlMs)
    {
        Invariant.Check(kind != ZnodeKind.Ephemeral);
        Znode node = NewNode(name.ToArray(), parent, parent.ChildHash(name), kind, acl);
        node.OwnerOrTtl = ttlMs;
        Link(node);
        return node;
    }

    /// <summary>At import: gives a znode the stat that it has where it comes from, but for versions and data.</summary>
    public void SetOrigin(Znode node, in Stat stat, int createdChildren)
    {
        BeginStatChange(node);
        node.Czxid = stat.Czxid;
        node.Mzxid = stat.Mzxid;
        node.Pzxid = stat.Pzxid;
        node.Ctime = stat.Ctime;
        node.Mtime = stat.Mtime;
        node.CreatedChildren = createdChildren;
        EndStatChange(node);
    }

    /// <summary>At restore: enters a znode that has its parent, but is not in the parent's table.</summary>
    public void Adopt(Znode node)
    {
        Invariant.Check(ReferenceEquals(node, Root) || node.Parent is not null);
        Link(node);
    }

    /// <summary>Slots of the znodes that a session owns; null if it owns none.</summary>
    public IndexedSet<int>? EphemeralsOf(long sessionId) => _ephemerals.GetValueOrDefault(sessionId);

    private static ulong StatHash(Znode node)
    {
        ulong h = TreeHash.Step(node.PathHash, (ulong)node.Czxid, (ulong)node.Mzxid);
        h = TreeHash.Step(h, (ulong)node.Ctime, (ulong)node.Mtime);
        h = TreeHash.Step(h, (ulong)node.Pzxid, (ulong)node.OwnerOrTtl);
        h = TreeHash.Step(h, ((ulong)(uint)node.Version << 32) | (uint)node.Aversion, node.Acl.Hash);
        return TreeHash.Pair(h, ((ulong)(uint)node.CreatedChildren << 2) | (byte)node.Kind);
    }

    /// <summary>Apart from the stat's hash, so that a new child does not cost a pass over its parent's data.</summary>
    private static ulong DataHash(Znode node)
    {
        const ulong Null = 0x5EED_0000_0000_0005;
        return node.Data is null ? TreeHash.Pair(Null, node.PathHash) : TreeHash.Bytes(node.Data, node.PathHash);
    }

    private static int PathLength(Znode node)
    {
        int length = 0;
        for (Znode? at = node; at?.Parent is not null; at = at.Parent)
        {
            length += at.Name.Length + 1;
        }

        return Math.Max(1, length);
    }

    private Znode NewNode(byte[] name, Znode? parent, ulong hash, ZnodeKind kind, AclList acl)
    {
        var node = new Znode(name, kind, acl) { SnapshotMark = Snapshot?.Mark ?? 0 };
        node.SetParent(parent, hash);
        return node;
    }

    private Znode AddInitial(Znode parent, ReadOnlySpan<byte> name, AclList acl, int aversion)
    {
        Znode node = NewNode(name.ToArray(), parent, parent.ChildHash(name), ZnodeKind.Persistent, acl);
        node.Data = [];
        node.Aversion = aversion;
        Link(node);
        return node;
    }

    private void BeginStatChange(Znode node)
    {
        Snapshot?.BeforeChange(node);
        Digest -= StatHash(node);
    }

    private void EndStatChange(Znode node) => Digest += StatHash(node);

    /// <summary>Enters a znode everywhere it has to be known.</summary>
    private void Link(Znode node)
    {
        Registry.Add(node);
        node.Parent?.AddChild(node);
        Account(node);
    }

    private void Account(Znode node)
    {
        AclTable.Acquire(node.Acl);
        DataSize += PathLength(node) + (node.Data?.Length ?? 0);
        Digest += StatHash(node) + DataHash(node);
        if (node.Kind == ZnodeKind.Ephemeral)
        {
            if (!_ephemerals.TryGetValue(node.OwnerOrTtl, out IndexedSet<int>? owned))
            {
                _ephemerals.Add(node.OwnerOrTtl, owned = new IndexedSet<int>());
            }

            owned.Add(node.Slot);
            EphemeralCount++;
        }
        else if (node.Kind != ZnodeKind.Persistent)
        {
            Reapable.Add(node.Slot);
        }
    }

    /// <summary>The exact opposite of <see cref="Link"/>.</summary>
    private void Unlink(Znode node)
    {
        if (node.Kind == ZnodeKind.Ephemeral)
        {
            IndexedSet<int> owned = _ephemerals[node.OwnerOrTtl];
            owned.Remove(node.Slot);
            EphemeralCount--;
            if (owned.Count == 0)
            {
                _ephemerals.Remove(node.OwnerOrTtl);
            }
        }
        else if (node.Kind != ZnodeKind.Persistent)
        {
            Reapable.Remove(node.Slot);
        }

        Digest -= StatHash(node) + DataHash(node);
        DataSize -= PathLength(node) + (node.Data?.Length ?? 0);
        Acls.Release(node.Acl);
        node.Parent!.RemoveChild(node);
        Registry.Remove(node);
    }
}

/// <summary>When a change happens: the entry's index and its time.</summary>
internal readonly record struct Change(long Zxid, long Time);
