namespace Orleans.Coord.Consensus.Tests.Sim;

/// <summary>
/// A whole group under one seed: a network that drops, repeats, delays, reorders and splits; disks that finish when
/// they
/// like; members that crash at any point; clients that write, read, hand over and change the membership. Then all is
/// healed, and the group must come to rest with nothing lost.
/// </summary>
internal sealed class SimCluster
{
    private const int Ids = 6;
    private const int ChaosTicks = 500;
    private const int HealTicks = 2000;

    private readonly SplitMix64 _random;
    private readonly SafetyChecker _checker = new();
    private readonly List<Member> _members = [];
    private readonly PriorityQueue<Message, (int Time, int Order)> _network = new();
    private readonly bool[,] _cut = new bool[Ids + 1, Ids + 1];
    private readonly int _dropPercent;
    private readonly int _crashPermille;
    private readonly int _maxDelay;
    private readonly int _writeSlowness;
    private readonly bool _changesMembers;
    private int _time;
    private int _order;
    private bool _chaos = true;
    private ulong _nextContext;
    private byte _nextPayload;

    public SimCluster(ulong seed, RaftFaults faults = RaftFaults.None, bool confirmsByWrite = false)
    {
        _random = new SplitMix64(seed);
        int initial = 1 + (2 * _random.Below(3));
        initial = initial == 1 && _random.Below(3) > 0 ? 3 : initial;
        _dropPercent = Pick(0, 2, 10, 25);
        _crashPermille = Pick(0, 2, 6, 15);
        _maxDelay = Pick(1, 3, 8);
        _writeSlowness = Pick(1, 2, 6);
        _changesMembers = _random.Below(2) == 0;
        RaftOptions options = RandomOptions() with { ConfirmReadsByWrite = confirmsByWrite };
        IEnumerable<ReplicaId> voters = Enumerable.Range(1, initial).Select(i => new ReplicaId((byte)i));
        QuorumConfig config = QuorumConfig.Create([.. voters]);
        for (byte i = 1; i <= Ids; i++)
        {
            var member = new Member(new ReplicaId(i), options, _checker, faults);
            member.Store.Format(i <= initial ? config : QuorumConfig.Empty);
            member.Start(_random.Next());
            _members.Add(member);
        }
    }

    public SafetyChecker Checker => _checker;

    /// <summary>Sum of what happened: equal for equal seeds.</summary>
    public ulong TraceHash { get; private set; }

    public void Run()
    {
        while (_time < ChaosTicks)
        {
            Misbehave();
            RunTick();
        }

        Heal();
        bool atRest = false;
        while (_time < ChaosTicks + HealTicks && !atRest)
        {
            RunTick();
            atRest = _time % 20 == 0 && IsAtRest();
        }

        SafetyChecker.Require(atRest, "liveness: the healed group does not come to rest");
        foreach (Member member in Current())
        {
            _checker.OnHealed(member.Id, member.Machine);
        }
    }

    /// <summary>One line per member, for the message of a failure.</summary>
    public string Describe() => string.Join('\n', _members.Select(member => member.Describe()));

    private RaftOptions RandomOptions() => new()
    {
        ElectionTicks = 8,
        HeartbeatTicks = 2,
        MaxAppendBytes = Pick(1, 10, 1000),
        MaxInflightMessages = Pick(1, 4, 100),
        MaxInflightBytes = Pick(4, 1000),
        MaxUncommittedBytes = 100,
        SnapshotChunkBytes = Pick(7, 30, 100),
        MaxWindowBytes = Pick(0, 200, 100_000),
    };

    private void RunTick()
    {
        _time++;
        foreach (Member member in _members)
        {
            if (!member.IsUp)
            {
                continue;
            }

            if (!_chaos || _random.Below(10) > 0)
            {
                member.Node.Tick();
            }

            Deliver(member.Id);
            CompleteDisk(member);
            Load(member);
            member.Turn(Post);
        }
    }

    private void Deliver(ReplicaId id)
    {
        while (_network.TryPeek(out _, out (int Time, int Order) due) && due.Time <= _time)
        {
            Message message = _network.Dequeue();
            Member to = _members[message.To.Value - 1];
            if (to.IsUp)
            {
                to.Node.Step(message);
                Trace(message);
                if (to.Id != id && _random.Below(2) == 0)
                {
                    to.Turn(Post);
                }
            }
        }
    }

    private void CompleteDisk(Member member)
    {
        while (member.Store.PendingWrites > 0 && (!_chaos || _random.Below(_writeSlowness) == 0))
        {
            member.CompleteWrite();
        }

        if (member.PendingSnapshot is not null && _random.Below(_writeSlowness) == 0)
        {
            member.CompleteSnapshot();
        }
    }

