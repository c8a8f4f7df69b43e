namespace Orleans.Coord.Tree;

/// <summary>Keeps one copy of each access control list in use.</summary>
internal sealed class AclTable
{
    private readonly Dictionary<byte[], AclList> _byContent = new(BytesComparer.Instance);
    private readonly List<AclList> _unused = [];
    private long _lastId;

    public AclTable() => Open = Intern(AclRules.OpenEncoded);

    /// <summary>Everything for everyone; never dropped.</summary>
    public AclList Open { get; }

    public int Count => _byContent.Count;

    /// <summary>The list with this content, if it is in use.</summary>
    public AclList? Find(ReadOnlySpan<byte> encoded) =>
        _byContent.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(encoded, out AclList? list) ? list : null;

    /// <summary>The list with this content; without users it stays until the next <see cref="DropUnused"/>.</summary>
    public AclList Intern(ReadOnlySpan<byte> encoded) => Find(encoded) ?? Add(++_lastId, encoded);

    public static void Acquire(AclList list)
    {
        Invariant.Check(list.Users >= 0);
        list.Users = checked(list.Users + 1);
    }

    public void Release(AclList list)
    {
        Invariant.Check(list.Users > 0);
        list.Users--;
        if (list.Users == 0)
        {
            _unused.Add(list);
        }
    }

    /// <summary>Drops the lists without users. Called between commands, never where an undo may follow.</summary>
    public void DropUnused()
    {
        if (_unused.Count == 0)
        {
            return;
        }

        foreach (AclList list in _unused)
        {
            if (list.Users == 0 && !ReferenceEquals(list, Open))
            {
                _byContent.Remove(list.Encoded);
            }
        }

        _unused.Clear();
    }

    /// <summary>All lists as they are now; the lists themselves never change.</summary>
    public AclList[] ToArray() => [.. _byContent.Values];

    /// <summary>At restore: adds a list under its old id; null if that id or that content is there already.</summary>
    public AclList? Restore(long id, ReadOnlySpan<byte> encoded)
    {
        if (id == Open.Id && encoded.SequenceEqual(Open.Encoded))
        {
            return Open;
        }

        if (id <= Open.Id || _byContent.GetAlternateLookup<ReadOnlySpan<byte>>().ContainsKey(encoded))
        {
            return null;
        }

        _lastId = Math.Max(_lastId, id);
        return Add(id, encoded);
    }

    private AclList Add(long id, ReadOnlySpan<byte> encoded)
    {
        var list = new AclList(id, encoded.ToArray());
        _byContent.Add(list.Encoded, list);
        _unused.Add(list);
        return list;
    }
}
