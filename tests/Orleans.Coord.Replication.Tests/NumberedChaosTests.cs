using System.Globalization;
using System.Text;
using Orleans.Coord.Jute;
using Orleans.Coord.Tree;

namespace Orleans.Coord.Replication.Tests;

/// <summary>
/// Numbered writes while members crash and links are cut: a write that is sent again and again, through any member,
/// happens once and gets one answer. Linearizable reads see all that was answered before they were asked.
/// </summary>
public sealed class NumberedChaosTests
{
    private const int Clients = 3;
    private const int UnsafeMs = 6_000;

    public static TheoryData<ulong> Seeds => [.. Enumerable.Range(1, 24).Select(seed => (ulong)seed)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Every_write_happens_once_whatever_fails(ulong seed)
    {
        var group = new TestGroup(3, seed, TestSilo.DefaultOptions with { SnapshotLogBytes = 6_000 });
        var random = new SplitMix64(seed * 91);
        group.StartAll();
        CreateRoot(group);
        var journal = new Journal();
        NumberingClient[] clients =
            [.. Enumerable.Range(0, Clients).Select(i => new NumberingClient(group, journal, i))];
        for (int ms = 0; ms < UnsafeMs; ms++)
        {
            if (random.Below(200) == 0)
            {
                Disturb(group, random);
            }

            group.Step();
            clients[random.Below(Clients)].Act(random, mayAsk: true);
        }

        group.Calm();
        group.RunUntil(
            () =>
            {
                clients[random.Below(Clients)].Act(random, mayAsk: false);
                return clients.All(client => client.IsIdle);
            },
            "all writes to be answered once healed");
        group.RunUntil(
            () => group.Members.All(m => m.Replica.CanServe)
                && group.Members.Select(m => m.Replica.Machine.LastApplied).Distinct().Count() == 1,
            "all to be equal");
        Assert.Single(group.Members.Select(m => m.Replica.Machine.Digest).Distinct());
        Assert.True(journal.Answers.Count > 100, $"only {journal.Answers.Count} writes were answered");
        Assert.True(journal.Repeats > 0, "nothing was sent twice");
        VerifyAnswers(group, journal);
        VerifyHistories(group);
    }

    // Each write's name is its own, and the server's digits make a second run of it a second znode.
    private static void VerifyAnswers(TestGroup group, Journal journal)
    {
        string[] names = Children(group.Members[0].Replica.Machine);
        Assert.Equal(names.Length, names.Select(name => name[..^10]).Distinct().Count());
        Assert.Empty(journal.Answers.Values.Except(names.Select(name => "/q/" + name)));
    }

    private static void VerifyHistories(TestGroup group)
    {
        long since = group.Members.Max(m => m.Replica.Machine.HistoryHorizon);
        Assert.Single(group.Members.Select(m => Convert.ToHexString(Changes(m.Replica.Machine, since))).Distinct());
    }

    private static byte[] Changes(CoordStateMachine machine, long since)
    {
        var request = new JuteWriter();
        request.WriteString("/");
        request.WriteInt(1);
        request.WriteLong(since);
        return Read(machine, OpCode.GetChanges, request);
    }

    private static string[] Children(CoordStateMachine machine)
    {
        var request = new JuteWriter();
        request.WriteString("/q");
        request.WriteBool(false);
        return NumberingClient.ReadNames(Read(machine, OpCode.GetChildren, request));
    }

    private static byte[] Read(CoordStateMachine machine, OpCode op, JuteWriter request)
    {
        var reply = new JuteWriter();
        Assert.Equal(
            CoordErrorCode.Ok, machine.Read(op, request.Written, 0, new CallerIdentities("127.0.0.1"), reply));
        return reply.Written.ToArray();
    }

    private static void CreateRoot(TestGroup group)
    {
        TestClient client = new TestClient(group.WaitForLeader()).Hello();
        group.RunUntil(() => client.HasFrame, "the welcome");
        Assert.True(client.Welcomed());
        client.AddCreate("/q");
        client.Send();
        group.RunUntil(() => client.HasFrame, "the root");
        Assert.Equal(CoordErrorCode.Ok, client.Next().Code);
    }

    private static void Disturb(TestGroup group, SplitMix64 random)
    {
        TestMember victim = group.Members[random.Below(group.Members.Length)];
        switch (random.Below(6))
        {
            case 0 or 1 when victim.IsUp:
                victim.Crash();
                break;
            case 2:
                group.Isolate(victim);
                break;
            case 3:
                group.Roughen(random, maxDelayMs: 40);
                break;
            default:
                group.Calm();
                break;
        }
    }
}

/// <summary>What the clients were told.</summary>
internal sealed class Journal
{
    /// <summary>The path that each write was answered with.</summary>
    public Dictionary<string, string> Answers { get; } = [];

