namespace Orleans.Coord.Consensus.Tests;

/// <summary>Pre-vote, check-quorum and leader transfer: who may disturb whom, and when a leader must give up.</summary>
public sealed class ElectionTests
{
    [Fact]
    public void AMemberThatWasCutOffDoesNotDisturbTheGroupWhenItReturns()
    {
        Group group = Group.Led(3);
        group.Isolate(3);
        group.Tick(200);
        Assert.Equal(new Term(1), group[3].Term);

        group.Heal();
        group.Tick(50);

        Assert.Equal((RaftRole.Leader, new Term(1)), (group[1].Role, group[1].Term));
        Assert.Equal(Group.Id(1), group[3].Leader);
    }

    [Fact]
    public void PreVoteIsRefusedByThoseWhoHearALeader()
    {
        Group group = Group.Led(3);
        group[3].Campaign();
        group.Settle();
        Assert.All(group.Sent.OfType<PreVoteResponse>(), answer => Assert.False(answer.Granted));
        Assert.Equal((RaftRole.Leader, new Term(1)), (group[1].Role, group[2].Term));
    }

    [Fact]
    public void APreVoteChangesNothingAtTheVoter()
    {
        var group = new Group(3);
        group[2].Step(new PreVote(Group.Id(1), Group.Id(2), new Term(7), default, default));
        group.Settle();
        Assert.Equal((default, ReplicaId.None), (group[2].Term, group[2].Vote));
        Assert.True(group.Sent.OfType<PreVoteResponse>().Single().Granted);
    }

    [Fact]
    public void APreVoteNeedsAnUpToDateLog()
    {
        Group group = Group.Led(3);
        group.Isolate(3);
        group.Propose(1);
        group.Member(1).Crash();
        group.Heal();
        group.Tick(30, 2, 3);
        Assert.Equal(RaftRole.Leader, group[2].Role);
    }

    [Fact]
    public void AnAnswerToAnEarlierPreVoteIsNotCounted()
    {
        var group = new Group(5);
        group.Loses = message => message is PreVote;
        group[1].Campaign();
        group.Settle();
        group[1].Step(new PreVoteResponse(Group.Id(2), Group.Id(1), new Term(3), true));
        group[1].Step(new PreVoteResponse(Group.Id(3), Group.Id(1), new Term(3), true));
        Assert.Equal(RaftRole.PreCandidate, group[1].Role);
    }

    [Fact]
    public void CheckQuorum_ALeaderWithoutAQuorumStepsDown()
    {
        Group group = Group.Led(3);
        group.Isolate(1);
        group.Tick(20, 1);
        Assert.NotEqual(RaftRole.Leader, group[1].Role);
        Assert.Equal(ProposeStatus.NotLeader, group[1].Propose(default).Status);
    }

    [Fact]
    public void CheckQuorum_OneAnsweringFollowerOfTwoIsEnough()
    {
        Group group = Group.Led(3);
        group.Isolate(3);
        group.Tick(100, 1, 2);
        Assert.Equal((RaftRole.Leader, new Term(1)), (group[1].Role, group[1].Term));
    }

    [Fact]
    public void CheckQuorum_LearnersDoNotCount()
    {
        Group group = Group.Led(3, 2);
        group[1].ProposeConfiguration(Group.Config([1, 2, 3], 4, 5));
        group.Settle();
        group.Isolate(2);
        group.Isolate(3);
        group.Tick(25, 1, 4, 5);
        Assert.NotEqual(RaftRole.Leader, group[1].Role);
    }

    [Fact]
    public void AMemberWhoseTermRanAheadComesBack()
    {
        Group group = Group.Led(3);
        group.Isolate(3);
        group[3].Step(new AppendResponse(Group.Id(2), Group.Id(3), new Term(8), false, default, default, default));
        group.Heal();
        group.Tick(60);
        Member(group, out int leader);
        Assert.True(group[leader].Term >= new Term(8));
        Assert.All(group.Members, member => Assert.Equal(Group.Id(leader), member.Node.Leader));
    }

    [Fact]
    public void OneWayPartition_ALeaderThatIsHeardButHearsNobodyGivesWay()
    {
        Group group = Group.Led(3);
        group.Cut(2, 1);
        group.Cut(3, 1);
        group.Tick(80);
        Member(group, out int leader);
        Assert.NotEqual(1, leader);
    }

