using System.Text;
using Orleans.Coord.Consensus;
using Orleans.Coord.Jute;
using static Orleans.Coord.CoordErrorCode;

namespace Orleans.Coord.Replication.Tests;

/// <summary>Members that join, leave and are replaced while the group serves.</summary>
public sealed class MembershipTests
{
    private const string Config = "/zookeeper/config";

    private TestGroup _group = TestGroup.WithConfiguration(3);

    [Fact]
    public void The_first_leader_writes_the_configuration_and_every_member_shows_it()
    {
        Start();
        foreach (TestMember member in _group.Members)
        {
            TestClient client = _group.Join(member);
            client.AddSync("/");
            client.AddGet(Config);
            client.Send();
            _group.Next(client);
            Assert.StartsWith(
                $"{TestGroup.Line(1)}\n{TestGroup.Line(2)}\n{TestGroup.Line(3)}\nversion=", _group.Next(client).Text);
        }
    }

    [Fact]
    public void One_grows_to_three_and_to_five_and_every_new_member_votes_and_serves()
    {
        _group = TestGroup.WithConfiguration(1);
        Start();
        foreach (int members in new[] { 3, 5 })
        {
            TestClient admin = Admin();
            TestMember[] joiners = [_group.AddWaiting(), _group.AddWaiting()];
            string lines = string.Join(',', joiners.Select(m => TestGroup.Line(m.Id.Value)));
            Assert.Equal(Ok, Change(admin, joining: lines).Code);

            _group.RunUntil(() => VotersAre(Enumerable.Range(1, members)), "all to vote");
            _group.RunUntil(() => _group.Members.All(m => m.Replica.CanServe), "all to serve");
        }

        // With five voters any two may go.
        _group.WaitForLeader().Crash();
        _group.WaitForLeader().Crash();
        Write(_group.Join(_group.WaitForLeader()), "/after");
    }

    [Fact]
    public void A_waiting_member_does_nothing_until_it_is_added()
    {
        Start();
        TestMember waiting = _group.AddWaiting();
        _group.Run(5_000);
        Assert.False(waiting.Replica.CanServe);
        Assert.False(waiting.Replica.IsMember);
        Assert.Equal((RaftRole.Follower, 0L), (waiting.Replica.Raft.Role, waiting.Replica.Raft.Term.Value));
        var client = new TestClient(waiting);
        client.Hello();
        Assert.NotNull(client.Closed);
    }

    [Fact]
    public void A_new_member_serves_nobody_before_it_has_what_was_committed_when_it_joined()
    {
        TestMember leader = Start();
        TestClient writer = _group.Join(leader);
        for (int i = 0; i < 200; i++)
        {
            Write(writer, "/n" + i);
        }

        TestMember joiner = _group.AddWaiting();
        long committed = leader.Replica.Raft.Log.Commit.Value;
        Change(Admin(), joining: TestGroup.Line(4, observer: true));
        _group.RunUntil(() => joiner.Replica.CanServe, "the new member to serve");
        Assert.True(joiner.Replica.Machine.LastApplied >= committed);
    }

    [Fact]
    public void A_member_behind_the_log_joins_from_a_snapshot_and_votes_only_then()
    {
        _group = TestGroup.WithConfiguration(3, 5, TestSilo.DefaultOptions with { SnapshotLogBytes = 3_000 });
        TestMember leader = Start();
        TestClient writer = _group.Join(leader);
        for (int i = 0; i < 200; i++)
        {
            Write(writer, "/n" + i);
        }

        Assert.True(leader.Replica.Raft.Log.BaseIndex.Value > 0);
        TestMember joiner = _group.AddWaiting();
        _group.Isolate(joiner);
        Change(Admin(), joining: TestGroup.Line(4));
        _group.Run(3_000);
        Assert.False(leader.Replica.Raft.Configuration.IsVoter(joiner.Id));
        Assert.True(leader.Replica.Raft.Configuration.Contains(joiner.Id));
        Write(writer, "/meanwhile");

        _group.Heal();
        _group.RunUntil(() => VotersAre([1, 2, 3, 4]), "the new member to vote");
        _group.RunUntil(() => joiner.Replica.CanServe, "it to serve");
        _group.RunUntil(
            () => joiner.Replica.Machine.LastApplied == leader.Replica.Machine.LastApplied, "it to be even");
        Assert.Equal(leader.Replica.Machine.Digest, joiner.Replica.Machine.Digest);
        Assert.NotNull(joiner.Store.Latest);
    }

