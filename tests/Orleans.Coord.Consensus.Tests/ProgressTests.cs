namespace Orleans.Coord.Consensus.Tests;

/// <summary>What a leader remembers of its followers, and how it counts them.</summary>
public sealed class ProgressTests
{
    private static readonly ReplicaId Self = new(1);
    private readonly ProgressTracker _tracker = new(Self);

    [Fact]
    public void AProbeDoesNotRunAhead()
    {
        var peer = new Progress(new ReplicaId(2), new LogIndex(10));
        peer.Sent(new LogIndex(15), 100);
        Assert.Equal((ProgressState.Probe, new LogIndex(10), 0), (peer.State, peer.Next, peer.InflightMessages));
    }

    [Fact]
    public void ReplicationRunsAhead_AndAcknowledgementsFreeTheWindow()
    {
        Progress peer = Replicating();
        peer.Sent(new LogIndex(12), 30);
        peer.Sent(new LogIndex(14), 50);
        Assert.Equal((new LogIndex(15), 80, 2), (peer.Next, peer.InflightBytes, peer.InflightMessages));
        peer.Acknowledged(new LogIndex(13));
        Assert.Equal((50, 1, new LogIndex(13)), (peer.InflightBytes, peer.InflightMessages, peer.Match));
        peer.Acknowledged(new LogIndex(11));
        Assert.Equal(new LogIndex(13), peer.Match);
        peer.Acknowledged(new LogIndex(14));
        Assert.Equal((0, 0), (peer.InflightBytes, peer.InflightMessages));
    }

    [Theory]
    [InlineData(2, 1000, true)]
    [InlineData(3, 1000, false)]
    [InlineData(3, 80, true)]
    public void IsFull_ByCountOrBytes(int messages, long bytes, bool full)
    {
        Progress peer = Replicating();
        peer.Sent(new LogIndex(12), 30);
        peer.Sent(new LogIndex(14), 50);
        var options = new RaftOptions { MaxInflightMessages = messages, MaxInflightBytes = bytes };
        Assert.Equal(full, peer.IsFull(options));
    }

    [Fact]
    public void GoingBackToProbingForgetsWhatIsUnderWay()
    {
        Progress peer = Replicating();
        peer.Sent(new LogIndex(12), 30);
        peer.BecomeProbe(new LogIndex(11));
        Assert.Equal((new LogIndex(11), 0, false), (peer.Next, peer.InflightMessages, peer.IsProbeOut));
        Assert.Throws<InvariantException>(() => peer.BecomeProbe(new LogIndex(10)));
    }

    [Fact]
    public void ASnapshotIsForOneWhoLacksIt()
    {
        Progress peer = Replicating();
        var snapshot = new SnapshotMetadata(new LogIndex(20), new Term(1), default);
        peer.BecomeSnapshot(snapshot);
        Assert.Equal((ProgressState.Snapshot, snapshot, 0), (peer.State, peer.Snapshot, peer.SnapshotOffset));
        peer.Acknowledged(new LogIndex(20));
        peer.BecomeReplicate();
        Assert.Equal((new LogIndex(21), null), (peer.Next, peer.Snapshot));
        Assert.Throws<InvariantException>(() => peer.BecomeSnapshot(snapshot));
    }

    [Fact]
    public void Reconfigure_KeepsThoseWhoStay_AndForgetsThoseWhoLeave()
    {
        _tracker.Restart(Group.Config([1, 2, 3]), new LogIndex(5));
        _tracker.Find(new ReplicaId(2))!.Acknowledged(new LogIndex(9));
        _tracker.SetMatch(new ReplicaId(2), new LogIndex(9));
        _tracker.SetMatch(new ReplicaId(3), new LogIndex(9));
        _tracker.Reconfigure(Group.Config([1, 2, 4], 5), new LogIndex(20));
        Assert.Equal([2, 4, 5], _tracker.Peers.Select(peer => (int)peer.Id.Value));
        Assert.Equal(new LogIndex(9), _tracker.Find(new ReplicaId(2))!.Match);
        Assert.Equal(new LogIndex(20), _tracker.Find(new ReplicaId(4))!.Next);
        _tracker.Reconfigure(Group.Config([1, 2, 3]), new LogIndex(20));
        Assert.Equal(default, _tracker.AgreedMatch(Group.Config([3])));
    }

    [Fact]
    public void AMatchNeverFalls()
    {
        _tracker.Restart(Group.Config([1, 2, 3]), new LogIndex(5));
        _tracker.SetMatch(new ReplicaId(2), new LogIndex(9));
        Assert.Throws<InvariantException>(() => _tracker.SetMatch(new ReplicaId(2), new LogIndex(8)));
    }

    [Theory]
    [InlineData(new[] { 1 }, new int[0], false, false)]
    [InlineData(new[] { 1, 2 }, new int[0], true, false)]
    [InlineData(new[] { 1 }, new[] { 2 }, false, false)]
    [InlineData(new[] { 1 }, new[] { 2, 3 }, false, true)]
    [InlineData(new[] { 1, 4, 5 }, new int[0], false, false)]
    public void Votes_AreWonOrLostByMajority(int[] granted, int[] refused, bool won, bool lost)
    {
        QuorumConfig config = Group.Config([1, 2, 3], 4, 5);
        _tracker.ClearVotes();
        Array.ForEach(granted, id => _tracker.SetVote(Group.Id(id), true));
        Array.ForEach(refused, id => _tracker.SetVote(Group.Id(id), false));
        Assert.Equal((won, lost), (_tracker.IsElectionWon(config), _tracker.IsElectionLost(config)));
    }

    [Fact]
    public void TheFirstVoteOfAMemberCounts()
    {
        _tracker.ClearVotes();
        _tracker.SetVote(Self, false);
        _tracker.SetVote(Self, true);
        Assert.True(_tracker.IsElectionLost(Group.Config([1])));
    }

    [Fact]
    public void QuorumActive_CountsOnceAndStartsAfresh()
    {
        _tracker.Restart(Group.Config([1, 2, 3]), new LogIndex(1));
        Assert.True(_tracker.TakeQuorumActive());
        Assert.False(_tracker.TakeQuorumActive());
        _tracker.Find(new ReplicaId(3))!.RecentActive = true;
        Assert.True(_tracker.TakeQuorumActive());
    }

    [Fact]
    public void ReadRounds_AreAgreedByAQuorum()
    {
        _tracker.Restart(Group.Config([1, 2, 3]), new LogIndex(1));
        _tracker.SetReadRound(Self, 4);
        Assert.Equal(0, _tracker.AgreedReadRound());
        _tracker.SetReadRound(new ReplicaId(3), 3);
        _tracker.SetReadRound(new ReplicaId(3), 2);
        Assert.Equal(3, _tracker.AgreedReadRound());
    }

    private static Progress Replicating()
    {
        var peer = new Progress(new ReplicaId(2), new LogIndex(11));
        peer.Acknowledged(new LogIndex(10));
        peer.BecomeReplicate();
        return peer;
    }
}
