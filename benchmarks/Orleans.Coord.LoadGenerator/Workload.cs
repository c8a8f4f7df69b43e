namespace Orleans.Coord.LoadGenerator;

/// <summary>Decides the next request. Each worker has its own, so none needs locks.</summary>
internal abstract class Workload
{
    public abstract int MaxFrameLength { get; }

    /// <summary>Writes the request with this sequence number of the whole phase and returns its length.</summary>
    public abstract int Write(Span<byte> destination, int xid, uint sequence);
}

/// <summary>Touches every node once, in order: creating, deleting and loading.</summary>
internal sealed class SequentialWorkload(RequestTemplate request) : Workload
{
    public override int MaxFrameLength => request.Length;

    public override int Write(Span<byte> destination, int xid, uint sequence) =>
        request.Write(destination, xid, sequence);
}

/// <summary>Touches uniformly random keys with a read or a write.</summary>
internal sealed class RandomKeyWorkload(
    RequestTemplate read,
    RequestTemplate write,
    int readPercent,
    uint keys,
    ulong seed) : Workload
{
    // Marsaglia's xorshift: a generator that costs nothing beside a request and repeats for the same seed.
    private ulong _state = (seed + 1) * 0x9E3779B97F4A7C15;

    public override int MaxFrameLength => Math.Max(read.Length, write.Length);

    public override int Write(Span<byte> destination, int xid, uint sequence)
    {
        _state ^= _state << 13;
        _state ^= _state >> 7;
        _state ^= _state << 17;
        uint key = (uint)(((_state >> 32) * keys) >> 32);
        bool isRead = ((_state & 0xFFFF) * 100) >> 16 < (uint)readPercent;
        return (isRead ? read : write).Write(destination, xid, key);
    }
}
