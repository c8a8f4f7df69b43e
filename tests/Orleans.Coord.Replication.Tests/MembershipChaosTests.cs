using System.Globalization;
using Orleans.Coord.Consensus;
using Orleans.Coord.Tree;

namespace Orleans.Coord.Replication.Tests;

/// <summary>
/// Members join, leave, are promoted and replaced while others crash, are cut off and lose their disks, from a seed;
/// then all is healed, and the group must be as the configuration says, with nothing lost that was acknowledged.
/// </summary>
public sealed class MembershipChaosTests
{
    private const int Clients = 3;
    private const int UnsafeMs = 12_000;

    public static TheoryData<int, ulong> Runs
    {
        get
        {
            // More of them for a long run: COORD_CHAOS_SEEDS=2000.
            string? wanted = Environment.GetEnvironmentVariable("COORD_CHAOS_SEEDS");
            int seeds = wanted is null ? 30 : int.Parse(wanted, CultureInfo.InvariantCulture);
            var runs = new TheoryData<int, ulong>();
            for (int seed = 1; seed <= seeds; seed++)
            {
                runs.Add(1 + (2 * (seed % 3)), (ulong)seed);
            }

            return runs;
        }
    }

    [Theory]
    [MemberData(nameof(Runs))]
    public void Nothing_acknowledged_is_lost_while_members_come_and_go(int members, ulong seed)
    {
        TestGroup group = TestGroup.WithConfiguration(
            members, seed, TestSilo.DefaultOptions with { SnapshotLogBytes = 6_000 });
        var random = new SplitMix64(seed * 131);
        var history = new RegisterHistory();
        group.StartAll();
        var op = new Operator(group, random);
        RegisterClient[] clients = [.. Enumerable.Range(0, Clients).Select(i => new RegisterClient(group, history, i))];
        for (int ms = 0; ms < UnsafeMs; ms++)
        {
            if (random.Below(300) == 0)
            {
                Disturb(group, random, op);
            }

            group.Step();
            op.Act();
            clients[random.Below(Clients)].Act(random);
        }

        group.Calm();
        op.Conclude();
        group.RunUntil(() => op.IsGroupAsWanted, $"the group as it is wanted: {op}");
        group.RunUntil(() => op.Members.All(m => m.Replica.CanServe), "all members to serve");
        int before = history.Acknowledged;
        group.RunUntil(
            () =>
            {
                clients[random.Below(Clients)].Act(random);
                return history.Acknowledged > before + 20;
            },
            "writes once healed");
        // A last request of the operator may have been carried out only now.
        group.RunUntil(
            () => op.IsGroupAsWanted
                && op.Members.Select(m => m.Replica.Machine.LastApplied).Distinct().Count() == 1,
            "all to be equal");
        Assert.Single(op.Members.Select(m => m.Replica.Machine.Digest).Distinct());
        history.Verify(group);
        Assert.True(op.Changes > 3, $"only {op.Changes} changes");
        TestMember[] gone = [.. op.Wanted.Removed.Select(m => group.Member(m.Replica)).Where(m => m.IsUp)];
        group.RunUntil(() => !gone.Any(m => m.Replica.CanServe), "those removed to serve nobody");
    }

    private static void Disturb(TestGroup group, SplitMix64 random, Operator op)
    {
        TestMember victim = group.Members[random.Below(group.Members.Length)];
        switch (random.Below(8))
        {
            case 0 or 1 when victim.IsUp:
                victim.Crash();
                break;
            case 2:
                group.Isolate(victim);
                break;
            case 3:
                group.Cut(victim, group.Members[random.Below(group.Members.Length)]);
                break;
            case 4:
                group.Roughen(random, maxDelayMs: 40);
                break;
            case 5 when op.IsIdle && MayLoseDisk(group, victim):
                victim.LoseDisk();
                op.Pause();
                break;
            default:
                group.Calm();
                break;
        }
    }

    // Of the voters, those that are and those that are to be, a majority keeps its disks.
    private static bool MayLoseDisk(TestGroup group, TestMember victim)
    {
        if (group.Leader is not { } leader)
        {
            return false;
        }

        QuorumConfig now = leader.Replica.Raft.Configuration;
        bool settled = !now.IsJoint && leader.Replica.Raft.ConfigurationIndex <= leader.Replica.Raft.Log.Commit;
        ReplicaId[] wanted =
        [
            .. leader.Replica.Machine.Ensemble.Members.Where(m => !m.IsObserver).Select(m => m.Replica),
        ];
        return settled && Survives(now.Voters.ToArray()) && Survives(wanted)
            && group.Members.All(m => m == leader || !m.IsUp || m.Replica.Raft.Role != RaftRole.Leader);

        bool Survives(ReplicaId[] voters) =>
            voters.Count(id => id == victim.Id || group.Member(id).IsLost) <= (voters.Length - 1) / 2;
    }

    /// <summary>Asks for changes, one after the other, at whoever serves; an answer may never come.</summary>
    private sealed class Operator(TestGroup group, SplitMix64 random)
    {
        private const int MaxIds = 24;
        private const int LeaderKnowsMs = 1_500;
        private const int MaxMembers = 6;
        private TestClient? _client;
        private TestMember? _at;
        private Replica? _life;
        private bool _ready;
        private bool _asked;
        private int _rest;
        private long _lastAskedMs;

