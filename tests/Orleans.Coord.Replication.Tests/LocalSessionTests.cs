using Orleans.Coord.Consensus;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Replication.Tests;

/// <summary>Sessions that one member alone knows, with <see cref="ReplicaOptions.LocalSessions"/>.</summary>
public sealed class LocalSessionTests
{
    private static readonly ReplicaOptions _local = TestSilo.DefaultOptions with { LocalSessions = true };
    private static readonly ReplicaOptions _upgrading = _local with { LocalSessionsUpgrading = true };

    [Fact]
    public void Coming_reading_and_going_cost_no_log_entry()
    {
        var silo = new TestSilo(_local);
        long before = silo.Replica.Machine.LastApplied;
        TestClient client = silo.Join();
        client.AddGet("/", watch: true);
        client.Add(OpCode.Ping, xid: -2);
        client.AddSync("/");
        client.Add(OpCode.CloseSession);
        client.Send();
        Assert.Equal(CoordErrorCode.Ok, client.Next().Code);
        Assert.Equal(-2, client.Next().Xid);
        Assert.Equal(CoordErrorCode.Ok, client.Next().Code);
        Assert.Equal(CoordErrorCode.Ok, client.Next().Code);
        Assert.NotNull(client.Closed);
        Assert.Equal(before, silo.Replica.Machine.LastApplied);
        Assert.Null(silo.Replica.LocalSessionRemaining(client.SessionId));
    }

    [Fact]
    public void Writes_keep_their_order_and_the_first_makes_the_session_known_to_all()
    {
        var group = new TestGroup(3, 5, _local);
        TestMember follower = group.Follower(group.StartAll());
        TestClient client = Connect(group, follower);
        Assert.True(client.Welcomed());
        Assert.All(group.Members, m => Assert.Equal(0, m.Replica.Machine.Sessions.Count));
        Assert.All(group.Members, m => Assert.Equal(m == follower, m.Replica.LocalSessions.Any()));
        Assert.Equal(client.SessionId, Assert.Single(follower.Replica.LocalSessions).SessionId);
        client.AddGet("/", watch: true);
        client.AddCreate("/a", "1");
        client.AddGet("/a");
        client.AddSet("/a", "2");
        client.AddGet("/a");
        client.Send();
        Assert.Equal(CoordErrorCode.Ok, group.Next(client).Code);
        Assert.Equal("/a", group.Next(client).Text);
        Assert.Equal("1", group.Next(client).Text);
        Assert.Equal(CoordErrorCode.Ok, group.Next(client).Code);
        Assert.Equal("2", group.Next(client).Text);
        Assert.Equal(1, follower.Replica.Machine.Sessions.Count);
        Assert.Null(follower.Replica.LocalSessionRemaining(client.SessionId));
        Assert.Empty(follower.Replica.LocalSessions);
    }

    [Theory]
    [InlineData(false, CoordErrorCode.EphemeralOnLocalSession)]
    [InlineData(true, CoordErrorCode.Ok)]
    public void An_ephemeral_upgrades_the_session_or_is_refused(bool upgrading, CoordErrorCode expected)
    {
        var silo = new TestSilo(upgrading ? _upgrading : _local);
        TestClient client = silo.Join();
        client.AddCreate("/e", mode: 1);
        client.AddCreate("/p");
        client.AddCreate("/e2", mode: 3);
        client.AddGet("/p");
        client.Send();
        Assert.Equal(expected, client.Next().Code);
        Assert.Equal(CoordErrorCode.Ok, client.Next().Code);
        Assert.Equal(expected, client.Next().Code);
        Assert.Equal(CoordErrorCode.Ok, client.Next().Code);
        Assert.Equal(upgrading ? 2 : 0, silo.Replica.Machine.EphemeralCount);
    }

    [Fact]
    public void Once_a_first_write_is_under_way_its_member_vouches_for_the_session_no_more()
    {
        var group = new TestGroup(3, 5, _local);
        TestMember leader = group.StartAll();
        TestMember follower = group.Follower(leader);
        TestClient client = Connect(group, follower);
        Assert.True(client.Welcomed());
        // The leader counts the session's time from now on, and this member does not see it.
        group.Loses = (_, to, _) => to == follower.Id;
        client.AddCreate("/a", "1");
        client.Send();
        group.RunUntil(() => leader.Replica.Machine.Sessions.Count == 1, "the session in the log");
        follower.Turn(replica => replica.Disconnected(client));
        TestClient again = new TestClient(follower).Hello(client.SessionId, client.Password);
        group.Run(20);
        Assert.False(again.HasFrame);
        group.Loses = null;
        group.RunUntil(() => again.HasFrame || again.Closed is not null, "the log's word");
        Assert.True(again.HasFrame && again.Welcomed());
    }

    [Fact]
    public void A_first_write_whose_leader_is_lost_is_carried_to_the_next()
    {
        var group = new TestGroup(3, 5, _local);
        TestMember leader = group.StartAll();
        TestMember follower = group.Follower(leader);
        TestClient client = Connect(group, follower, timeoutMs: 20_000);
        Assert.True(client.Welcomed());
        group.Isolate(leader);
        client.AddCreate("/a", "1");
        client.Send();
        group.RunUntil(() => client.HasFrame || client.Closed is not null, "the answer");
        Assert.Null(client.Closed);
        Assert.Equal("/a", client.Next().Text);
        Assert.NotEqual(leader, group.Members.First(m => m != leader && m.Replica.Raft.Role == RaftRole.Leader));
        Assert.Equal(1, follower.Replica.Machine.Sessions.Count);
    }