    [Fact]
    public void ABrokenConnectionToTheLeaderShortensTheWait()
    {
        Group group = Group.Led(3);
        group.Member(1).Crash();
        group[2].PeerUnreachable(Group.Id(1));
        group[3].PeerUnreachable(Group.Id(1));
        group.Tick(10);
        Member(group, out int leader);
        Assert.NotEqual(1, leader);
    }

    [Fact]
    public void ABrokenConnectionOfOneFollowerDoesNotUnseatTheLeader()
    {
        Group group = Group.Led(3);
        group[2].PeerUnreachable(Group.Id(1));
        Assert.Equal(ReplicaId.None, group[2].Leader);
        group.Tick(30);
        Assert.Equal((RaftRole.Leader, new Term(1)), (group[1].Role, group[1].Term));
        Assert.Equal(Group.Id(1), group[2].Leader);
    }

    [Fact]
    public void Transfer_TheTargetLeadsWithoutWaiting()
    {
        Group group = Group.Led(3);
        Assert.True(group[1].TransferLeadership(Group.Id(3)));
        group.Settle();
        Assert.Equal((RaftRole.Leader, new Term(2)), (group[3].Role, group[3].Term));
        Assert.Equal(RaftRole.Follower, group[1].Role);
    }

    [Fact]
    public void Transfer_WaitsUntilTheTargetHasTheWholeLog_AndRefusesProposalsMeanwhile()
    {
        Group group = Group.Led(3);
        group.Isolate(3);
        group.Propose(1);
        Assert.True(group[1].TransferLeadership(Group.Id(3)));
        group.Settle();
        ProposeResult refused = group[1].Propose(default);
        Assert.Equal((ProposeStatus.Transferring, Group.Id(3)), (refused.Status, refused.Leader));

        group.Heal();
        group.Tick(5, 1);

        Assert.Equal(RaftRole.Leader, group[3].Role);
    }

    [Fact]
    public void Transfer_IsGivenUpAfterAnElectionTimeout()
    {
        Group group = Group.Led(3);
        group.Isolate(3);
        group.Propose(1);
        group[1].TransferLeadership(Group.Id(3));
        group.Tick(10, 1, 2);
        Assert.True(group.Propose(1).IsAccepted);
    }

    [Fact]
    public void Transfer_ALostTimeoutNowIsRepeated()
    {
        Group group = Group.Led(3);
        group.Loses = message => message is TimeoutNow;
        group[1].TransferLeadership(Group.Id(2));
        group.Settle();
        group.Loses = _ => false;
        group.Tick(5, 1);
        Assert.Equal(RaftRole.Leader, group[2].Role);
    }

    [Fact]
    public void Transfer_OnlyToAnotherVoter()
    {
        Group group = Group.Led(3, 1);
        group[1].ProposeConfiguration(Group.Config([1, 2, 3], 4));
        group.Settle();
        Assert.False(group[1].TransferLeadership(Group.Id(1)));
        Assert.False(group[1].TransferLeadership(Group.Id(4)));
        Assert.False(group[2].TransferLeadership(Group.Id(3)));
    }

    [Fact]
    public void AProposalToAFollowerNamesTheLeader()
    {
        Group group = Group.Led(3);
        var refused = new ProposeResult(ProposeStatus.NotLeader, default, default, Group.Id(1));
        Assert.Equal(refused, group[2].Propose(default));
    }

    [Fact]
    public void ARestartKeepsTermAndVote()
    {
        Group group = Group.Led(3);
        group.Restart(2);
        Assert.Equal((new Term(1), Group.Id(1)), (group[2].Term, group[2].Vote));
        group[2].Step(new RequestVote(Group.Id(3), Group.Id(2), new Term(1), new LogIndex(99), new Term(1), true));
        group.Settle();
        Assert.False(group.Sent.OfType<RequestVoteResponse>().Last().Granted);
    }

    [Fact]
    public void AMemberWithoutAConfigurationWaits()
    {
        var group = new Group(1, 1);
        group.Tick(100, 2);
        Assert.Equal((RaftRole.Follower, default), (group[2].Role, group[2].Term));
    }

    private static void Member(Group group, out int leader) =>
        leader = Assert.Single(group.Members, member => member.IsUp && member.IsLeader).Id.Value;
}