    /// <summary>What clients and operators do; only those who lead accept most of it.</summary>
    private void Load(Member member)
    {
        if (!_chaos)
        {
            return;
        }

        if (_random.Below(4) == 0)
        {
            member.Propose(new byte[] { member.Id.Value, _nextPayload++ });
        }

        if (_random.Below(10) == 0)
        {
            member.AskRead(_nextContext++);
        }

        if (_random.Below(60) == 0)
        {
            member.TakeSnapshot(_random.Below(10));
        }

        if (!member.IsLeader)
        {
            return;
        }

        if (_random.Below(150) == 0)
        {
            member.Node.TransferLeadership(RandomId());
        }

        if (_changesMembers && _random.Below(25) == 0)
        {
            member.Node.ProposeConfiguration(RandomConfig());
        }
    }

    private QuorumConfig RandomConfig()
    {
        List<ReplicaId> voters = [];
        List<ReplicaId> learners = [];
        for (byte i = 1; i <= Ids; i++)
        {
            int part = _random.Below(4);
            (part == 0 ? learners : part == 1 ? [] : voters).Add(new ReplicaId(i));
        }

        return voters.Count == 0
            ? QuorumConfig.Create([RandomId()])
            : QuorumConfig.Create([.. voters], [.. learners]);
    }

    private void Misbehave()
    {
        if (_random.Below(1000) < _crashPermille * 3)
        {
            Member member = _members[_random.Below(Ids)];
            if (member.IsUp)
            {
                member.Crash(_random.Below(3));
            }
        }

        foreach (Member member in _members)
        {
            if (!member.IsUp && _random.Below(20) == 0)
            {
                member.Start(_random.Next());
            }
        }

        if (_random.Below(40) == 0)
        {
            Array.Clear(_cut);
        }

        if (_dropPercent > 0 && _random.Below(50) == 0)
        {
            Split();
        }

        if (_random.Below(50) == 0)
        {
            _members[_random.Below(Ids)].PeerUnreachableIfUp(RandomId());
        }
    }

    /// <summary>Two halves, one member alone, or single links in one direction.</summary>
    private void Split()
    {
        int shape = _random.Below(3);
        int side = _random.Below(1 << Ids);
        int alone = 1 + _random.Below(Ids);
        for (int a = 1; a <= Ids; a++)
        {
            for (int b = 1; b <= Ids; b++)
            {
                _cut[a, b] = shape switch
                {
                    0 => ((side >> (a - 1)) & 1) != ((side >> (b - 1)) & 1),
                    1 => (a == alone) != (b == alone),
                    _ => _random.Below(4) == 0,
                };
            }
        }
    }

    private void Post(Message message)
    {
        bool lost = _cut[message.From.Value, message.To.Value] || _random.Below(100) < _dropPercent;
        if (_chaos && lost)
        {
            return;
        }

        int copies = _chaos && _random.Below(20) == 0 ? 2 : 1;
        for (int i = 0; i < copies; i++)
        {
            int delay = _chaos ? 1 + _random.Below(_maxDelay) : 1;
            delay += _chaos && _random.Below(50) == 0 ? 40 : 0;
            _network.Enqueue(message, (_time + delay, _order++));
        }
    }

    private void Heal()
    {
        _chaos = false;
        Array.Clear(_cut);
        foreach (Member member in _members)
        {
            if (!member.IsUp)
            {
                member.Start(_random.Next());
            }
        }
    }

    /// <summary>One leader, no change under way, everything committed, and all of its group have applied it.</summary>
    private bool IsAtRest()
    {
        Member? leader = Leader();
        return leader is not null && leader.Node.HasCommittedInTerm && !leader.Node.Configuration.IsJoint
            && leader.Node.Log.Commit == leader.Node.Log.LastIndex
            && Current().All(member => member.Machine.Index == leader.Node.Log.LastIndex);
    }

    private IEnumerable<Member> Current()
    {
        QuorumConfig config = Leader()!.Node.Configuration;
        return _members.Where(member => config.Contains(member.Id));
    }

    private Member? Leader() => _members.Where(member => member.IsLeader).MaxBy(member => member.Node.Term.Value);

    private ReplicaId RandomId() => new((byte)(1 + _random.Below(Ids)));

    private int Pick(params ReadOnlySpan<int> values) => values[_random.Below(values.Length)];

    private void Trace(Message message) =>
        TraceHash = ((TraceHash ^ (ulong)message.Term.Value) * 0x100000001B3)
            ^ ((ulong)message.From.Value << 8) ^ message.To.Value;
}
