using System.Globalization;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Replication.Tests;

/// <summary>
/// Whole members under crashes, cuts and loss, from a seed: first anything may happen, then all is healed and the
/// group must make progress. Clients keep a register by compare-and-set, so a lost or doubled write shows.
/// </summary>
public sealed class GroupChaosTests
{
    private const int Clients = 4;
    private const int UnsafeMs = 8_000;

    public static TheoryData<int, ulong> Runs
    {
        get
        {
            // More of them for a long run: COORD_CHAOS_SEEDS=2000.
            string? wanted = Environment.GetEnvironmentVariable("COORD_CHAOS_SEEDS");
            int seeds = wanted is null ? 10 : int.Parse(wanted, CultureInfo.InvariantCulture);
            var runs = new TheoryData<int, ulong>();
            for (int seed = 1; seed <= seeds; seed++)
            {
                runs.Add(seed % 3 == 0 ? 5 : 3, (ulong)seed);
            }

            return runs;
        }
    }

    [Theory]
    [MemberData(nameof(Runs))]
    public void Nothing_acknowledged_is_lost_or_doubled_whatever_fails(int members, ulong seed)
    {
        var group = new TestGroup(members, seed, TestSilo.DefaultOptions with { SnapshotLogBytes = 6_000 });
        var random = new SplitMix64(seed * 77);
        var history = new RegisterHistory();
        group.StartAll();
        RegisterClient[] clients = [.. Enumerable.Range(0, Clients).Select(i => new RegisterClient(group, history, i))];
        for (int ms = 0; ms < UnsafeMs; ms++)
        {
            if (random.Below(250) == 0)
            {
                Disturb(group, random);
            }

            group.Step();
            clients[random.Below(Clients)].Act(random);
        }

        group.Calm();
        group.RunUntil(() => group.Members.All(m => m.Replica.CanServe), "all members to serve once healed");
        int before = history.Acknowledged;
        group.RunUntil(
            () =>
            {
                clients[random.Below(Clients)].Act(random);
                return history.Acknowledged > before + 20;
            },
            "writes once healed");
        group.RunUntil(
            () => group.Members.Select(m => m.Replica.Machine.LastApplied).Distinct().Count() == 1, "all to be equal");
        Assert.Single(group.Members.Select(m => m.Replica.Machine.Digest).Distinct());
        history.Verify(group);
    }

    private static void Disturb(TestGroup group, SplitMix64 random)
    {
        TestMember victim = group.Members[random.Below(group.Members.Length)];
        switch (random.Below(7))
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
                group.Roughen(random, maxDelayMs: 60);
                break;
            default:
                group.Calm();
                break;
        }
    }
}

/// <summary>What clients were told of the register <c>/r</c>: its version rises by one with each write.</summary>
internal sealed class RegisterHistory
{
    private readonly Dictionary<int, string> _winners = [];

    public int Acknowledged => _winners.Count;

    /// <summary>The highest version any client knows to be written.</summary>
    public int Newest { get; private set; }

    public void Wrote(int version, string value)
    {
        Assert.True(_winners.TryAdd(version, value), $"version {version} was given to {value} and {_winners[version]}");
        Newest = Math.Max(Newest, version);
    }

    public void Read(int version, string value, int atLeast)
    {
        Assert.True(version >= atLeast, $"a read saw version {version} although {atLeast} was known before");
        Assert.True(!_winners.TryGetValue(version, out string? winner) || winner == value);
    }

    public void Verify(TestGroup group)
    {
        TestClient client = new TestClient(group.WaitForLeader()).Hello();
        group.RunUntil(() => client.HasFrame, "the welcome");
        Assert.True(client.Welcomed());
        client.AddSync("/r");
        client.AddGet("/r");
        client.Send();
        group.RunUntil(() => client.HasFrame, "the sync");
        client.Next();
        group.RunUntil(() => client.HasFrame, "the register");
        Assert.True(RegisterClient.VersionOf(client.Next()) >= Newest);
    }
}

