namespace Orleans.Coord.Wal;

/// <summary>The blocks used last, so that what was written a moment ago is not asked from the store.</summary>
internal sealed class BlockCache
{
    private const int MaxBlocks = 256;

    private readonly Lock _gate = new();
    private readonly Dictionary<BlockId, byte[]> _blocks = [];
    private readonly Queue<BlockId> _order = new();

    internal bool TryGet(BlockId id, out byte[] content)
    {
        lock (_gate)
        {
            return _blocks.TryGetValue(id, out content!);
        }
    }

    internal void Add(BlockId id, byte[] content)
    {
        lock (_gate)
        {
            if (!_blocks.TryAdd(id, content))
            {
                return;
            }

            _order.Enqueue(id);
            if (_order.Count > MaxBlocks)
            {
                _blocks.Remove(_order.Dequeue());
            }
        }
    }
}
