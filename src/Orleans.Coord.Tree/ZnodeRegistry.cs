namespace Orleans.Coord.Tree;

/// <summary>
/// All znodes by slot number, so that a snapshot can walk them in slices. Chunked: growing never copies all of them,
/// and no array is large enough for the large object heap. Freed slots are reused, the last freed first; so undoing
/// changes in reverse order gives each znode its old slot back.
/// </summary>
internal sealed class ZnodeRegistry
{
    private const int ChunkBits = 13;
    private const int ChunkSize = 1 << ChunkBits;

    private readonly List<Znode?[]> _chunks = [];
    private readonly List<int> _free = [];

    /// <summary>Number of znodes.</summary>
    public int Count => HighWater - _free.Count;

    /// <summary>One more than the highest slot ever used.</summary>
    public int HighWater { get; private set; }

    public Znode? this[int slot] =>
        (uint)slot < (uint)HighWater ? _chunks[slot >> ChunkBits][slot & (ChunkSize - 1)] : null;

    public void Add(Znode node)
    {
        int slot;
        if (_free.Count > 0)
        {
            slot = _free[^1];
            _free.RemoveAt(_free.Count - 1);
        }
        else
        {
            slot = HighWater++;
            EnsureChunk(slot);
        }

        Put(slot, node);
    }

    public void Remove(Znode node)
    {
        Invariant.Check(ReferenceEquals(this[node.Slot], node));
        _chunks[node.Slot >> ChunkBits][node.Slot & (ChunkSize - 1)] = null;
        _free.Add(node.Slot);
        Invariant.Check(_free.Count <= HighWater);
    }

    private void EnsureChunk(int slot)
    {
        while (_chunks.Count <= slot >> ChunkBits)
        {
            _chunks.Add(new Znode?[ChunkSize]);
        }
    }

    private void Put(int slot, Znode node)
    {
        ref Znode? place = ref _chunks[slot >> ChunkBits][slot & (ChunkSize - 1)];
        Invariant.Check(place is null);
        place = node;
        node.Slot = slot;
    }
}