    // Found by the simulator: the new member learned from the log that the leader is removed, before it learned that
    // it is itself added and the leader still in the group; it refused the leader, and nobody had a quorum any more.
    [Fact]
    public void A_member_joins_from_a_leader_that_is_removed_in_the_next_moment()
    {
        _group = TestGroup.WithConfiguration(
            1, 1, TestSilo.DefaultOptions with { Raft = new RaftOptions { MaxInflightMessages = 2 } });
        _group.LoseOneIn = 3;
        Start();
        TestMember joiner = _group.AddWaiting();
        TestClient admin = Admin();
        admin.AddReconfig(joining: TestGroup.Line(2));
        admin.AddReconfig(leaving: "1");
        for (int i = 0; i < 100; i++)
        {
            admin.AddCreate("/between" + i, "x");
        }

        admin.Send();
        _group.RunUntil(() => VotersAre([2]) && joiner.Replica.CanServe, "the new member to be alone");
    }

    [Fact]
    public void An_observer_serves_and_never_votes_until_it_is_promoted()
    {
        Start();
        TestMember observer = _group.AddWaiting();
        TestClient admin = Admin();
        Change(admin, joining: TestGroup.Line(4, observer: true));
        _group.RunUntil(() => observer.Replica.CanServe, "the observer to serve");
        _group.Run(5_000);
        Assert.False(observer.Replica.IsVoter);
        TestClient client = _group.Join(observer);
        Write(client, "/from-the-observer");

        Assert.Equal(Ok, Change(admin, joining: TestGroup.Line(4)).Code);
        _group.RunUntil(() => VotersAre([1, 2, 3, 4]), "its promotion");
        Assert.Null(client.Closed);
        Assert.Equal(Ok, Change(admin, joining: TestGroup.Line(4, observer: true)).Code);
        _group.RunUntil(() => VotersAre([1, 2, 3]), "its way back");
        Assert.Null(client.Closed);
    }

    [Fact]
    public void A_member_joins_over_a_link_of_two_seconds_and_keeps_its_clients()
    {
        Start();
        TestMember far = _group.AddWaiting();
        _group.FarMs[far.Id] = 1_000;
        Assert.Equal(Ok, Change(Admin(), joining: TestGroup.Line(4, observer: true)).Code);
        _group.RunUntil(() => far.Replica.CanServe, "the member to serve");
        TestClient client = _group.Join(far);
        for (int i = 0; i < 5; i++)
        {
            Write(client, "/far" + i);
            client.Add(OpCode.Ping, xid: -2);
            client.AddSync("/");
            client.Send();
            Assert.Equal([Ok, Ok], [_group.Next(client).Code, _group.Next(client).Code]);
        }

        Assert.Null(client.Closed);
        Assert.True(far.Replica.CanServe);
    }

    [Fact]
    public void A_member_that_never_comes_costs_nothing_and_can_be_taken_back()
    {
        Start();
        TestClient admin = Admin();
        Reply added = Change(admin, joining: TestGroup.Line(4));
        Assert.Contains(TestGroup.Line(4), added.Text);
        _group.AddWaiting().Crash();
        _group.Run(3_000);
        Assert.True(VotersAre([1, 2, 3]));
        Write(admin, "/still-here");
        Assert.Equal(Ok, Change(admin, leaving: "4").Code);
        _group.RunUntil(() => !_group.Leader!.Replica.Raft.Configuration.Contains(new ReplicaId(4)), "it to be gone");
        Assert.Equal(BadArguments, Change(admin, joining: TestGroup.Line(4)).Code);
    }

    [Fact]
    public void A_removed_follower_stops_serving_and_is_refused()
    {
        TestMember leader = Start();
        TestMember gone = _group.Members.First(m => m != leader);
        TestClient client = _group.Join(gone);
        Assert.Equal(Ok, Change(Admin(), leaving: $"{gone.Id}").Code);
        _group.RunUntil(() => client.Closed is not null, "its client to be let go");
        Assert.Equal("this member was removed from the ensemble", client.Closed);
        Assert.True(gone.Replica.IsRemoved);
        _group.RunUntil(() => leader.Refuses(gone.Id), "its link to be cut");
        Term term = leader.Replica.Raft.Term;
        gone.Crash();
        gone.Start();
        _group.Run(10_000);
        Assert.False(gone.Replica.CanServe);
        Assert.Equal(term, leader.Replica.Raft.Term);
    }

