using Orleans.Coord.Jute;

namespace Orleans.Coord.Replication.Tests;

public sealed class GroupTests
{
    private readonly TestGroup _group = new(3);

    [Fact]
    public void Three_members_elect_a_leader_and_all_serve()
    {
        _group.StartAll();
        Assert.Single(_group.Members, m => m.Replica.Raft.Role == Consensus.RaftRole.Leader);
    }

    [Fact]
    public void A_write_at_any_member_is_read_at_every_other_after_a_sync()
    {
        _group.StartAll();
        TestClient[] clients = [.. _group.Members.Select(member => _group.Join(member))];
        for (int i = 0; i < clients.Length; i++)
        {
            clients[i].AddCreate("/from" + i, "value " + i);
            clients[i].Send();
        }

        foreach (TestClient client in clients)
        {
            Assert.Equal(CoordErrorCode.Ok, _group.Next(client).Code);
        }

        foreach (TestClient client in clients)
        {
            client.AddSync("/");
            client.AddGet("/from0");
            client.AddGet("/from1");
            client.AddGet("/from2");
            client.Send();
            _group.Next(client);
            IEnumerable<string?> texts = [.. Enumerable.Range(0, 3).Select(_ => _group.Next(client).Text)];
            Assert.Equal(["value 0", "value 1", "value 2"], texts);
        }
    }

    [Fact]
    public void Set_1_get_set_2_reads_1_at_a_follower_too()
    {
        TestClient client = _group.Join(_group.Follower(_group.StartAll()));
        client.AddCreate("/a");
        for (int i = 0; i < 20; i++)
        {
            client.AddSet("/a", "1");
            client.AddGet("/a");
            client.AddSet("/a", "2");
            client.AddGet("/a");
        }

        client.Send();
        _group.Next(client);
        for (int i = 0; i < 20; i++)
        {
            _group.Next(client);
            Assert.Equal("1", _group.Next(client).Text);
            _group.Next(client);
            Assert.Equal("2", _group.Next(client).Text);
        }
    }

    [Fact]
    public void A_watch_set_at_one_member_fires_for_a_write_at_another()
    {
        TestMember leader = _group.StartAll();
        TestClient writer = _group.Join(leader);
        TestClient watcher = _group.Join(_group.Follower(leader));
        writer.AddCreate("/a", "1");
        writer.Send();
        _group.Next(writer);
        watcher.AddSync("/a");
        watcher.AddGet("/a", watch: true);
        watcher.Send();
        _group.Next(watcher);
        _group.Next(watcher);
        writer.AddSet("/a", "2");
        writer.Send();
        Assert.Equal((3, "/a"), _group.Next(watcher).Event);
    }

    [Fact]
    public void Pipelined_writes_at_a_follower_survive_the_leaders_crash_each_exactly_once_and_in_order()
    {
        TestMember leader = _group.StartAll();
        TestClient client = _group.Join(_group.Follower(leader));
        client.AddCreate("/q");
        var xids = new List<int>();
        for (int i = 0; i < 100; i++)
        {
            xids.Add(client.AddCreate("/q/n", mode: 2));
        }

        client.Send();
        _group.Run(6);
        leader.Crash();
        _group.Next(client);
        string[] names = [.. xids.Select(xid =>
        {
            Reply reply = _group.Next(client);
            Assert.Equal((xid, CoordErrorCode.Ok), (reply.Xid, reply.Code));
            return reply.Text;
        })];
        Assert.Equal(Enumerable.Range(0, 100).Select(i => $"/q/n{i:D10}"), names);
        Assert.Null(client.Closed);
    }

    [Fact]
    public void A_leader_that_waits_long_for_its_quorum_logs_each_write_once()
    {
        var group = new TestGroup(3, options: TestSilo.DefaultOptions with { Raft = new() { ElectionTicks = 100 } });
        foreach (TestMember member in group.Members)
        {
            member.Start();
        }

        TestMember leader = group.WaitForLeader();
        group.RunUntil(() => group.Members.All(m => m.Replica.CanServe), "all members to serve");
        TestClient client = new TestClient(leader).Hello();
        group.RunUntil(() => client.HasFrame, "the welcome");
        Assert.True(client.Welcomed());
        LogIndex last = leader.Replica.Raft.Log.LastIndex;
        group.FarMs[leader.Id] = 1_500;
        client.AddCreate("/a");
        client.Send();
        group.RunUntil(() => client.HasFrame, "the answer");
        Assert.Equal(CoordErrorCode.Ok, client.Next().Code);
        Assert.Equal(last.Next, leader.Replica.Raft.Log.LastIndex);
    }

