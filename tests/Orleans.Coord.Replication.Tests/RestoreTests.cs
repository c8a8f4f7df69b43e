using Orleans.Coord.Jute;
using Orleans.Coord.Tree;

namespace Orleans.Coord.Replication.Tests;

/// <summary>A snapshot restored while an ensemble serves.</summary>
public sealed class RestoreTests
{
    private readonly TestGroup _group = new(3, 12, TestSilo.DefaultOptions with { SnapshotLogBytes = 2_000 });
    private byte[][] _parts = [];

    [Fact]
    public void All_members_change_over_and_clients_begin_anew()
    {
        TestMember leader = _group.StartAll();
        TestClient client = _group.Join(leader);
        TestClient elsewhere = _group.Join(_group.Members.First(m => m != leader));
        Save(client);
        Restore(leader);
        _group.RunUntil(() => client.Closed is not null && elsewhere.Closed is not null, "clients to be let go");
        Assert.Equal((1, CoordErrorCode.Ok), leader.Replica.LastRestore);
        TestClient again = new TestClient(leader).Hello(client.SessionId, client.Password);
        _group.RunUntil(() => again.HasFrame, "the welcome");
        Assert.False(again.Welcomed());
        CheckRestored(leader);
    }

    [Fact]
    public void A_member_that_restarts_amid_the_parts_or_was_away_follows()
    {
        TestMember leader = _group.StartAll();
        TestMember[] others = [.. _group.Members.Where(m => m != leader)];
        TestClient client = _group.Join(leader);
        Save(client);
        others[0].Crash();
        for (int i = 1; i < _parts.Length; i++)
        {
            Offer(leader, i);
            _group.Run(20);
            if (i == _parts.Length / 2)
            {
                others[0].Start();
                _group.RunUntil(() => others[0].Replica.CanServe, "it to be back");
                others[1].Crash();
                others[1].Start();
            }
        }

        Assert.True(leader.Replica.Machine.IsRestoring);
        Offer(leader, _parts.Length);
        _group.RunUntil(() => leader.Replica.LastRestore is not null, "the restore");
        CheckRestored(leader);
    }

    [Fact]
    public void When_the_leader_is_lost_the_next_one_gives_it_up_and_snapshots_go_on()
    {
        TestMember leader = _group.StartAll();
        TestClient client = _group.Join(leader);
        Save(client);
        Offer(leader, 1);
        Offer(leader, 2);
        _group.RunUntil(() => _group.Members.All(m => m.Replica.Machine.IsRestoring), "the parts everywhere");
        leader.Crash();
        TestMember next = _group.WaitForLeader();
        Assert.True(next.Replica.Machine.IsRestoring);
        _group.RunUntil(() => !next.Replica.Machine.IsRestoring, "the end of the restore");
        leader.Start();
        TestClient other = _group.Join(next);
        Assert.Equal("new", Get(other));
        Assert.Null(next.Replica.Machine.Successor);
    }

    [Fact]
    public void Only_the_leader_takes_parts_and_only_once_all_know_them()
    {
        TestMember leader = _group.StartAll();
        Save(_group.Join(leader));
        TestMember follower = _group.Members.First(m => m != leader);
        Assert.Equal(PartVerdict.NotLeader, Offer(follower, 1));

        var group = new TestGroup(3, 13);
        foreach (TestMember member in group.Members)
        {
            member.Level = FeatureLevels.Extensions;
            member.Start();
        }

        Assert.Equal(PartVerdict.NotAgreed, Offer(group.WaitForLeader(), 1));
    }

    // Takes the parts of a snapshot, then changes the tree.
    private void Save(TestClient client)
    {
        client.AddCreate("/a", "old");
        client.Send();
        Assert.Equal(CoordErrorCode.Ok, _group.Next(client).Code);
        TestMember leader = _group.WaitForLeader();
        _group.RunUntil(() => leader.Replica.Machine.RunningSnapshot is null, "the snapshot to end");
        TreeSnapshot snapshot = leader.Replica.Machine.BeginSnapshot();
        var chunks = new List<ReadOnlyMemory<byte>>();
        var chunk = new JuteWriter();
        while (snapshot.NextSlice(chunk, 2))
        {
            chunks.Add(chunk.Written.ToArray());
            chunk.Clear();
        }

        chunks.Add(chunk.Written.ToArray());
        _parts = [.. SnapshotParts.Cut(chunks).SelectMany(part => part.ToArray()).Chunk(100)];
        Assert.True(_parts.Length > 3);
        for (int i = 0; i < 20; i++)
        {
            client.AddCreate("/later" + i, new string('x', 200), mode: i % 2);
            client.AddSet("/a", "new");
            client.Send();
            Assert.Equal(CoordErrorCode.Ok, _group.Next(client).Code);
            Assert.Equal(CoordErrorCode.Ok, _group.Next(client).Code);
        }
    }

    private void Restore(TestMember leader)
    {
        for (int i = 1; i <= _parts.Length; i++)
        {
            Assert.Equal(PartVerdict.Taken, Offer(leader, i));
        }

        _group.RunUntil(() => leader.Replica.LastRestore is not null, "the restore");
    }

    private PartVerdict Offer(TestMember member, int part)
    {
        PartVerdict verdict = default;
        member.Turn(replica => verdict = replica.OfferPart(1, part, _parts.Length, _parts[part - 1]));
        return verdict;
    }

    private void CheckRestored(TestMember leader)
    {
        _group.RunUntil(
            () => _group.Members.All(m => m.Replica.CanServe
                && m.Replica.Machine.LastApplied == leader.Replica.Machine.LastApplied),
            "all to follow");
        Assert.All(_group.Members, m => Assert.Equal(leader.Replica.Machine.Digest, m.Replica.Machine.Digest));
        foreach (TestMember member in _group.Members)
        {
            Assert.Equal("old", Get(_group.Join(member)));
            Assert.Equal(0, member.Replica.Machine.EphemeralCount);
        }

        // What follows is kept as ever: in snapshots, over restarts.
        TestClient writer = _group.Join(leader);
        for (int i = 0; i < 20; i++)
        {
            writer.AddCreate("/after" + i, new string('y', 200));
            writer.Send();
            Assert.Equal(CoordErrorCode.Ok, _group.Next(writer).Code);
        }

        foreach (TestMember member in _group.Members)
        {
            member.Crash();
            member.Start();
        }

        TestMember next = _group.WaitForLeader();
        Assert.Equal("old", Get(_group.Join(next)));
    }

    private string Get(TestClient client)
    {
        client.AddGet("/a");
        client.Send();
        return _group.Next(client).Text;
    }
}