    [Fact]
    public void A_leader_that_is_removed_hands_over_first()
    {
        TestMember leader = Start();
        TestClient admin = _group.Join(_group.Members.First(m => m != leader));
        Authenticate(admin);
        Term before = leader.Replica.Raft.Term;
        Assert.Equal(Ok, Change(admin, leaving: $"{leader.Id}").Code);
        _group.RunUntil(() => _group.Leader is { } now && now != leader, "another leader");
        // One election, asked for: no time-out was waited for.
        Assert.Equal(before.Next, _group.Leader!.Replica.Raft.Term);
        int[] rest = [.. _group.Members.Where(m => m != leader).Select(m => (int)m.Id.Value)];
        _group.RunUntil(() => VotersAre(rest), "its end");
        _group.RunUntil(() => leader.Replica is { IsRemoved: true, CanServe: false }, "it to know");
        Write(admin, "/after");
    }

    [Fact]
    public void A_dead_member_is_replaced_in_one_request()
    {
        TestMember leader = Start();
        TestMember dead = _group.Members.First(m => m != leader);
        dead.Crash();
        _group.AddWaiting();
        int[] wanted = [.. _group.Members.Where(m => m != dead).Select(m => (int)m.Id.Value)];
        Assert.Equal(Ok, Change(Admin(), joining: TestGroup.Line(4), leaving: $"{dead.Id}").Code);
        _group.RunUntil(() => VotersAre(wanted), "the new member in the place of the dead one");
        Write(_group.Join(_group.WaitForLeader()), "/after");
    }

    [Fact]
    public void All_members_can_be_replaced_in_one_request()
    {
        Start();
        TestMember[] old = _group.Members;
        TestMember[] joiners = [_group.AddWaiting(), _group.AddWaiting(), _group.AddWaiting()];
        TestClient admin = Admin();
        Write(admin, "/before");
        Change(admin, all: string.Join(',', joiners.Select(m => TestGroup.Line(m.Id.Value))));
        _group.RunUntil(
            () => joiners.Any(m => m.Replica.Raft.Role == RaftRole.Leader && m.Replica.CanServe), "a leader");
        _group.RunUntil(() => VotersAre([4, 5, 6]), "the new ones alone");
        _group.RunUntil(() => old.All(m => !m.Replica.CanServe), "the old ones to stop");
        TestClient client = _group.Join(joiners[0]);
        client.AddGet("/before");
        client.Send();
        Assert.Equal(Ok, _group.Next(client).Code);
    }

    [Fact]
    public void What_would_cost_the_quorum_is_refused()
    {
        TestMember leader = Start();
        TestMember[] others = [.. _group.Members.Where(m => m != leader)];
        TestClient admin = Admin();
        others[0].Crash();
        _group.Run(3_000);
        Assert.Equal(NewConfigNoQuorum, Change(admin, leaving: $"{others[1].Id}").Code);
        Assert.Equal(Ok, Change(admin, leaving: $"{others[0].Id}").Code);
        _group.RunUntil(() => leader.Replica.Raft.Configuration.Voters.Length == 2, "the dead one to be gone");
    }

    [Fact]
    public void A_change_while_the_voters_are_changing_is_told_to_wait()
    {
        TestMember leader = Start();
        TestClient admin = Admin(leader);
        TestMember gone = _group.Members.First(m => m != leader);
        admin.AddReconfig(leaving: $"{gone.Id}");
        admin.Send();
        _group.RunUntil(() => leader.Replica.Raft.Configuration.IsJoint, "the change");
        Assert.Equal(Ok, _group.Next(admin).Code);
        Assert.Equal(ReconfigInProgress, Change(admin, joining: TestGroup.Line(9)).Code);
        _group.RunUntil(() => !leader.Replica.Raft.Configuration.IsJoint, "its end");
        Assert.Equal(Ok, Change(admin, joining: TestGroup.Line(9)).Code);
    }

