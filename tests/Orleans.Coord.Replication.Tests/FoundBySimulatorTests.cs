using Orleans.Coord.Jute;

namespace Orleans.Coord.Replication.Tests;

/// <summary>What the simulator found in this code (docs/SIMULATOR.md), each in its smallest form.</summary>
public sealed class FoundBySimulatorTests
{
    private readonly TestGroup _group = new(3, options: TestSilo.DefaultOptions with { SnapshotLogBytes = 3_000 });

    [Fact]
    public void A_write_whose_forward_was_lost_is_sent_again_though_other_sessions_have_answers()
    {
        TestMember follower = _group.Follower(_group.StartAll());
        TestClient busy = _group.Join(follower);
        TestClient unlucky = _group.Join(follower);
        busy.AddCreate("/busy");
        busy.Send();
        _group.Next(busy);
        _group.Loses = (_, _, bytes) => bytes[0] == (byte)EnvelopeKind.Forward;
        unlucky.AddCreate("/lost");
        unlucky.Send();
        _group.Loses = null;
        for (int i = 0; i < 30 && !unlucky.HasFrame; i++)
        {
            busy.AddSet("/busy", "again");
            busy.Send();
            _group.Next(busy);
            _group.Run(100);
        }

        Assert.True(unlucky.HasFrame);
        Assert.Equal(CoordErrorCode.Ok, unlucky.Next().Code);
    }

    [Fact]
    public void After_a_snapshot_of_its_own_for_which_there_was_no_space_a_member_takes_another()
    {
        var silo = new TestSilo(TestSilo.DefaultOptions with { SnapshotLogBytes = 3_000 });
        silo.Store.IsFull = true;
        TestClient client = silo.Join();
        Fill(client, "/a", () => client.Next());
        Assert.Null(silo.Store.Latest);
        silo.Store.IsFull = false;
        Fill(client, "/b", () => client.Next());
        Assert.NotNull(silo.Store.Latest);
    }

    [Fact]
    public void A_snapshot_of_the_leader_for_which_there_was_no_space_is_asked_for_again()
    {
        TestMember away = LeaveBehind(_group.StartAll());
        away.Store.IsFull = true;
        away.Start();
        _group.RunUntil(() => away.Store.AbortedCount > 0, "the snapshot to be given up");
        away.Store.IsFull = false;
        _group.RunUntil(() => away.Replica.CanServe, "the member to serve");
    }

    [Fact]
    public void A_leader_whose_newest_snapshot_is_damaged_stops_instead_of_reading_it_for_ever()
    {
        TestMember leader = _group.StartAll();
        TestMember away = LeaveBehind(leader);
        leader.Store.IsDamaged = true;
        away.Start();
        Assert.Throws<StorageException>(() => _group.Run(10_000));
    }

    [Fact]
    public void A_clock_that_stood_still_over_a_restart_gives_no_new_client_an_id_that_is_in_use()
    {
        TestMember follower = _group.Follower(_group.StartAll());
        follower.Crash();
        follower.WallMs = 1_700_000_000_000;
        follower.Start();
        TestClient before = _group.Join(follower, timeoutMs: 40_000);
        follower.Crash();
        follower.Start();
        TestClient after = _group.Join(follower);
        Assert.NotEqual(before.SessionId, after.SessionId);
        Assert.True(follower.Replica.Machine.Sessions.TryGet(before.SessionId, out _));
    }

    [Fact]
    public void No_word_of_the_leader_for_a_life_before_the_restart_vouches_for_a_session_of_this_one()
    {
        TestMember leader = _group.StartAll();
        TestMember follower = _group.Follower(leader);
        List<byte[]> vouched = [];
        _group.Loses = (_, to, bytes) =>
        {
            if (to == follower.Id && bytes[0] == (byte)EnvelopeKind.TouchAck)
            {
                vouched.Add(bytes);
            }

            return false;
        };
        _group.Run(5_000);
        _group.Loses = null;
        Assert.True(vouched.Count > 10);
        follower.Crash();
        follower.Start();
        TestClient client = _group.Join(follower);
        _group.Isolate(follower);
        client.Add(OpCode.Ping, xid: -2);
        client.Send();
        foreach (byte[] word in vouched)
        {
            follower.Receive(leader.Id, word);
        }

        Assert.Null(client.Closed);
        Assert.False(client.HasFrame);
    }

    // Takes a member away for so long that only a snapshot can bring it back.
    private TestMember LeaveBehind(TestMember leader)
    {
        TestMember away = _group.Follower(leader);
        away.Crash();
        TestClient client = _group.Join(leader);
        Fill(client, "/n", () => _group.Next(client));
        Assert.True(leader.Replica.Raft.Log.BaseIndex > away.Store.LastIndex);
        return away;
    }

    private static void Fill(TestClient client, string path, Action next)
    {
        for (int i = 0; i < 200; i++)
        {
            client.AddCreate(path + i, "some value to fill the log");
            client.Send();
            next();
        }
    }
}
