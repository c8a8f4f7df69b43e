namespace Orleans.Coord.Consensus.Tests;

/// <summary>
/// Linearizable reads: an index is given only by a leader that a quorum has confirmed since the question.
/// </summary>
public sealed class ReadIndexTests
{
    [Fact]
    public void ALeaderAnswersAfterAQuorumHasAnsweredItsHeartbeat()
    {
        Group group = Group.Led(3);
        LogIndex last = group.Propose(1).Index;
        group.Loses = message => message is HeartbeatResponse;
        group.Member(1).AskRead(5);
        group.Settle();
        Assert.Empty(group.Member(1).ReadStates);

        group.Loses = _ => false;
        group.Tick(2, 1);

        Assert.Equal([new ReadState(5, last)], group.Member(1).ReadStates);
    }

    [Fact]
    public void ReadsOfOneTurnShareOneRoundOfHeartbeats()
    {
        Group group = Group.Led(3);
        group.Sent.Clear();
        for (ulong i = 0; i < 50; i++)
        {
            group.Member(1).AskRead(i);
        }

        group.Settle();
        Assert.Equal(50, group.Member(1).ReadStates.Count);
        Assert.Equal(2, group.Sent.OfType<Heartbeat>().Count());
    }

    [Fact]
    public void AFollowerAsksItsLeader()
    {
        Group group = Group.Led(3);
        LogIndex last = group.Propose(1).Index;
        group.Member(2).AskRead(9);
        group.Settle();
        Assert.Equal([new ReadState(9, last)], group.Member(2).ReadStates);
    }

    [Fact]
    public void WithoutALeaderTheQuestionIsRefusedAtOnce()
    {
        var group = new Group(3);
        Assert.False(group[1].ReadIndex(1));
    }

    [Fact]
    public void ADeposedLeaderThatDoesNotKnowItGivesNoAnswer()
    {
        Group group = Group.Led(3);
        group.Isolate(1);
        group.Elect(2);
        group.Propose(2);
        group.Member(1).AskRead(1);
        group.Settle();
        Assert.Empty(group.Member(1).ReadStates);

        group.Tick(20, 1);

        Assert.Equal([new ReadState(1, null)], group.Member(1).ReadStates);
    }

    [Fact]
    public void ANewLeaderAnswersOnlyAfterItsFirstCommit()
    {
        Group group = Group.Led(3);
        LogIndex last = group.Propose(1).Index;
        group.Loses = message => message is AppendResponse;
        group[2].Step(new TimeoutNow(Group.Id(1), Group.Id(2), group[2].Term));
        group.Settle();
        Assert.Equal(RaftRole.Leader, group[2].Role);
        group.Member(2).AskRead(3);
        group.Tick(4, 2);
        Assert.Empty(group.Member(2).ReadStates);

        group.Loses = _ => false;
        group.Tick(4, 2);

        Assert.Equal([new ReadState(3, last.Next)], group.Member(2).ReadStates);
    }

    [Fact]
    public void AMemberThatDoesNotLeadSaysSo()
    {
        Group group = Group.Led(3);
        group[2].Step(new ReadIndexRequest(Group.Id(3), Group.Id(2), group[2].Term, 1, 2));
        group.Settle();
        Assert.Null(group.Sent.OfType<ReadIndexResponse>().Single().Index);
    }

    [Fact]
    public void AnAnswerToAnEarlierLifeIsVoid()
    {
        Group group = Group.Led(3);
        group.Loses = message => message is ReadIndexResponse;
        group.Member(2).AskRead(1);
        group.Settle();
        ReadIndexResponse late = group.Sent.OfType<ReadIndexResponse>().Single();
        group.Restart(2);
        group[2].Step(late);
        group.Settle();
        Assert.Empty(group.Member(2).ReadStates);
    }

    [Fact]
    public void AHeartbeatAnswerOfAnEarlierRoundDoesNotConfirmALaterRead()
    {
        Group group = Group.Led(3);
        group.Member(1).AskRead(1);
        group.Settle();
        HeartbeatResponse old = group.Sent.OfType<HeartbeatResponse>().Last();
        group.Member(1).ReadStates.Clear();
        group.Isolate(1);
        group.Member(1).AskRead(2);
        group.Settle();
        group[1].Step(old);
        group.Settle();
        Assert.Empty(group.Member(1).ReadStates);
    }
}
