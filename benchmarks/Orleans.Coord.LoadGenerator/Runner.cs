namespace Orleans.Coord.LoadGenerator;

/// <summary>Opens the sessions, takes them through the plan's phases and closes them.</summary>
internal sealed class Runner : IDisposable
{
    private const int MaxSendBuffer = 256 * 1024;

    private readonly Options _options;
    private readonly Plan _plan;
    private readonly List<Connection> _connections = [];
    private readonly List<Worker> _workers = [];
    private readonly CancellationTokenSource _failed = new();

    public Runner(Options options)
    {
        _options = options;
        _plan = Planner.PlanFor(options);
    }

    public Report Run()
    {
        ServerProcess[] servers = [.. _options.ServerPids.Select(pid => new ServerProcess(pid))];
        Connect();
        foreach (Phase phase in _plan.Preparation)
        {
            Tally prepared = RunPhase(phase);
            if (prepared.Failed > 0)
            {
                throw new LoadException(
                    ExitCode.ErrorReplies, $"Preparing the znodes failed: {prepared.DescribeErrors()}.");
            }
        }

        if (_plan.WarmUp is { } warmUp)
        {
            RunPhase(warmUp);
        }

        // Garbage of the set-up is collected now, and the loop makes none.
        GC.Collect();
        double serverCpu = servers.Sum(server => server.CpuSeconds());
        TimeSpan clientCpu = Environment.CpuUsage.TotalTime;
        long start = Clock.Now;
        Tally tally = RunPhase(_plan.Measured);
        double seconds = (Clock.Now - start) / (double)Clock.Second;
        double clientSeconds = (Environment.CpuUsage.TotalTime - clientCpu).TotalSeconds;
        ServerUsage? usage = servers.Length == 0 ? null : new ServerUsage(
            servers.Sum(server => server.CpuSeconds()) - serverCpu,
            servers.Sum(server => server.MemoryBytes().Resident),
            servers.Sum(server => server.MemoryBytes().Peak));
        CloseSessions();
        return new Report(_options, tally, seconds, clientSeconds, usage);
    }

    public void Dispose()
    {
        _workers.ForEach(worker => worker.Dispose());
        _connections.ForEach(connection => connection.Dispose());
        _failed.Dispose();
    }

    private void Connect()
    {
        int frame = _plan.MaxFrameLength;
        int sendCapacity = Math.Max(frame, (int)Math.Min((long)frame * _plan.MaxDepth, MaxSendBuffer));
        for (int i = 0; i < _options.Connections; i++)
        {
            var session = Session.Open(_options.Servers[i % _options.Servers.Length], _options.Patience);
            _connections.Add(new Connection(i, session, _plan.MaxDepth, sendCapacity));
        }

        for (int i = 0; i < _options.Threads; i++)
        {
            Connection[] share = [.. _connections.Where((_, number) => number % _options.Threads == i)];
            _workers.Add(new Worker(i, _options.Threads, share, _options.Patience, _failed.Token));
        }
    }

    /// <summary>Runs all workers, the first on this thread; the first failure stops the others.</summary>
    private Tally RunPhase(Phase phase)
    {
        var tallies = new Tally?[_workers.Count];
        Exception? failure = null;

        void RunOne(int number)
        {
            try
            {
                tallies[number] = _workers[number].Run(phase);
            }
            catch (Exception error) when (error is LoadException or OperationCanceledException)
            {
                Interlocked.CompareExchange(ref failure, error, null);
                _failed.Cancel();
            }
        }

        List<Thread> others = [.. Enumerable.Range(1, _workers.Count - 1).Select(i => new Thread(() => RunOne(i)))];
        others.ForEach(thread => thread.Start());
        RunOne(0);
        others.ForEach(thread => thread.Join());
        if (failure is not null)
        {
            throw failure;
        }

        var sum = new Tally(phase.ToleratedError);
        foreach (Tally? tally in tallies)
        {
            sum.Add(tally!);
        }

        return sum;
    }

    private void CloseSessions()
    {
        _connections.ForEach(connection => connection.CloseSession());
        _connections.ForEach(connection => connection.AwaitClose());
    }
}