    [Fact]
    public void An_ephemeral_in_a_multi_is_refused_too()
    {
        var silo = new TestSilo(_local);
        TestClient client = silo.Join();
        client.Add(OpCode.Multi, w =>
        {
            WritePart(w, OpCode.Delete, () => w.WriteInt(-1));
            WritePart(w, OpCode.Create, () =>
            {
                w.WriteBuffer([]);
                w.WriteInt(1);
                w.WriteInt((int)Permissions.All);
                w.WriteString("world");
                w.WriteString("anyone");
                w.WriteInt(1);
            });
            w.WriteInt(-1);
            w.WriteBool(true);
            w.WriteInt(-1);
        });
        client.Send();
        Assert.Equal(CoordErrorCode.EphemeralOnLocalSession, client.Next().Code);

        static void WritePart(JuteWriter w, OpCode op, Action rest)
        {
            w.WriteInt((int)op);
            w.WriteBool(false);
            w.WriteInt(-1);
            w.WriteString("/e");
            rest();
        }
    }

    [Fact]
    public void A_connection_may_be_lost_and_the_session_goes_on_at_the_same_member_only()
    {
        var group = new TestGroup(3, 6, _local);
        TestMember follower = group.Follower(group.StartAll());
        TestClient first = Connect(group, follower);
        Assert.True(first.Welcomed());
        follower.Turn(replica => replica.Disconnected(first));

        TestMember other = group.Members.First(m => m != follower);
        Assert.False(Connect(group, other, first.SessionId, first.Password).Welcomed());
        Assert.False(Connect(group, follower, first.SessionId, new byte[16]).Welcomed());
        TestClient again = Connect(group, follower, first.SessionId, first.Password);
        Assert.True(again.Welcomed());
        Assert.Equal(first.SessionId, again.SessionId);

        TestClient third = Connect(group, follower, first.SessionId, first.Password);
        Assert.True(third.Welcomed());
        Assert.NotNull(again.Closed);
    }

    [Fact]
    public void A_silent_session_expires_and_a_pinging_one_lives()
    {
        var group = new TestGroup(3, 8, _local);
        TestMember follower = group.Follower(group.StartAll());
        TestClient silent = Connect(group, follower, timeoutMs: 4_000);
        TestClient pinging = Connect(group, follower, timeoutMs: 4_000);
        Assert.True(silent.Welcomed());
        Assert.True(pinging.Welcomed());
        for (int i = 0; i < 8; i++)
        {
            pinging.Add(OpCode.Ping, xid: -2);
            pinging.Send();
            Assert.Equal(-2, group.Next(pinging).Xid);
            group.Run(1_000);
        }

        Assert.Null(pinging.Closed);
        Assert.NotNull(silent.Closed);
        Assert.False(Connect(group, follower, silent.SessionId, silent.Password).Welcomed());
    }

    [Fact]
    public void An_upgraded_session_moves_with_its_ephemerals()
    {
        var group = new TestGroup(3, 9, _upgrading);
        TestMember follower = group.Follower(group.StartAll());
        TestClient client = Connect(group, follower);
        Assert.True(client.Welcomed());
        client.AddCreate("/e", "mine", mode: 1);
        client.Send();
        Reply created = group.Next(client);
        Assert.Equal(CoordErrorCode.Ok, created.Code);
        TestMember other = group.Members.First(m => m != follower);
        group.RunUntil(() => other.Replica.Machine.LastApplied >= created.Zxid, "the other to catch up");
        TestClient moved = Connect(group, other, client.SessionId, client.Password);
        Assert.True(moved.Welcomed());
        group.RunUntil(() => client.Closed is not null, "the old connection to be closed");
        Assert.Equal(1, other.Replica.Machine.EphemeralCount);
    }

    [Fact]
    public void A_client_that_leaves_while_its_first_write_meets_a_lost_leader_finds_its_session_again()
    {
        var group = new TestGroup(3, 10, _upgrading);
        TestMember follower = group.Follower(group.StartAll());
        TestClient client = Connect(group, follower);
        Assert.True(client.Welcomed());
        group.Leader!.Crash();
        client.AddCreate("/e", mode: 1);
        client.Send();
        group.Run(20);
        follower.Turn(replica => replica.Disconnected(client));
        group.RunUntil(() => follower.Replica.CanServe && group.Leader is not null, "a new leader");
        TestClient again = Connect(group, follower, client.SessionId, client.Password);
        Assert.True(again.Welcomed());
        again.AddCreate("/e", mode: 1);
        again.Send();
        Assert.Equal(CoordErrorCode.Ok, group.Next(again).Code);
        Assert.Equal(0, client.Unreleased);
    }

    [Fact]
    public void An_operator_ends_a_local_session()
    {
        var silo = new TestSilo(_local);
        TestClient client = silo.Join();
        bool ended = false;
        silo.Turn(replica => ended = replica.EndSession(client.SessionId));
        Assert.True(ended);
        Assert.NotNull(client.Closed);
    }

    private static TestClient Connect(
        TestGroup group, TestMember member, long sessionId = 0, byte[]? password = null, int timeoutMs = 10_000)
    {
        TestClient client = new TestClient(member).Hello(sessionId, password, timeoutMs);
        group.RunUntil(() => client.HasFrame, "the welcome");
        return client;
    }
}
