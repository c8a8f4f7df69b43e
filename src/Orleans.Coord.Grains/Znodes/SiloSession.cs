namespace Orleans.Coord.Grains.Znodes;

/// <summary>
/// A session in which a silo's znode grains speak to its replica, many requests at a time. It holds nothing, so one
/// that is lost is simply followed by another.
/// </summary>
internal sealed class SiloSession : IDisposable
{
    private const int WantedTimeoutMs = 30_000;
    private const int BeatsPerTimeout = 4;

    // An election takes less.
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(50);

    private readonly Lock _lock = new();
    private readonly LocalReplicas _replicas;
    private readonly Timer _heart;
    private SiloConnection? _current;
    private bool _disposed;

    public SiloSession(LocalReplicas replicas)
    {
        _replicas = replicas;
        _heart = new Timer(_ => Beat(), null, Timeout.Infinite, Timeout.Infinite);
    }

    /// <summary>
    /// Asks the replica, waiting for it to serve if need be. The answer's code is connection loss where it does not,
    /// or where the connection broke: a write may then have happened.
    /// </summary>
    /// <param name="request">The operation.</param>
    /// <param name="barrier">Whether it must see all that any silo has acknowledged before.</param>
    public async Task<Answer> AskAsync(ZnodeRequest request, bool barrier)
    {
        DateTime deadline = DateTime.UtcNow + _patience;
        SiloConnection connection = Connect();
        while (await connection.Welcomed <= 0)
        {
            if (DateTime.UtcNow > deadline)
            {
                return new Answer(CoordErrorCode.ConnectionLoss, 0, default);
            }

            await Task.Delay(_pause);
            connection = Connect();
        }

        return await connection.AskAsync(request, barrier);
    }

    public void Dispose()
    {
        SiloConnection? last;
        lock (_lock)
        {
            _disposed = true;
            last = _current;
        }

        _heart.Dispose();
        last?.Leave();
    }

    private SiloConnection Connect()
    {
        SiloConnection made;
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_current is { IsOver: false })
            {
                return _current;
            }

            _current = made = new SiloConnection(_replicas.Own);
        }

        made.Start(WantedTimeoutMs);
        _ = KeepAliveAsync(made);
        return made;
    }

    // The silo's settings may allow a shorter time-out than the one that was wanted.
    private async Task KeepAliveAsync(SiloConnection connection)
    {
        int period = await connection.Welcomed / BeatsPerTimeout;
        lock (_lock)
        {
            if (period > 0 && !_disposed && connection == _current)
            {
                _heart.Change(period, period);
            }
        }
    }

    private void Beat()
    {
        SiloConnection? connection;
        lock (_lock)
        {
            connection = _current;
        }

        if (connection is { IsOver: false, Welcomed.IsCompleted: true })
        {
            connection.Ping();
        }
    }
}

/// <summary>A silo's sessions: a write that follows a barrier waits for it, so reads have one of their own.</summary>
internal sealed class SiloSessions(LocalReplicas replicas) : IDisposable
{
    /// <summary>For reads.</summary>
    public SiloSession Reads { get; } = new(replicas);

    /// <summary>For writes.</summary>
    public SiloSession Writes { get; } = new(replicas);

    public void Dispose()
    {
        Reads.Dispose();
        Writes.Dispose();
    }
}
