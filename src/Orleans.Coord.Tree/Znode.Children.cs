namespace Orleans.Coord.Tree;

/// <summary>
/// The child table: open addressing with linear probing over references, at most three quarters full; a removal
/// shifts back what follows, so there are no tombstones. Listings are in the table's order, which depends on names
/// and on the table's history, never on the process: clients are promised no order (ZooKeeper promises none).
/// </summary>
internal sealed partial class Znode
{
    private const int MinCapacity = 4;

    private Znode?[]? _slots;

    public int ChildCount { get; private set; }

    /// <summary>The table's slots, empty ones included; for listings.</summary>
    public ReadOnlySpan<Znode?> ChildSlots => _slots;

    /// <summary>This znode and all below it, parents before their children; none may come or go meanwhile.</summary>
    public IEnumerable<Znode> SelfAndBelow()
    {
        var waiting = new Stack<Znode>();
        waiting.Push(this);
        while (waiting.TryPop(out Znode? node))
        {
            yield return node;
            foreach (Znode? child in node.ChildSlots)
            {
                if (child is not null)
                {
                    waiting.Push(child);
                }
            }
        }
    }

    /// <summary>Finds a child; <paramref name="pathHash"/> must be <see cref="ChildHash"/> of the name.</summary>
    public Znode? FindChild(ReadOnlySpan<byte> name, ulong pathHash)
    {
        Znode?[]? slots = _slots;
        if (slots is null)
        {
            return null;
        }

        int mask = slots.Length - 1;
        for (int i = (int)pathHash & mask; ; i = (i + 1) & mask)
        {
            Znode? child = slots[i];
            if (child is null)
            {
                return null;
            }

            if (child.PathHash == pathHash && name.SequenceEqual(child.Name))
            {
                return child;
            }
        }
    }

    /// <summary>The path hash that a child of this name has.</summary>
    public ulong ChildHash(ReadOnlySpan<byte> name) => TreeHash.Bytes(name, PathHash);

    /// <summary>Makes room for a number of children at once.</summary>
    public void ReserveChildren(int count)
    {
        int capacity = MinCapacity;
        while (capacity / 4 * 3 < count)
        {
            capacity *= 2;
        }

        if (count > 0 && capacity > (_slots?.Length ?? 0))
        {
            Resize(capacity);
        }
    }

    /// <summary>Adds a child that is not there yet.</summary>
    public void AddChild(Znode child)
    {
        Invariant.Check(ReferenceEquals(child.Parent, this));
        ReserveChildren(ChildCount + 1);
        Place(_slots!, child);
        ChildCount++;
        Invariant.Check(ChildCount < _slots!.Length);
    }

    /// <summary>Removes a child that is there.</summary>
    public void RemoveChild(Znode child)
    {
        Invariant.Check(_slots is not null && ReferenceEquals(child.Parent, this));
        int mask = _slots.Length - 1;
        int hole = (int)child.PathHash & mask;
        while (!ReferenceEquals(_slots[hole], child))
        {
            Invariant.Check(_slots[hole] is not null);
            hole = (hole + 1) & mask;
        }

        for (int i = (hole + 1) & mask; _slots[i] is { } next; i = (i + 1) & mask)
        {
            // It may fill the hole only if its own place is not between the hole and where it stands.
            int home = (int)next.PathHash & mask;
            if (((i - home) & mask) >= ((i - hole) & mask))
            {
                _slots[hole] = next;
                hole = i;
            }
        }

        _slots[hole] = null;
        ChildCount--;
        if (ChildCount == 0)
        {
            _slots = null;
        }
    }

    private static void Place(Znode?[] slots, Znode child)
    {
        int mask = slots.Length - 1;
        int i = (int)child.PathHash & mask;
        while (slots[i] is not null)
        {
            i = (i + 1) & mask;
        }

        slots[i] = child;
    }

    private void Resize(int capacity)
    {
        var slots = new Znode?[capacity];
        foreach (Znode? child in _slots.AsSpan())
        {
            if (child is not null)
            {
                Place(slots, child);
            }
        }

        _slots = slots;
    }
}
