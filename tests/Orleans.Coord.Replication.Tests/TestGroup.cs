using System.Net;
using Orleans.Coord.Consensus;

namespace Orleans.Coord.Replication.Tests;

/// <summary>Several members on one thread: a network, a clock and disks that the seed moves.</summary>
internal sealed class TestGroup
{
    private readonly SplitMix64 _random;
    private readonly List<(long At, ReplicaId From, ReplicaId To, byte[] Bytes)> _network = [];
    private readonly HashSet<(ReplicaId From, ReplicaId To)> _cut = [];

    public TestGroup(int members, ulong seed = 1, ReplicaOptions? options = null)
    {
        _random = new SplitMix64(seed);
        ReplicaId[] voters = [.. Enumerable.Range(1, members).Select(i => new ReplicaId((byte)i))];
        Options = (options ?? TestSilo.DefaultOptions) with { Voters = voters };
        Members = [.. voters.Select(id => new TestMember(this, id, _random.Next()))];
    }

    /// <summary>A group that writes its configuration down and lets the super user change it.</summary>
    public static TestGroup WithConfiguration(int members, ulong seed = 1, ReplicaOptions? options = null) => new(
        members,
        seed,
        (options ?? TestSilo.DefaultOptions) with
        {
            FirstMembers = string.Join(',', Enumerable.Range(1, members).Select(id => Line(id))),
            ReconfigEnabled = true,
            Authentication = new() { SuperDigest = Tree.CallerIdentities.DigestId(SuperUser) },
        });

    /// <summary>Name and password of the super user of <see cref="WithConfiguration"/>.</summary>
    public static string SuperUser => "super:secret";

    public ReplicaOptions Options { get; }

    /// <summary>All members there ever were; each at the position of its id, less one.</summary>
    public TestMember[] Members { get; private set; }

    public long NowMs { get; private set; } = 1_000_000;

    /// <summary>Longest delay of a message, milliseconds.</summary>
    public int MaxDelayMs { get; set; } = 3;

    /// <summary>One message in so many is lost; 0 for none.</summary>
    public int LoseOneIn { get; set; }

    /// <summary>How much longer messages from and to some members take, milliseconds each way.</summary>
    public Dictionary<ReplicaId, int> FarMs { get; } = [];

    /// <summary>Which messages are lost besides; asked once for each, from, to and bytes.</summary>
    public Func<ReplicaId, ReplicaId, byte[], bool>? Loses { get; set; }

    public TestMember? Leader => Members.FirstOrDefault(m => m.IsUp && m.Replica.Raft.Role == RaftRole.Leader
        && m.Replica.CanServe && Members.All(o => !o.IsUp || o.Replica.Raft.Term <= m.Replica.Raft.Term));

    /// <summary>A member's line of the configuration.</summary>
    public static string Line(int id, bool observer = false) =>
        $"server.{id}=m{id}.example:2888:3888:{(observer ? "observer" : "participant")};m{id}.example:2181";

    /// <summary>A member on an empty disk that waits until the others add it; its id was never used before.</summary>
    public TestMember AddWaiting()
    {
        var member = new TestMember(this, new ReplicaId((byte)(Members.Length + 1)), _random.Next(), isWaiting: true);
        Members = [.. Members, member];
        member.Start();
        return member;
    }

    public TestMember Member(ReplicaId id) => Members[id.Value - 1];

    public void Cut(TestMember a, TestMember b) => _ = _cut.Add((a.Id, b.Id)) | _cut.Add((b.Id, a.Id));

    public void Isolate(TestMember member)
    {
        foreach (TestMember other in Members)
        {
            Cut(member, other);
        }
    }

    public void Heal() => _cut.Clear();

    /// <summary>Heals the links and starts whoever is down and has a disk.</summary>
    public void Calm()
    {
        Heal();
        LoseOneIn = 0;
        MaxDelayMs = 3;
        foreach (TestMember member in Members.Where(m => m is { IsUp: false, IsLost: false }))
        {
            member.Start();
        }
    }

    /// <summary>Makes messages late, and every other time lose some.</summary>
    public void Roughen(SplitMix64 random, int maxDelayMs)
    {
        LoseOneIn = random.Below(2) * (5 + random.Below(50));
        MaxDelayMs = 1 + random.Below(maxDelayMs);
    }

    public void Send(ReplicaId from, ReplicaId to, ReadOnlySpan<byte> bytes)
    {
        bool linked = to.Value <= Members.Length && AreLinked(Member(from), Member(to));
        bool lost = !linked || _cut.Contains((from, to)) || (LoseOneIn > 0 && _random.Below(LoseOneIn) == 0);
        byte[] copy = bytes.ToArray();
        if (!lost && Loses?.Invoke(from, to, copy) != true)
        {
            int far = FarMs.GetValueOrDefault(from) + FarMs.GetValueOrDefault(to);
            _network.Add((NowMs + 1 + far + _random.Below(MaxDelayMs), from, to, copy));
        }
    }

    // As the peer links: who was removed is refused, and who is not known yet introduces itself.
    private static bool AreLinked(TestMember a, TestMember b) =>
        !a.Refuses(b.Id) && !b.Refuses(a.Id) && (a.Knows(b.Id) || b.Knows(a.Id));

    /// <summary>One millisecond: messages that are due arrive, disks finish, clocks tick.</summary>
    public void Step()
    {
        NowMs++;
        for (int i = 0; i < _network.Count; i++)
        {
            (long at, ReplicaId from, ReplicaId to, byte[] bytes) = _network[i];
            if (at <= NowMs)
            {
                _network.RemoveAt(i--);
                Members[to.Value - 1].Receive(from, bytes);
            }
        }

        foreach (TestMember member in Members)
        {
            member.Step(_random.Below(3) == 0);
        }
    }