    /// <summary>Writes that were sent on more than one connection.</summary>
    public int Repeats { get; set; }
}

/// <summary>A client that numbers its writes, and sends the unanswered ones again on every new connection.</summary>
internal sealed class NumberingClient(TestGroup group, Journal journal, int number)
{
    private const int Window = 6;
    private readonly List<(long Number, string Name)> _unanswered = [];
    private readonly Dictionary<int, (string? Name, int Expected)> _waiting = [];
    private TestClient? _connection;
    private TestMember? _member;
    private Replica? _life;
    private bool _welcomed;
    private long _session;
    private byte[]? _password;
    private long _zxid;
    private long _lastNumber;
    private int _names;

    public bool IsIdle => _unanswered.Count == 0;

    public static string[] ReadNames(byte[] body)
    {
        var reader = new JuteReader(body);
        string[] names = new string[reader.ReadInt()];
        for (int i = 0; i < names.Length; i++)
        {
            names[i] = Encoding.UTF8.GetString(reader.ReadString());
        }

        return names;
    }

    public void Act(SplitMix64 random, bool mayAsk)
    {
        bool died = _member is { } member && (!member.IsUp || member.Replica != _life);
        if (_connection is null || _connection.Closed is not null || died || random.Below(400) == 0)
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

            if (mayAsk && _connection.Closed is null && _unanswered.Count < Window)
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
        _connection = member.IsUp ? new TestClient(member).Hello(_session, _password, 8_000, _zxid) : null;
    }

    private void Welcome()
    {
        if (!_connection!.HasFrame)
        {
            return;
        }

        _welcomed = _connection.Welcomed();
        if (!_welcomed)
        {
            // The session is lost, and with it the outcomes of what was under way.
            (_session, _password, _lastNumber) = (0, null, 0);
            _unanswered.Clear();
            return;
        }

        (_session, _password) = (_connection.SessionId, _connection.Password);
        journal.Repeats += _unanswered.Count;
        foreach ((long again, string name) in _unanswered)
        {
            Send(again, name);
        }

        _connection.Send();
    }

    private void Ask(SplitMix64 random)
    {
        if (random.Below(5) == 0)
        {
            int xid = _connection!.Add(OpCode.LinearizableRead, w =>
            {
                w.WriteInt((int)OpCode.GetChildren);
                w.WriteString("/q");
                w.WriteBool(false);
            });
            _waiting.Add(xid, (null, journal.Answers.Count));
        }
        else
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"c{number}-{++_names}-");
            _unanswered.Add((++_lastNumber, name));
            Send(_lastNumber, name);
        }

        _connection!.Send();
    }

    private void Send(long writeNumber, string name)
    {
        int xid = _connection!.Add(OpCode.Numbered, w =>
        {
            w.WriteLong(writeNumber);
            w.WriteLong(_unanswered[0].Number);
            w.WriteInt((int)OpCode.Create);
            w.WriteString("/q/" + name);
            w.WriteBuffer([]);
            w.WriteInt(1);
            w.WriteInt((int)Permissions.All);
            w.WriteString("world");
            w.WriteString("anyone");
            w.WriteInt(2);
        });
        _waiting.Add(xid, (name, 0));
    }

    private void Take(Reply reply)
    {
        _zxid = Math.Max(_zxid, reply.Zxid);
        Assert.True(_waiting.Remove(reply.Xid, out (string? Name, int Expected) asked));
        Assert.Equal(CoordErrorCode.Ok, reply.Code);
        if (asked.Name is null)
        {
            Assert.True(ReadNames(reply.Body).Length >= asked.Expected, "a read missed writes answered before it");
            return;
        }

        Assert.Equal(asked.Name, _unanswered[0].Name);
        _unanswered.RemoveAt(0);
        Assert.StartsWith("/q/" + asked.Name, reply.Text, StringComparison.Ordinal);
        journal.Answers.Add(asked.Name, reply.Text);
    }
}
