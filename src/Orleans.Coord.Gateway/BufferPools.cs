using Orleans.Coord.Jute;

namespace Orleans.Coord.Gateway;

/// <summary>
/// The buffers of all connections. An idle connection holds none, so that thousands of them cost next to nothing.
/// </summary>
internal sealed class BufferPools
{
    private const int PooledObjects = 256;
    private const int FirstWriterBytes = 4096;

    // One huge reply must not stay in memory for ever.
    private const int LargestPooledWriterBytes = 128 * 1024;

    private readonly BoundedPool<JuteWriter> _writers = new(PooledObjects);
    private readonly BoundedPool<FrameBatch> _batches = new(PooledObjects);

    /// <summary>An empty writer.</summary>
    public JuteWriter RentWriter() => _writers.TryTake(out JuteWriter? writer) ? writer : new(FirstWriterBytes);

    /// <summary>Takes a writer back.</summary>
    public void Return(JuteWriter writer)
    {
        if (writer.Capacity <= LargestPooledWriterBytes)
        {
            writer.Clear();
            _writers.TryPut(writer);
        }
    }

    /// <summary>A batch without frames.</summary>
    public FrameBatch RentBatch() => _batches.TryTake(out FrameBatch? batch) ? batch : new FrameBatch(this);

    /// <summary>Takes a batch back.</summary>
    public void Return(FrameBatch batch) => _batches.TryPut(batch);
}
