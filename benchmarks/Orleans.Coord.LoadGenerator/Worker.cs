namespace Orleans.Coord.LoadGenerator;

/// <summary>
/// Drives its share of the connections from one thread. After the first rounds it allocates nothing: every round is
/// a wait, one receive and one send per ready connection.
/// </summary>
internal sealed class Worker : IDisposable
{
    // A deep pipeline is refilled once a quarter of it is answered: a send per reply would cost both sides more than
    // the requests themselves, and the server is left with three quarters to work on meanwhile.
    private const int LeastBurstShare = 4;
    private const long HousekeepingInterval = Clock.Second;

    private readonly int _number;
    private readonly int _workers;
    private readonly Connection[] _connections;
    private readonly Epoll _epoll = new();
    private readonly long _patience;
    private readonly CancellationToken _cancelled;

    // The state of the running phase.
    private Workload _workload = null!;
    private Tally _tally = null!;
    private int _depth;
    private int _leastBurst;
    private long _issued;
    private long _quota;
    private int _outstanding;
    private long _lastReplyAt;
    private long _nextHousekeepingAt;
    private int _nextConnection;

    public Worker(int number, int workers, Connection[] connections, TimeSpan patience, CancellationToken cancelled)
    {
        _number = number;
        _workers = workers;
        _connections = connections;
        _patience = Clock.FromSeconds(patience.TotalSeconds);
        _cancelled = cancelled;
        for (int i = 0; i < connections.Length; i++)
        {
            _epoll.Watch(connections[i].Descriptor, i);
        }
    }

    /// <summary>Runs the worker's share of the phase to its last reply.</summary>
    public Tally Run(Phase phase)
    {
        long start = Clock.Now;
        _workload = phase.WorkloadFor(_number);
        _tally = new Tally(phase.ToleratedError);
        _depth = phase.Depth;
        _leastBurst = Math.Max(1, _depth / LeastBurstShare);
        _issued = 0;
        _quota = ShareOf(phase.Count ?? long.MaxValue);
        _outstanding = 0;
        _lastReplyAt = start;
        _nextHousekeepingAt = start + HousekeepingInterval;
        long deadline = phase.Seconds is { } seconds ? start + Clock.FromSeconds(seconds) : long.MaxValue;

        if (phase.Rate is { } rate)
        {
            RunOpenLoop(start, deadline, Clock.Second * _workers / rate);
        }
        else if (_connections.Length == 1 && _depth == 1)
        {
            RunBlocking(_connections[0], deadline);
        }
        else
        {
            RunClosedLoop(deadline);
        }

        return _tally;
    }

    public void Dispose() => _epoll.Dispose();

    /// <summary>One request at a time: a blocking receive saves the wait call, and adds least to the latency.</summary>
    private void RunBlocking(Connection connection, long deadline)
    {
        long now = Clock.Now;
        while (now < deadline && _issued < _quota)
        {
            Queue(connection, now);
            connection.Flush(0);
            do
            {
                now = Receive(connection, 0);
                Housekeep(now);
            }
            while (connection.Outstanding > 0);
        }
    }

    private void RunClosedLoop(long deadline)
    {
        long now = Clock.Now;
        foreach (Connection connection in _connections)
        {
            TopUp(connection, now);
        }

        while (_outstanding > 0)
        {
            int ready = _epoll.Wait(HousekeepingInterval);
            for (int i = 0; i < ready; i++)
            {
                Connection connection = _connections[_epoll.NumberAt(i)];
                now = Receive(connection, Native.MessageDontWait);
                if (now >= deadline)
                {
                    Flush(connection);
                }
                else if (connection.Outstanding <= _depth - _leastBurst || connection.HasUnsentBytes)
                {
                    TopUp(connection, now);
                }
            }

            now = ready > 0 ? now : Clock.Now;
            Housekeep(now);
        }
    }