    public void Run(int ms)
    {
        for (int i = 0; i < ms; i++)
        {
            Step();
        }
    }

    /// <summary>Steps until something holds; fails after a minute of the group's time.</summary>
    public void RunUntil(Func<bool> condition, string what)
    {
        for (int i = 0; i < 60_000; i++)
        {
            if (condition())
            {
                return;
            }

            Step();
        }

        Assert.Fail($"never came: {what}; {string.Join("; ", Members.Select(m => m.ToString()))}");
    }

    /// <summary>Starts all members; returns the leader once all serve.</summary>
    public TestMember StartAll()
    {
        foreach (TestMember member in Members)
        {
            member.Start();
        }

        TestMember leader = WaitForLeader();
        RunUntil(() => Members.All(m => m.Replica.CanServe), "all members to serve");
        return leader;
    }

    public TestMember WaitForLeader()
    {
        RunUntil(() => Leader is not null, "a leader");
        return Leader!;
    }

    public TestMember Follower(TestMember leader) => Members.First(m => m != leader);

    /// <summary>A new session at a member, once that serves.</summary>
    public TestClient Join(TestMember member, int timeoutMs = 10_000)
    {
        RunUntil(() => member.Replica.CanServe, "the member to serve");
        TestClient client = new TestClient(member).Hello(timeoutMs: timeoutMs);
        RunUntil(() => client.HasFrame, "the welcome");
        Assert.True(client.Welcomed());
        return client;
    }

    /// <summary>The next answer to a client; fails when its connection was closed.</summary>
    public Reply Next(TestClient client)
    {
        RunUntil(() => client.HasFrame || client.Closed is not null, "a frame");
        return client.Next();
    }
}

/// <summary>One member of a <see cref="TestGroup"/>.</summary>
internal sealed class TestMember(TestGroup group, ReplicaId id, ulong seed, bool isWaiting = false)
    : ITurns, IPeerTransport
{
    private const int TickMs = 50;
    private Replica? _replica;
    private IReadOnlyDictionary<ReplicaId, DnsEndPoint>? _peers;
    private HashSet<ReplicaId> _refused = [];
    private ulong _lives;

    public ReplicaId Id => id;

    public MemoryStore Store { get; private set; } = new();

    /// <summary>The highest feature level that it knows when it starts.</summary>
    public byte Level { get; set; } = Tree.FeatureLevels.Newest;

    /// <summary>What its wall clock shows; null while it goes as the group's time does.</summary>
    public long? WallMs { get; set; }

    public bool IsUp => _replica is not null;

    public Replica Replica => _replica ?? Start();

    public Replica Start()
    {
        _peers = null;
        _refused = [];
        _replica = Replica.Open(
            group.Options with
            {
                Id = id,
                Voters = isWaiting ? [] : group.Options.Voters,
                FeatureLevel = Level,
            },
            Store, Store, this,
            new SplitMix64(seed + _lives++), Now);
        Turn(_ => { });
        return _replica;
    }

    public void Crash()
    {
        _replica = null;
        Store.Crash();
    }

    /// <summary>Whether its disk is gone, so that it never comes back under its id.</summary>
    public bool IsLost { get; private set; }

    /// <summary>The process dies and its disk is wiped.</summary>
    public void LoseDisk()
    {
        _replica = null;
        Store = new();
        IsLost = true;
    }

    public void Turn(Action<Replica> events)
    {
        Replica replica = Replica;
        replica.BeginTurn(Now);
        events(replica);
        replica.EndTurn();
    }

    public void Receive(ReplicaId from, byte[] bytes)
    {
        if (IsUp)
        {
            Turn(replica => replica.PeerMessage(from, bytes));
        }
    }

    public void Step(bool diskFinishes)
    {
        if (!IsUp)
        {
            return;
        }

        if (diskFinishes && Store.Sync() is var token and not 0)
        {
            Turn(replica => replica.Persisted(token));
        }

        if (Replica.WantsTurn || group.NowMs % TickMs == 0)
        {
            Turn(replica => replica.Tick());
        }

        while (Store.Finished.TryDequeue(out SnapshotMetadata? snapshot))
        {
            Turn(replica => replica.SnapshotPersisted(snapshot));
        }

        while (Store.Aborted.TryDequeue(out SnapshotMetadata? snapshot))
        {
            Turn(replica => replica.SnapshotAborted(snapshot));
        }
    }

    public void Send(ReplicaId to, ReadOnlySpan<byte> envelope) => group.Send(id, to, envelope);

    public void Flush()
    {
    }

    public void SetPeers(IReadOnlyDictionary<ReplicaId, DnsEndPoint> peers, IReadOnlySet<ReplicaId> refused) =>
        (_peers, _refused) = (peers, [.. refused]);

    /// <summary>Where another member is thought to be; null if it is not linked, or nobody was named yet.</summary>
    public DnsEndPoint? AddressOf(ReplicaId other) => _peers?.GetValueOrDefault(other);

    public bool Knows(ReplicaId other) => _peers?.ContainsKey(other) ?? true;

    public bool Refuses(ReplicaId other) => _refused.Contains(other);

    public override string ToString() => _replica is null ? $"{id} down" :
        $"{id} {_replica.Raft.Role} [{_replica.Raft.Configuration}] term {_replica.Raft.Term} "
        + $"leader {_replica.Raft.Leader} applied "
        + $"{_replica.Machine.LastApplied} of {_replica.Raft.Log.LastIndex} {(_replica.CanServe ? "serves" : "waits")} "
        + _replica.WritesStopped;

    private TurnTime Now => new(WallMs ?? 1_600_000_000_000 + group.NowMs, group.NowMs);
}