        public int Changes { get; private set; }

        /// <summary>The newest configuration that any member knows.</summary>
        public EnsembleConfig Wanted => group.Members.Where(m => m.IsUp).Select(m => m.Replica.Machine.Ensemble)
            .MaxBy(e => e.Version)!;

        public IEnumerable<TestMember> Members => Wanted.Members.Select(m => group.Member(m.Replica));

        public bool IsGroupAsWanted => group.Leader is { } leader
            && leader.Replica.Raft.Configuration is { IsJoint: false } now
            && leader.Replica.Raft.ConfigurationIndex <= leader.Replica.Raft.Log.Commit
            && now.Voters.SequenceEqual(IdsOf(leader.Replica.Machine.Ensemble, observers: false))
            && now.Learners.SequenceEqual(IdsOf(leader.Replica.Machine.Ensemble, observers: true))
            && Wanted.Members.All(m => !group.Member(m.Replica).IsLost);

        public void Act()
        {
            if (_client is null || _client.Closed is not null || _at is not { IsUp: true } || _at.Replica != _life)
            {
                Connect();
            }
            else if (!_ready)
            {
                Welcome();
            }
            else if (_asked)
            {
                Take();
            }
            else if (_rest <= 0)
            {
                Ask(Change());
            }

            _rest--;
        }

        /// <summary>Removes whoever lost its disk, and adds another one for it.</summary>
        public void Conclude()
        {
            for (int i = 0; i < 60_000 && Wanted.Members.Any(m => group.Member(m.Replica).IsLost); i++)
            {
                group.Step();
                if (_ready && !_asked && _client is { Closed: null } && _at is { IsUp: true } && _at.Replica == _life)
                {
                    EnsembleMember lost = Wanted.Members.FirstOrDefault(m => group.Member(m.Replica).IsLost)!;
                    bool last = Wanted.Members.Count(m => !m.IsObserver) == 1;
                    Ask((last ? Joining(observer: false) : null, $"{lost.Id}"));
                }
                else
                {
                    _rest = 1;
                    Act();
                }
            }
        }

        /// <summary>
        /// Whether no request is on its way. A disk that is lost while the voters change could be one too many.
        /// </summary>
        public bool IsIdle => !_asked && group.NowMs - _lastAskedMs > LeaderKnowsMs;

        /// <summary>Asks nothing before the leader must have noticed who is gone.</summary>
        public void Pause() => _rest = LeaderKnowsMs;

        public override string ToString() => string.Join(' ', Wanted.Members.Select(m => m.ToString()));

        private static ReplicaId[] IdsOf(EnsembleConfig config, bool observers) =>
            [.. config.Members.Where(m => m.IsObserver == observers).Select(m => m.Replica)];

        private void Connect()
        {
            _at = group.Members[random.Below(group.Members.Length)];
            _ready = _asked = false;
            _client = null;
            if (_at.IsUp)
            {
                _life = _at.Replica;
                _client = new TestClient(_at).Hello();
            }
        }

        private void Welcome()
        {
            if (_client!.HasFrame && _client.Welcomed())
            {
                _client.AddAuth("digest", TestGroup.SuperUser);
                _client.Send();
                _ready = _asked = true;
            }
        }

        private void Take()
        {
            if (_client!.HasFrame)
            {
                Reply reply = _client.Next();
                Changes += reply.Code == CoordErrorCode.Ok && reply.Xid > 0 ? 1 : 0;
                Assert.Contains(
                    reply.Code,
                    new[]
                    {
                        CoordErrorCode.Ok, CoordErrorCode.ReconfigInProgress, CoordErrorCode.NewConfigNoQuorum,
                        CoordErrorCode.BadArguments, CoordErrorCode.Unimplemented,
                    });
                _asked = false;
                _rest = random.Below(400);
            }
        }

        private void Ask((string? Joining, string? Leaving) change)
        {
            _client!.AddReconfig(change.Joining, change.Leaving);
            _client.Send();
            _asked = true;
            _lastAskedMs = group.NowMs;
        }

        private (string? Joining, string? Leaving) Change()
        {
            EnsembleMember[] members = [.. Wanted.Members];
            EnsembleMember? one = members.Length == 0 ? null : members[random.Below(members.Length)];
            EnsembleMember? lost = members.FirstOrDefault(m => group.Member(m.Replica).IsLost);
            bool mayAdd = members.Length < MaxMembers && group.Members.Length < MaxIds;
            return random.Below(5) switch
            {
                0 or 1 when mayAdd => (Joining(observer: random.Below(3) == 0), null),
                2 when lost is not null && mayAdd => (Joining(observer: false), $"{lost.Id}"),
                3 when one is not null => (TestGroup.Line((int)one.Id, !one.IsObserver), null),
                _ => (null, $"{one?.Id ?? 1}"),
            };
        }

        private string Joining(bool observer) => TestGroup.Line(group.AddWaiting().Id.Value, observer);
    }
}
