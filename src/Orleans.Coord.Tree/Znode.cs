namespace Orleans.Coord.Tree;

/// <summary>Who or what ends a znode's life.</summary>
internal enum ZnodeKind : byte
{
    /// <summary>A delete request.</summary>
    Persistent = 0,

    /// <summary>The end of the session that owns it.</summary>
    Ephemeral = 1,

    /// <summary>Having no children any more.</summary>
    Container = 2,

    /// <summary>Not being written for its time to live, while it has no children.</summary>
    Ttl = 3,
}

/// <summary>
/// One znode. A million of them are to fit into a few hundred megabytes, so: no path (the parents' names make it up),
/// no child table for leaves, no lock, no separate stat object. 136 bytes, plus name, data and the tables' slots.
/// </summary>
internal sealed partial class Znode
{
    private const int KindBits = 2;
    private const uint KindMask = (1 << KindBits) - 1;

    private uint _kindAndMark;

    public Znode(byte[] name, ZnodeKind kind, AclList acl)
    {
        Name = name;
        Acl = acl;
        _kindAndMark = (uint)kind;
    }

    /// <summary>Its own name as UTF-8; empty for the root.</summary>
    public byte[] Name { get; }

    /// <summary>Null for the root only.</summary>
    public Znode? Parent { get; private set; }

    /// <summary>
    /// Hash of the whole path: the name's, seeded with the parent's. Places it in its parent's table.
    /// </summary>
    public ulong PathHash { get; private set; }

    /// <summary>Null and empty are two different things to ZooKeeper's clients.</summary>
    public byte[]? Data { get; set; }

    public AclList Acl { get; set; }

    /// <summary>Where the registry has it.</summary>
    public int Slot { get; set; }

    /// <summary>Session id of an ephemeral, milliseconds of a TTL znode, else 0.</summary>
    public long OwnerOrTtl { get; set; }

    public long Czxid { get; set; }

    public long Mzxid { get; set; }

    public long Pzxid { get; set; }

    public long Ctime { get; set; }

    public long Mtime { get; set; }

    public int Version { get; set; }

    public int Aversion { get; set; }

    /// <summary>How many children were ever created: the suffix of the next sequential one. Wraps as in Java.</summary>
    public int CreatedChildren { get; set; }

    public ZnodeKind Kind => (ZnodeKind)(_kindAndMark & KindMask);

    /// <summary>Number of the last snapshot that has this znode, or that it came too late for.</summary>
    public uint SnapshotMark
    {
        get => _kindAndMark >> KindBits;
        set => _kindAndMark = (value << KindBits) | (_kindAndMark & KindMask);
    }

    public long EphemeralOwner => Kind == ZnodeKind.Ephemeral ? OwnerOrTtl : 0;

    /// <summary>Gives it its place, once. Its parent's table does not have it yet.</summary>
    public void SetParent(Znode? parent, ulong pathHash)
    {
        Invariant.Check(Parent is null && PathHash == 0);
        Invariant.Check(parent is null == (Name.Length == 0));
        Parent = parent;
        PathHash = pathHash;
    }

    /// <summary>The znode's metadata as clients see it.</summary>
    public Stat ToStat() => new(
        Czxid,
        Mzxid,
        Ctime,
        Mtime,
        Version,
        // Each create but those of the children still there has its delete; clients count both.
        unchecked((CreatedChildren * 2) - ChildCount),
        Aversion,
        EphemeralOwner,
        Data?.Length ?? 0,
        ChildCount,
        Pzxid);

    /// <summary>The absolute path as UTF-8.</summary>
    public byte[] FullPath()
    {
        if (Parent is null)
        {
            return [(byte)'/'];
        }

        int length = 0;
        for (Znode node = this; node.Parent is not null; node = node.Parent)
        {
            length += node.Name.Length + 1;
        }

        byte[] path = new byte[length];
        for (Znode node = this; node.Parent is not null; node = node.Parent)
        {
            length -= node.Name.Length;
            node.Name.CopyTo(path, length);
            path[--length] = (byte)'/';
        }

        Invariant.Check(length == 0);
        return path;
    }
}