    [Fact]
    public void A_session_moves_to_another_member_with_its_ephemerals()
    {
        TestMember leader = _group.StartAll();
        TestMember[] followers = [.. _group.Members.Where(m => m != leader)];
        TestClient first = _group.Join(followers[0]);
        first.AddCreate("/e", "mine", mode: 1);
        first.Send();
        Reply created = _group.Next(first);
        _group.RunUntil(() => followers[1].Replica.Machine.LastApplied >= created.Zxid, "the other to catch up");
        TestClient second = new TestClient(followers[1]).Hello(first.SessionId, first.Password);
        _group.RunUntil(() => second.HasFrame, "the welcome");
        Assert.True(second.Welcomed());
        second.AddGet("/e");
        second.Send();
        Assert.Equal("mine", _group.Next(second).Text);
        _group.RunUntil(() => first.Closed is not null, "the old connection to be closed");
    }

    [Fact]
    public void Sessions_at_followers_live_through_pings_and_expire_without()
    {
        TestMember leader = _group.StartAll();
        TestClient pinging = _group.Join(_group.Follower(leader), 4_000);
        TestClient silent = _group.Join(_group.Follower(leader), 4_000);
        for (int i = 0; i < 8; i++)
        {
            pinging.Add(OpCode.Ping, xid: -2);
            pinging.Send();
            Assert.Equal(-2, _group.Next(pinging).Xid);
            _group.Run(1_300);
        }

        Assert.Null(pinging.Closed);
        Assert.NotNull(silent.Closed);
        Assert.Equal(1, leader.Replica.Machine.Sessions.Count);
    }

    [Fact]
    public void A_member_that_is_cut_off_stops_serving_and_no_ping_is_answered_in_vain()
    {
        TestMember leader = _group.StartAll();
        TestMember follower = _group.Follower(leader);
        TestClient client = _group.Join(follower, 4_000);
        _group.Isolate(follower);
        client.Add(OpCode.Ping, xid: -2);
        client.Send();
        _group.RunUntil(() => client.Closed is not null, "the client to be let go");
        Assert.False(client.HasFrame);
        Assert.False(follower.Replica.CanServe);
        _group.Heal();
        _group.RunUntil(() => follower.Replica.CanServe, "the member to serve again");
    }

    [Fact]
    public void A_leader_that_is_cut_off_answers_no_ping_and_no_sync()
    {
        TestMember leader = _group.StartAll();
        TestClient client = _group.Join(leader, 4_000);
        _group.Isolate(leader);
        client.Add(OpCode.Ping, xid: -2);
        client.AddSync("/");
        client.Send();
        _group.RunUntil(() => client.Closed is not null, "the client to be let go");
        Assert.False(client.HasFrame);
    }

    [Fact]
    public void A_member_that_was_away_for_long_catches_up_from_a_snapshot_and_serves()
    {
        var group = new TestGroup(3, 7, TestSilo.DefaultOptions with { SnapshotLogBytes = 3_000 });
        foreach (TestMember member in group.Members)
        {
            member.Start();
        }

        TestMember leader = group.WaitForLeader();
        TestMember away = group.Members.First(m => m != leader);
        away.Crash();
        TestClient client = new TestClient(leader).Hello();
        group.RunUntil(() => client.HasFrame, "the welcome");
        client.Welcomed();
        for (int i = 0; i < 300; i++)
        {
            client.AddCreate("/n" + i, "some value to fill the log");
            client.Send();
            group.RunUntil(() => client.HasFrame, "a reply");
            Assert.Equal(CoordErrorCode.Ok, client.Next().Code);
        }

        Assert.True(leader.Replica.Raft.Log.BaseIndex > away.Store.LastIndex);
        away.Start();
        group.RunUntil(() => away.Replica.CanServe, "the member to serve");
        group.RunUntil(
            () => away.Replica.Machine.LastApplied == leader.Replica.Machine.LastApplied, "the member to catch up");
        Assert.Equal(leader.Replica.Machine.Digest, away.Replica.Machine.Digest);
    }
}