    [Fact]
    public void A_member_that_missed_a_change_is_found_by_a_leader_that_it_does_not_know()
    {
        TestMember leader = Start();
        TestMember behind = _group.Members.First(m => m != leader);
        behind.Crash();
        TestMember joiner = _group.AddWaiting();
        Change(Admin(), joining: TestGroup.Line(4));
        _group.RunUntil(() => VotersAre([1, 2, 3, 4]), "the new member to vote");
        leader.Turn(replica => Assert.True(replica.Raft.TransferLeadership(joiner.Id)));
        _group.RunUntil(() => _group.Leader == joiner, "the new member to lead");
        leader.Crash();
        behind.Start();
        _group.RunUntil(() => behind.Replica.CanServe, "the one behind to serve");
        Write(_group.Join(behind), "/after");
    }

    [Fact]
    public void A_restart_keeps_the_members_and_their_addresses()
    {
        Start();
        TestMember joiner = _group.AddWaiting();
        TestClient admin = Admin();
        Change(admin, joining: TestGroup.Line(4));
        _group.RunUntil(() => VotersAre([1, 2, 3, 4]), "the new member to vote");
        Change(admin, joining: "server.4=moved.example:9:10;11");
        _group.RunUntil(() => _group.Members[0].AddressOf(joiner.Id)?.Host == "moved.example", "its new address");
        foreach (TestMember member in _group.Members)
        {
            member.Crash();
        }

        foreach (TestMember member in _group.Members)
        {
            member.Start();
        }

        _group.WaitForLeader();
        _group.RunUntil(() => _group.Members.All(m => m.Replica.CanServe), "all to serve");
        Assert.True(VotersAre([1, 2, 3, 4]));
        Assert.All(_group.Members[..3], m => Assert.Equal("moved.example", m.AddressOf(joiner.Id)!.Host));
    }

    [Fact]
    public void Addresses_given_at_the_start_count_until_a_member_is_moved()
    {
        var given = new Dictionary<ReplicaId, System.Net.DnsEndPoint>
        {
            [new ReplicaId(2)] = new("given.example", 7),
            [new ReplicaId(3)] = new("given.example", 8),
        };
        _group = TestGroup.WithConfiguration(3, 1, TestSilo.DefaultOptions with { Peers = given });
        Start();
        TestMember first = _group.Members[0];
        Assert.Equal(given[new ReplicaId(2)], first.AddressOf(new ReplicaId(2)));
        Change(Admin(), joining: "server.3=moved.example:9:10;11");
        _group.RunUntil(() => first.AddressOf(new ReplicaId(3))!.Host == "moved.example", "the new address");
        Assert.Equal("given.example", first.AddressOf(new ReplicaId(2))!.Host);
        Change(Admin(_group.Leader!.Id.Value == 2 ? _group.Members[0] : _group.Leader), leaving: "2");
        _group.RunUntil(() => first.AddressOf(new ReplicaId(2)) is null, "the one that left to be forgotten");
    }

    private TestMember Start()
    {
        TestMember leader = _group.StartAll();
        _group.RunUntil(
            () => _group.Members.All(m => !m.Replica.Machine.Ensemble.IsEmpty), "all to know the configuration");
        return leader;
    }

    private bool VotersAre(IEnumerable<int> ids)
    {
        ReplicaId[] wanted = [.. ids.Select(id => new ReplicaId((byte)id))];
        return _group.Leader is { } leader
            && leader.Replica.Raft.Configuration is { IsJoint: false } config
            && config.Voters.SequenceEqual(wanted)
            && leader.Replica.Raft.ConfigurationIndex <= leader.Replica.Raft.Log.Commit;
    }

    private TestClient Admin(TestMember? at = null)
    {
        TestClient admin = _group.Join(at ?? _group.WaitForLeader());
        Authenticate(admin);
        return admin;
    }

    private void Authenticate(TestClient client)
    {
        client.AddAuth("digest", TestGroup.SuperUser);
        client.Send();
        Assert.Equal(Ok, _group.Next(client).Code);
    }

    private Reply Change(TestClient admin, string? joining = null, string? leaving = null, string? all = null)
    {
        admin.AddReconfig(joining, leaving, all);
        admin.Send();
        return _group.Next(admin);
    }

    private void Write(TestClient client, string path)
    {
        client.AddCreate(path, "x");
        client.Send();
        Assert.Equal(Ok, _group.Next(client).Code);
    }
}
