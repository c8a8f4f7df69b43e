namespace Orleans.Coord.Replication.Tests;

/// <summary>Gives a replica a turn.</summary>
internal interface ITurns
{
    void Turn(Action<Replica> events);
}

/// <summary>A replica with a clock and a disk that the test moves by hand.</summary>
internal sealed class TestSilo : ITurns
{
    private readonly ReplicaOptions _options;
    private readonly ulong _seed;

    public TestSilo(ReplicaOptions? options = null, ulong seed = 1)
    {
        _options = options ?? DefaultOptions;
        _seed = seed;
        Replica = Open();
    }

    public static ReplicaOptions DefaultOptions { get; } =
        new() { PasswordSecret = "a secret of the test"u8.ToArray() };

    public MemoryStore Store { get; } = new();

    public Replica Replica { get; private set; }

    public long NowMs { get; set; } = 1_000_000;

    /// <summary>
    /// Whether a turn is followed by a sync and a turn for its completion; on unless a test holds the disk.
    /// </summary>
    public bool AutoSync { get; set; } = true;

    public void Turn(Action<Replica> events)
    {
        RawTurn(events);
        if (AutoSync)
        {
            Sync();
        }
    }

    public void RawTurn(Action<Replica> events)
    {
        Replica.BeginTurn(new TurnTime(1_600_000_000_000 + NowMs, NowMs));
        events(Replica);
        Replica.EndTurn();
    }

    /// <summary>Completes syncs, and what they lead to, until the disk is idle.</summary>
    public void Sync()
    {
        for (long token = Store.Sync(); token != 0; token = Store.Sync())
        {
            long done = token;
            RawTurn(replica => replica.Persisted(done));
        }

        while (Replica.WantsTurn)
        {
            RawTurn(_ => { });
        }

        while (Store.Finished.TryDequeue(out Consensus.SnapshotMetadata? snapshot))
        {
            RawTurn(replica => replica.SnapshotPersisted(snapshot));
        }

        while (Store.Aborted.TryDequeue(out Consensus.SnapshotMetadata? snapshot))
        {
            RawTurn(replica => replica.SnapshotAborted(snapshot));
        }
    }

    /// <summary>Moves the clock in steps, a tick each.</summary>
    public void Pass(long ms, int stepMs = 50)
    {
        for (long passed = 0; passed < ms; passed += stepMs)
        {
            NowMs += stepMs;
            Turn(replica => replica.Tick());
        }
    }

    /// <summary>kill -9 and a new start on the same disk.</summary>
    public void Restart()
    {
        Store.Crash();
        Replica = Open();
    }

    /// <summary>A client with a session.</summary>
    public TestClient Join(int timeoutMs = 10_000)
    {
        TestClient client = new TestClient(this).Hello(timeoutMs: timeoutMs);
        Assert.True(client.Welcomed());
        return client;
    }

    private Replica Open()
    {
        Replica = Replica.Open(
            _options, Store, Store, null, new SplitMix64(_seed), new TurnTime(1_600_000_000_000 + NowMs, NowMs));
        Turn(_ => { });
        return Replica;
    }
}
