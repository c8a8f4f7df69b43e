using System.Threading.Tasks.Sources;

namespace Orleans.Coord.Gateway;

/// <summary>
/// Back-pressure of one connection: its read loop waits here while too many of its requests are unexecuted or too
/// many of its replies unsent, and so TCP makes the client wait. It reads on at half of the limit, not at every step.
/// </summary>
internal sealed class IntakeGate(int maxBytes, int maxFrames, SharedIntake shared) : IValueTaskSource
{
    // What unexecuted requests may bring forth, if their replies are as large as the last ones were.
    private const int ExpectedReplyBytes = 16 * 1024 * 1024;

    // Before the first reply expect the worst. It takes a few turns to learn that a client asks for small things.
    private const int FirstReplyBytes = 1024 * 1024;

    private readonly Lock _lock = new();

    // The loop's continuation parses and posts: never inside the turn that released the frames.
    private ManualResetValueTaskSourceCore<bool> _source = new() { RunContinuationsAsynchronously = true };

    private long _bytes;
    private int _frames;
    private long _replyBytes = FirstReplyBytes;
    private int _frameLimit = Math.Min(maxFrames, ExpectedReplyBytes / FirstReplyBytes);
    private bool _outputFull;
    private bool _sharedFull;
    private bool _stopped;
    private bool _waiting;

    /// <summary>Requests posted and not executed yet.</summary>
    public int OutstandingFrames => Volatile.Read(ref _frames);

    /// <summary>How many requests may be posted now. At least one: only <see cref="WaitAsync"/> says no.</summary>
    public int Room => Math.Max(1, Volatile.Read(ref _frameLimit) - Volatile.Read(ref _frames));

    /// <summary>
    /// Learns the size of replies. A thousand requests of fifty bytes can bring forth a gigabyte of replies, so the
    /// number of requests taken in follows from it. One turn at a time.
    /// </summary>
    public void NoteReplies(int bytes, int frames)
    {
        long mean = bytes / frames;
        _replyBytes = Math.Max(mean, ((_replyBytes * 3) + mean) / 4);
        int limit = (int)Math.Clamp(ExpectedReplyBytes / Math.Max(1, _replyBytes), 1, maxFrames);
        Volatile.Write(ref _frameLimit, limit);
    }

    /// <summary>Requests were posted.</summary>
    public void Enter(int bytes, int frames)
    {
        shared.Enter(frames);
        lock (_lock)
        {
            _bytes += bytes;
            _frames += frames;
        }
    }

    /// <summary>Requests were executed.</summary>
    public void Leave(int bytes, int frames)
    {
        shared.Leave(frames);
        lock (_lock)
        {
            _bytes -= bytes;
            _frames -= frames;
            Invariant.Check(_bytes >= 0 && _frames >= 0);
            if (!MayResume())
            {
                return;
            }
        }

        _source.SetResult(true);
    }

    /// <summary>Too many replies are unsent, or no longer.</summary>
    public void SetOutputFull(bool full)
    {
        lock (_lock)
        {
            _outputFull = full;
            if (!MayResume())
            {
                return;
            }
        }

        _source.SetResult(true);
    }

    /// <summary>The requests of all connections together are fewer again.</summary>
    public void SharedHasRoom()
    {
        lock (_lock)
        {
            _sharedFull = false;
            if (!MayResume())
            {
                return;
            }
        }

        _source.SetResult(true);
    }

    /// <summary>Lets everything pass from now on: the connection is closing.</summary>
    public void Stop()
    {
        lock (_lock)
        {
            _stopped = true;
            if (!MayResume())
            {
                return;
            }
        }

        _source.SetResult(true);
    }

    /// <summary>Completes when the connection may be read on. One caller at a time.</summary>
    public ValueTask WaitAsync()
    {
        lock (_lock)
        {
            _sharedFull = _sharedFull || (!_stopped && shared.MustWait(this));
            if (_stopped || (!_outputFull && !_sharedFull && _bytes < maxBytes && _frames < _frameLimit))
            {
                return ValueTask.CompletedTask;
            }

            _waiting = true;
            _source.Reset();
            return new ValueTask(this, _source.Version);
        }
    }

    void IValueTaskSource.GetResult(short token) => _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);

    private bool MayResume()
    {
        bool roomy = !_outputFull && !_sharedFull && _bytes <= maxBytes / 2 && _frames <= _frameLimit / 2;
        if (!_waiting || !(_stopped || roomy))
        {
            return false;
        }

        _waiting = false;
        return true;
    }
}
