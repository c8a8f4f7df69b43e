namespace Orleans.Coord.Tcp;

/// <summary>What a <see cref="FrameReader"/> brings.</summary>
internal interface IFrameSink
{
    /// <summary>Something came, be it half a frame.</summary>
    void Heard();

    /// <summary>An envelope came, in an array of its own.</summary>
    void Received(byte[] envelope);
}

/// <summary>
/// Cuts a stream into envelopes: all the frames of one read at a time, large ones without a second copy.
/// </summary>
internal sealed class FrameReader(
    Stream stream, int bufferBytes, int maxEnvelopeBytes, IFrameSink sink, PeerCounters counters)
{
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(bufferBytes);
    private int _start;
    private int _end;

    /// <summary>Reads until the other side ends the stream.</summary>
    /// <exception cref="InvalidDataException">What came is no frame, too large or damaged.</exception>
    public async Task RunAsync()
    {
        while (await ReadAsync(_buffer.AsMemory(_end)) is > 0 and int count)
        {
            _end += count;
            if (TakeFrames())
            {
                await TakeLargeFrameAsync();
            }
        }
    }

    // Returns whether the frame that begins at _start is one that the buffer can't hold.
    private bool TakeFrames()
    {
        int envelopes = 0;
        bool large = false;
        while (_end - _start >= PeerFrame.HeaderBytes)
        {
            (int length, uint checksum) = PeerFrame.ReadHeader(_buffer.AsSpan(_start));
            if ((uint)length > (uint)maxEnvelopeBytes)
            {
                throw new InvalidDataException(
                    $"it sent a frame of length {length}; allowed are 0 to {maxEnvelopeBytes}");
            }

            int size = PeerFrame.HeaderBytes + length;
            if (size > _end - _start)
            {
                large = size > _buffer.Length;
                break;
            }

            ReadOnlySpan<byte> envelope = _buffer.AsSpan(_start + PeerFrame.HeaderBytes, length);
            PeerFrame.Verify(envelope, checksum);
            _start += size;
            if (length > 0)
            {
                envelopes++;
                Deliver(envelope);
            }
        }

        counters.AddReceived(envelopes);
        Compact();
        return large;
    }

    private void Deliver(ReadOnlySpan<byte> envelope)
    {
        byte[] copy = GC.AllocateUninitializedArray<byte>(envelope.Length);
        envelope.CopyTo(copy);
        sink.Received(copy);
    }

    private void Compact()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start.._end).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
        }
    }

    private async Task TakeLargeFrameAsync()
    {
        (int length, uint checksum) = PeerFrame.ReadHeader(_buffer);
        byte[] envelope = GC.AllocateUninitializedArray<byte>(length);
        int filled = _end - PeerFrame.HeaderBytes;
        _buffer.AsSpan(PeerFrame.HeaderBytes.._end).CopyTo(envelope);
        _end = 0;
        while (filled < length)
        {
            int count = await ReadAsync(envelope.AsMemory(filled));
            if (count == 0)
            {
                return;
            }

            filled += count;
        }

        PeerFrame.Verify(envelope, checksum);
        counters.AddReceived(1);
        sink.Received(envelope);
    }

    private async ValueTask<int> ReadAsync(Memory<byte> destination)
    {
        int count = await stream.ReadAsync(destination);
        if (count > 0)
        {
            sink.Heard();
            counters.AddRead(count);
        }

        return count;
    }
}
