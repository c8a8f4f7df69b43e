using Orleans.Coord.Jute;

namespace Orleans.Coord.Tcp;

/// <summary>
/// One connection's way out. A turn's frames are handed over in their buffer, which is swapped for an empty one, and
/// leave in one write; what piles up while a write is under way leaves with the next one.
/// </summary>
internal sealed class LinkSender(Stream stream, PeerCounters counters, Action<string> close, Action shutDown)
{
    private const int FirstBufferBytes = 16 * 1024;

    // Larger buffers are given up once so many writes in a row used less than a quarter of theirs.
    private const int KeptBufferBytes = 256 * 1024;
    private const int WastesToShrink = 4096;

    private readonly Lock _lock = new();
    private readonly Stack<JuteWriter> _spare = new(3);
    private JuteWriter? _pending;
    private long _unsent;
    private int _wastes;
    private bool _sending;
    private bool _active;
    private bool _last;
    private bool _dead;

    /// <summary>Bytes handed over and not yet taken by the socket.</summary>
    public long Unsent => Volatile.Read(ref _unsent);

    /// <summary>Takes a turn's frames over and sends them, unless a write is under way. Never throws.</summary>
    /// <returns>An empty buffer for the next turn.</returns>
    public JuteWriter Post(JuteWriter frames)
    {
        JuteWriter empty = frames;
        lock (_lock)
        {
            if (_dead || _last)
            {
                frames.Clear();
                return empty;
            }

            _active = true;
            _unsent += frames.Length;
            if (_pending is null)
            {
                _pending = frames;
                empty = TakeSpare();
            }
            else
            {
                _pending.WriteRaw(frames.Written);
                Recycle(frames);
            }

            if (_sending)
            {
                return empty;
            }

            frames = _pending;
            _pending = null;
            _sending = true;
        }

        Send(frames);
        return empty;
    }

    /// <summary>Sends a heartbeat if nothing was sent since the last call.</summary>
    public void Tick()
    {
        JuteWriter heartbeat;
        lock (_lock)
        {
            bool active = _active || _sending;
            _active = false;
            if (active || _dead || _last)
            {
                return;
            }

            _sending = true;
            heartbeat = TakeSpare();
            PeerFrame.Write(heartbeat, default);
            _unsent += heartbeat.Length;
        }

        Send(heartbeat);
    }

    /// <summary>Ends the stream after what was handed over so far.</summary>
    public void Finish()
    {
        lock (_lock)
        {
            _last = true;
            if (_sending || _dead)
            {
                return;
            }
        }

        shutDown();
    }

    /// <summary>The connection is gone: drops everything, now and from now on.</summary>
    public void Kill()
    {
        lock (_lock)
        {
            _dead = true;
            _pending = null;
        }
    }

    // Most writes complete at once, and then nothing is allocated.
    private void Send(JuteWriter? buffer)
    {
        try
        {
            while (buffer is not null)
            {
                ValueTask write = stream.WriteAsync(buffer.WrittenMemory);
                if (!write.IsCompletedSuccessfully)
                {
                    _ = FinishSendAsync(write, buffer);
                    return;
                }

                buffer = Sent(buffer);
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            close(exception.Message);
        }
    }

    private async Task FinishSendAsync(ValueTask write, JuteWriter buffer)
    {
        JuteWriter? next = buffer;
        try
        {
            await write;
            next = Sent(buffer);
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            close(exception.Message);
            return;
        }

        Send(next);
    }

    // Returns the next buffer; null when nothing has come meanwhile, and then another thread may already be sending.
    private JuteWriter? Sent(JuteWriter buffer)
    {
        int bytes = buffer.Length;
        JuteWriter? next;
        bool finished;
        lock (_lock)
        {
            _unsent -= bytes;
            next = _pending;
            _pending = null;
            _sending = next is not null;
            finished = _last && next is null;
            Recycle(buffer);
            _spare.Push(buffer);
        }

        // A write of one header is a heartbeat: there are no empty envelopes.
        if (bytes == PeerFrame.HeaderBytes)
        {
            counters.AddHeartbeat(bytes);
        }
        else
        {
            counters.AddWrite(bytes);
        }

        if (finished)
        {
            shutDown();
        }

        return next;
    }

    private JuteWriter TakeSpare() => _spare.TryPop(out JuteWriter? spare) ? spare : new JuteWriter(FirstBufferBytes);

    private void Recycle(JuteWriter buffer)
    {
        if (buffer.Capacity > KeptBufferBytes)
        {
            _wastes = buffer.Length < buffer.Capacity / 4 ? _wastes + 1 : 0;
        }

        buffer.Clear(_wastes > WastesToShrink ? KeptBufferBytes : int.MaxValue);
    }
}
