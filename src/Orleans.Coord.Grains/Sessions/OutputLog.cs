namespace Orleans.Coord.Grains.Sessions;

/// <summary>
/// The numbered outputs of one connection that its client has not confirmed. Turns of the replica add, the grain's
/// stream reads.
/// </summary>
internal sealed class OutputLog : IOutputSink
{
    // A client that leaves more than this unread is let go, as the gateway does.
    private const long MaxBytes = 64L << 20;

    private readonly Lock _lock = new();
    private readonly Queue<SessionOutput> _kept = [];
    private TaskCompletionSource _changed = NewSource();
    private long _last;
    private long _bytes;
    private bool _ended;

    public bool TryAdd(byte[] frames)
    {
        lock (_lock)
        {
            if (_ended || _bytes + frames.Length > MaxBytes)
            {
                return false;
            }

            _kept.Enqueue(new SessionOutput(++_last, frames));
            _bytes += frames.Length;
            Signal();
            return true;
        }
    }

    public void End()
    {
        lock (_lock)
        {
            _ended = true;
            Signal();
        }
    }

    /// <summary>The client has everything up to a number.</summary>
    public void Forget(long upTo)
    {
        lock (_lock)
        {
            while (_kept.TryPeek(out SessionOutput oldest) && oldest.Number <= upTo)
            {
                _kept.Dequeue();
                _bytes -= oldest.Frames.Length;
            }
        }
    }

    /// <summary>
    /// What follows a number, whether anything can follow that, and what completes when something does. Null where
    /// outputs after that number were forgotten, or there never was such a number.
    /// </summary>
    public (SessionOutput[] Outputs, bool Ended, Task Changed)? ReadAfter(long number)
    {
        lock (_lock)
        {
            if (number > _last || number < _last - _kept.Count)
            {
                return null;
            }

            return ([.. _kept.Skip((int)(number - (_last - _kept.Count)))], _ended, _changed.Task);
        }
    }

    private void Signal()
    {
        _changed.TrySetResult();
        _changed = NewSource();
    }

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
