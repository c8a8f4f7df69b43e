using Orleans.Coord.Consensus.Tests.Sim;

namespace Orleans.Coord.Consensus.Tests;

/// <summary>
/// Linearizable reads: an index is given only by a leader that a quorum has confirmed since the question.
/// </summary>
public sealed class ReadIndexTests
{
    private static readonly RaftOptions _byWrite = new() { ConfirmReadsByWrite = true };

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

    [Fact]
    public void AMemberThatWasTakenOverUnawares_ConfirmsADeposedLeader() =>
        Assert.Throws<SafetyViolationException>(() => ConfirmsAsTakenOver(new RaftOptions()));

    [Fact]
    public void WhereAWriteMustComeThroughFirst_ItDoesNot() =>
        Assert.Empty(ConfirmsAsTakenOver(_byWrite).ReadStates);

    [Fact]
    public void ALeaderThatWasTakenOverUnawares_DoesNotCountItselfEither()
    {
        Group group = Group.Led(3, options: _byWrite);
        Member frozen = group.TakeOver(1);
        group.Cut(3, 2);
        group.Elect(3);
        group.Propose(3);
        group.Sent.Clear();
        frozen.AskRead(1);
        frozen.Turn(group.Sent.Add);
        foreach (Heartbeat asked in group.Sent.OfType<Heartbeat>().Where(m => m.To == Group.Id(2)).ToArray())
        {
            frozen.Node.Step(new HeartbeatResponse(Group.Id(2), Group.Id(1), asked.Term, asked.ReadRound));
        }

        frozen.Turn(group.Sent.Add);
        Assert.Empty(frozen.ReadStates);
    }

    [Fact]
    public void ReadsThatWaitForWrites_AreAnsweredWhenAQuorumsHaveComeThrough()
    {
        Group group = Group.Led(3, options: _byWrite);
        group.HangDisk(1);
        group.HangDisk(2);
        group.Member(1).AskRead(1);
        group.Settle();
        Assert.Empty(group.Member(1).ReadStates);
        group.FreeDisk(2);
        Assert.Single(group.Member(1).ReadStates);
        group.Member(3).AskRead(2);
        group.Settle();
        Assert.Single(group.Member(3).ReadStates);
    }

    [Fact]
    public void AConfirmationThatIsLostComesAgainWithTheNextHeartbeat_AndCostsNoFurtherWrite()
    {
        Group group = Group.Led(3, options: _byWrite);
        group.Loses = message => message is HeartbeatResponse { ReadRound: > 0 };
        group.Member(1).AskRead(1);
        group.Settle();
        Assert.Empty(group.Member(1).ReadStates);
        group.Loses = _ => false;
        group.HangDisk(2);
        group.HangDisk(3);
        group.Tick(2, 1);
        Assert.Single(group.Member(1).ReadStates);
        Assert.Equal(0, group.Member(2).Store.PendingWrites + group.Member(3).Store.PendingWrites);
    }

    // Member 2 is frozen while somebody else runs it, and votes for member 3. It wakes to what the old leader has sent.
    private static Member ConfirmsAsTakenOver(RaftOptions options)
    {
        Group group = Group.Led(3, options: options);
        Member frozen = group.TakeOver(2);
        group.Isolate(1);
        group.Elect(3);
        group.Propose(3);
        group.Sent.Clear();
        group.Member(1).AskRead(1);
        group.Settle();
        foreach (Heartbeat late in group.Sent.OfType<Heartbeat>().Where(m => m.To == Group.Id(2)).ToArray())
        {
            frozen.Node.Step(late);
        }

        frozen.Turn(group[1].Step);
        group.Settle();
        return group.Member(1);
    }
}
