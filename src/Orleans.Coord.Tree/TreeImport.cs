using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree;

/// <summary>A znode as another system has it.</summary>
public sealed record ImportedZnode
{
    /// <summary>Its data; null and empty are two different things.</summary>
    public byte[]? Data { get; init; }

    /// <summary>Its access control list as a jute vector; null for everything to everyone.</summary>
    public byte[]? Acl { get; init; }

    /// <summary>Its stat. Of <see cref="Stat.Cversion"/> only <see cref="CreatedChildren"/> counts.</summary>
    public Stat Stat { get; init; }

    /// <summary>How many children were ever created below it: the suffix of the next sequential one.</summary>
    public int CreatedChildren { get; init; }

    /// <summary>Whether it goes when it has lost its last child.</summary>
    public bool IsContainer { get; init; }

    /// <summary>Its time to live, milliseconds; 0 for none.</summary>
    public long TtlMs { get; init; }
}

/// <summary>
/// Builds a state from another system's znodes, with the stats that they have there: versions and zxids that clients
/// have seen stay true. Ephemeral znodes belong to sessions, and those stay behind.
/// </summary>
public sealed class TreeImport
{
    private readonly ZnodeTree _tree = new();
    private long _lastTime;

    /// <summary>Number of znodes, the root and <c>/zookeeper</c> included.</summary>
    public int Count => _tree.Registry.Count;

    /// <summary>The highest zxid seen.</summary>
    public long LastZxid { get; private set; }

    /// <summary>Notes a zxid and a time that were used, whatever for.</summary>
    public void Note(long zxid, long time)
    {
        LastZxid = Math.Max(LastZxid, zxid);
        _lastTime = Math.Max(_lastTime, time);
    }

    /// <summary>Enters a znode, or replaces all of one that is there. Its parent's stat does not change.</summary>
    /// <returns>False if it has no valid path, or no parent.</returns>
    public bool Put(ReadOnlySpan<byte> path, ImportedZnode znode)
    {
        ArgumentNullException.ThrowIfNull(znode);
        Note(Math.Max(znode.Stat.Czxid, Math.Max(znode.Stat.Mzxid, znode.Stat.Pzxid)), znode.Stat.Mtime);
        if (!ZnodePath.IsValid(path) || !TryIntern(znode.Acl, out AclList? acl))
        {
            return false;
        }

        Znode? node = _tree.Find(path);
        if (node is null)
        {
            Znode? parent = _tree.Find(ZnodePath.Parent(path));
            if (parent is null)
            {
                return false;
            }

            ZnodeKind kind = znode.IsContainer ? ZnodeKind.Container
                : znode.TtlMs > 0 ? ZnodeKind.Ttl
                : ZnodeKind.Persistent;
            node = _tree.Import(parent, ZnodePath.Name(path), acl, kind, znode.TtlMs);
        }

        _tree.SetAcl(node, acl, znode.Stat.Aversion);
        var written = new Change(znode.Stat.Mzxid, znode.Stat.Mtime);
        _tree.SetData(node, znode.Data, Math.Max(0, znode.Stat.Version), written);
        _tree.SetOrigin(node, znode.Stat, znode.CreatedChildren);
        return true;
    }

    /// <summary>A logged change of data. Without effect where there is no such znode.</summary>
    public void SetData(ReadOnlySpan<byte> path, byte[]? data, int version, long zxid, long time)
    {
        Note(zxid, time);
        if (_tree.Find(path) is { } node)
        {
            _tree.SetData(node, data, Math.Max(0, version), new Change(zxid, time));
        }
    }

    /// <summary>A logged change of an access control list.</summary>
    public void SetAcl(ReadOnlySpan<byte> path, byte[]? acl, int version)
    {
        if (_tree.Find(path) is { } node && TryIntern(acl, out AclList? list))
        {
            _tree.SetAcl(node, list, version);
        }
    }

    /// <summary>A logged creation below a znode, of any kind.</summary>
    public void NoteChild(ReadOnlySpan<byte> parent, int createdChildren, long zxid)
    {
        if (_tree.Find(parent) is { } node && createdChildren > node.CreatedChildren)
        {
            _tree.SetOrigin(node, node.ToStat() with { Pzxid = zxid }, createdChildren);
        }
    }

    /// <summary>Whether there is a znode at a path.</summary>
    public bool Contains(ReadOnlySpan<byte> path) => _tree.Find(path) is not null;

    /// <summary>A logged deletion.</summary>
    public void Delete(ReadOnlySpan<byte> path, long zxid, long time)
    {
        Note(zxid, time);
        if (_tree.Find(path) is { ChildCount: 0, Parent: not null } node)
        {
            _tree.Delete(node, new Change(zxid, time));
        }
        else if (_tree.Find(ZnodePath.Parent(path)) is { } parent)
        {
            _tree.SetOrigin(parent, parent.ToStat() with { Pzxid = zxid }, parent.CreatedChildren);
        }
    }

    /// <summary>Takes a znode back that is no longer there; its parent's stat does not change.</summary>
    public void Remove(ReadOnlySpan<byte> path)
    {
        if (_tree.Find(path) is { ChildCount: 0, Parent: { } parent } node)
        {
            Stat stat = parent.ToStat();
            int created = parent.CreatedChildren;
            _tree.Delete(node, new Change(stat.Pzxid, stat.Mtime));
            _tree.SetOrigin(parent, stat, created);
        }
    }

    /// <summary>The state. What is written next gets a higher zxid than all that were seen.</summary>
    /// <param name="leastZxid">The least zxid that it shall stand at.</param>
    public CoordStateMachine Finish(long leastZxid)
    {
        _tree.Acls.DropUnused();
        return CoordStateMachine.FromImport(_tree, Math.Max(1, Math.Max(leastZxid, LastZxid)), _lastTime);
    }

    private bool TryIntern(byte[]? encoded, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out AclList? acl)
    {
        acl = null;
        if (encoded is null)
        {
            acl = _tree.Acls.Open;
            return true;
        }

        var reader = new JuteReader(encoded);
        AclList.Skip(ref reader);
        if (reader.Failed || !reader.Rest.IsEmpty || encoded.Length < sizeof(int))
        {
            return false;
        }

        acl = _tree.Acls.Intern(encoded);
        return true;
    }
}