/// <summary>
/// A client that reconnects anywhere with its session, writes by compare-and-set and reads after a sync.
/// </summary>
internal sealed class RegisterClient(TestGroup group, RegisterHistory history, int number)
{
    private readonly Dictionary<int, (OpCode Op, int Version, string Value)> _waiting = [];
    private TestClient? _connection;
    private TestMember? _member;
    private Replica? _life;
    private bool _welcomed;
    private long _session;
    private byte[]? _password;
    private long _zxid;
    private int _guess;
    private int _seen;
    private int _next;

    public static int VersionOf(Reply reply)
    {
        // Data and stat: the version comes after two zxids and two times.
        var reader = new JuteReader(reply.Body);
        reader.ReadBuffer();
        return StatVersion(ref reader);
    }

    public void Act(SplitMix64 random)
    {
        bool died = _member is { } member && (!member.IsUp || member.Replica != _life);
        if (_connection is null || _connection.Closed is not null || died)
        {
            Reconnect(random);
        }
        else if (!_welcomed)
        {
            Welcome();
        }
        else
        {
            while (_connection.HasFrame)
            {
                Take(_connection.Next());
            }

            if (_connection.Closed is null && _waiting.Count < 6)
            {
                Ask(random);
            }
        }
    }

    private void Reconnect(SplitMix64 random)
    {
        _waiting.Clear();
        _welcomed = false;
        TestMember member = group.Members[random.Below(group.Members.Length)];
        _member = member;
        _life = member.IsUp ? member.Replica : null;
        _connection = member.IsUp
            ? new TestClient(member).Hello(_session, _password, 8_000, _zxid)
            : null;
    }

    private void Welcome()
    {
        if (!_connection!.HasFrame)
        {
            return;
        }

        _welcomed = _connection.Welcomed();
        (_session, _password) = _welcomed ? (_connection.SessionId, _connection.Password) : (0, null);
        if (_welcomed)
        {
            _waiting.Add(_connection.AddCreate("/r"), (OpCode.Create, 0, ""));
            _connection.Send();
        }
    }

    private void Ask(SplitMix64 random)
    {
        int known = history.Newest;
        if (random.Below(3) == 0)
        {
            _waiting.Add(_connection!.AddSync("/r"), (OpCode.Sync, 0, ""));
            _waiting.Add(_connection.AddGet("/r"), (OpCode.GetData, known, ""));
        }
        else if (random.Below(4) == 0)
        {
            _waiting.Add(_connection!.AddGet("/r"), (OpCode.GetData, _seen, ""));
        }
        else
        {
            string value = string.Create(CultureInfo.InvariantCulture, $"{number}.{++_next}");
            _waiting.Add(_connection!.AddSet("/r", value, _guess), (OpCode.SetData, _guess, value));
        }

        _connection.Send();
    }

    private void Take(Reply reply)
    {
        _zxid = Math.Max(_zxid, reply.Zxid);
        Assert.True(_waiting.Remove(reply.Xid, out (OpCode Op, int Version, string Value) asked));
        if (reply.Code != CoordErrorCode.Ok)
        {
            Assert.Contains(
                reply.Code, new[] { CoordErrorCode.BadVersion, CoordErrorCode.NodeExists, CoordErrorCode.NoNode });
            // Others' word is good for a guess, but only what this session has seen binds its reads.
            _guess = Math.Max(_guess, history.Newest);
        }
        else if (asked.Op == OpCode.SetData)
        {
            var reader = new JuteReader(reply.Body);
            int version = StatVersion(ref reader);
            Assert.Equal(asked.Version + 1, version);
            history.Wrote(version, asked.Value);
            _guess = _seen = version;
        }
        else if (asked.Op == OpCode.GetData)
        {
            int version = VersionOf(reply);
            history.Read(version, reply.Text, asked.Version);
            _seen = Math.Max(_seen, version);
            _guess = Math.Max(_guess, version);
        }
    }

    private static int StatVersion(ref JuteReader reader)
    {
        reader.ReadLong();
        reader.ReadLong();
        reader.ReadLong();
        reader.ReadLong();
        return reader.ReadInt();
    }
}
