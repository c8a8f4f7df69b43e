using System.Buffers;
using System.Diagnostics;
using Orleans.Coord.Jute;
using Orleans.Coord.Replication;

namespace Orleans.Coord.Gateway;

/// <summary>Whole frames that came together, copied once into a pooled buffer. Pooled itself.</summary>
internal sealed class FrameBatch(BufferPools pools) : ClientFrames
{
    private byte[] _buffer = [];
    private FrameScan _scan;
    private ClientConnection? _connection;

    /// <inheritdoc/>
    public override ReadOnlyMemory<byte> Bytes => _buffer.AsMemory(0, _scan.Bytes);

    /// <summary>Number and size of the frames.</summary>
    public FrameScan Scan => _scan;

    /// <summary>When the frames came, as a <see cref="Stopwatch"/> time stamp.</summary>
    public long ReceivedAt { get; private set; }

    /// <summary>The frame that begins at <paramref name="position"/>, without its length.</summary>
    public ReadOnlySpan<byte> FrameAt(int position) =>
        _buffer.AsSpan((position + FrameDecoder.PrefixBytes).._scan.Bytes);

    /// <summary>Copies <paramref name="bytes"/> and finds the whole frames at their start.</summary>
    public FrameScan Load(ReadOnlySequence<byte> bytes, int maxFrameBytes, int maxFrames)
    {
        int length = checked((int)bytes.Length);
        _buffer = ArrayPool<byte>.Shared.Rent(length);
        bytes.CopyTo(_buffer);
        _scan = FrameDecoder.Scan(
            _buffer.AsSpan(0, length), FrameDecoder.MinRequestBytes, maxFrameBytes, maxFrames);
        return _scan;
    }

    /// <summary>Marks the frames as being on their way through the replica.</summary>
    public void Post(ClientConnection connection)
    {
        _connection = connection;
        ReceivedAt = Stopwatch.GetTimestamp();
    }

    /// <inheritdoc/>
    public override void Release()
    {
        ClientConnection? connection = Interlocked.Exchange(ref _connection, null);
        Invariant.Check(connection is not null);
        FrameScan scan = _scan;
        long receivedAt = ReceivedAt;
        Recycle();
        connection.Executed(scan, receivedAt);
    }

    /// <summary>Gives buffer and object back without having been posted, or after it.</summary>
    public void Recycle()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
        _scan = default;
        pools.Return(this);
    }
}