    /// <summary>
    /// Sends each request when it is due, whatever became of the ones before. Latency counts from the due time, so
    /// a stall is charged to every request that should have been sent during it.
    /// </summary>
    private void RunOpenLoop(long start, long deadline, double interval)
    {
        double offset = interval * _number / _workers;
        long total = deadline == long.MaxValue
            ? _quota
            : Math.Min(_quota, (long)((deadline - start - offset) / interval));
        long now = start;
        while (now < deadline && _issued < total)
        {
            long due = SendDue(now, start + offset, interval, total);
            long wait = Math.Clamp(due - now, 0, HousekeepingInterval);
            now = Poll(wait);
        }

        // The last wait may have ended past the deadline with requests due before it.
        SendDue(Math.Min(now, deadline), start + offset, interval, total);
        _tally.Unsent = total - _issued;
        while (_outstanding > 0)
        {
            Poll(HousekeepingInterval);
        }
    }

    /// <summary>Sends what is due and returns when to look again.</summary>
    private long SendDue(long now, double start, double interval, long total)
    {
        while (_issued < total)
        {
            long due = (long)(start + (_issued * interval));
            if (due > now)
            {
                return due;
            }

            Connection? connection = NextWithRoom();
            if (connection is null)
            {
                return long.MaxValue; // Full: only a reply makes room.
            }

            // A burst goes to one connection as one send, unless it fills up.
            do
            {
                Queue(connection, due);
                due = (long)(start + (_issued * interval));
            }
            while (due <= now && _issued < total && connection.CanQueue(_depth, _workload.MaxFrameLength));
            Flush(connection);
        }

        return now;
    }

    private Connection? NextWithRoom()
    {
        for (int i = 0; i < _connections.Length; i++)
        {
            Connection connection = _connections[_nextConnection];
            _nextConnection = (_nextConnection + 1) % _connections.Length;
            if (connection.CanQueue(_depth, _workload.MaxFrameLength))
            {
                return connection;
            }
        }

        return null;
    }

    private long Poll(long wait)
    {
        int ready = _epoll.Wait(wait);
        for (int i = 0; i < ready; i++)
        {
            Connection connection = _connections[_epoll.NumberAt(i)];
            Receive(connection, Native.MessageDontWait);
            Flush(connection);
        }

        long now = Clock.Now;
        Housekeep(now);
        return now;
    }

    private void TopUp(Connection connection, long now)
    {
        // More than one round only where the send buffer is smaller than the pipeline: large values.
        do
        {
            while (HasWorkFor(connection))
            {
                Queue(connection, now);
            }

            Flush(connection);
        }
        while (!connection.HasUnsentBytes && HasWorkFor(connection));
    }

    private bool HasWorkFor(Connection connection) =>
        _issued < _quota && connection.CanQueue(_depth, _workload.MaxFrameLength);

    private void Queue(Connection connection, long startedAt)
    {
        connection.Queue(_workload, (_issued * _workers) + _number, startedAt);
        _issued++;
        _outstanding++;
    }

    private void Flush(Connection connection)
    {
        connection.Flush(Native.MessageDontWait);
        if (connection.HasUnsentBytes != connection.IsWatchedWritable)
        {
            connection.IsWatchedWritable = connection.HasUnsentBytes;
            _epoll.WatchWritable(
                connection.Descriptor, Array.IndexOf(_connections, connection), connection.HasUnsentBytes);
        }
    }

    private long Receive(Connection connection, int flags)
    {
        int before = connection.Outstanding;
        long now = connection.Receive(flags, _tally);
        int answered = before - connection.Outstanding;
        if (answered > 0)
        {
            _outstanding -= answered;
            _lastReplyAt = now;
        }

        return now;
    }

    private void Housekeep(long now)
    {
        if (now < _nextHousekeepingAt)
        {
            return;
        }

        _nextHousekeepingAt = now + HousekeepingInterval;
        _cancelled.ThrowIfCancellationRequested();
        if (_outstanding > 0 && now - _lastReplyAt > _patience)
        {
            throw new LoadException(
                ExitCode.ServerLost,
                $"The server sent no reply for {_patience / Clock.Second} s, with {_outstanding:N0} outstanding.");
        }

        foreach (Connection connection in _connections)
        {
            connection.PingIfIdle(now);
        }
    }

    /// <summary>How many of the phase's requests fall to this worker when they are dealt out in turn.</summary>
    private long ShareOf(long count) => (count / _workers) + (_number < count % _workers ? 1 : 0);
}
