namespace Orleans.Coord.Consensus.Tests;

/// <summary>Changing who belongs (Raft paper, section 6): learners, joint consensus, one change at a time.</summary>
public sealed class MembershipTests
{
    [Fact]
    public void ALearnerReceivesTheLogAndDoesNotVote()
    {
        Group group = Group.Led(3, 1);
        Assert.True(group[1].ProposeConfiguration(Group.Config([1, 2, 3], 4)).IsAccepted);
        group.Settle();
        Assert.Equal(group.Member(1).Machine.Digest, group.Member(4).Machine.Digest);
        Assert.False(group[1].Configuration.IsJoint);

        group.Isolate(2);
        group.Isolate(3);
        LogIndex last = group.Propose(1).Index;
        Assert.Equal(last, group[4].Log.LastIndex);
        Assert.True(group[1].Log.Commit < last);
    }

    [Fact]
    public void AMemberIsCaughtUpWhileItAnswersAndLacksNothingOfAnElectionTimeoutAgo()
    {
        Group group = Group.Led(3, 1);
        group.Isolate(4);
        group[1].ProposeConfiguration(Group.Config([1, 2, 3], 4));
        group.Settle();
        Assert.True(group[1].IsCaughtUp(Group.Id(1)));
        Assert.True(group[1].IsCaughtUp(Group.Id(2)));
        Assert.False(group[1].IsCaughtUp(Group.Id(4)));

        group.Heal();
        group.Tick(12, 1);
        Assert.True(group[1].IsCaughtUp(Group.Id(4)));
        Assert.Equal(group[1].Log.LastIndex, group[1].MatchOf(Group.Id(4)));

        group.Loses = message => message is Append && message.To == Group.Id(4);
        group.Propose(1);
        Assert.True(group[1].IsCaughtUp(Group.Id(4)));
        group.Tick(12, 1);
        Assert.False(group[1].IsCaughtUp(Group.Id(4)));

        group.Loses = _ => false;
        group.Tick(12, 1);
        Assert.True(group[1].IsCaughtUp(Group.Id(4)));
        group.Isolate(4);
        group.Tick(24, 1);
        Assert.False(group[1].IsCaughtUp(Group.Id(4)));
        Assert.False(group[2].IsCaughtUp(Group.Id(1)));
        Assert.False(group[2].IsCaughtUp(Group.Id(2)));
        Assert.Equal(default, group[2].MatchOf(Group.Id(1)));
    }

    [Fact]
    public void ALearnerNeverCampaigns()
    {
        Group group = Group.Led(3, 1);
        group[1].ProposeConfiguration(Group.Config([1, 2, 3], 4));
        group.Settle();
        group.Tick(200, 4);
        Assert.Equal((RaftRole.Follower, new Term(1)), (group[4].Role, group[4].Term));
    }

    [Fact]
    public void PromotingALearnerGoesThroughAJointConfiguration_LeftByItself()
    {
        Group group = Group.Led(3, 1);
        group[1].ProposeConfiguration(Group.Config([1, 2, 3], 4));
        group.Settle();
        group.Isolate(4);
        group.Isolate(3);
        group[1].ProposeConfiguration(Group.Config([1, 2, 3, 4]));
        group.Settle();
        Assert.True(group[1].Configuration.IsJoint);

        group.Heal();
        group.Tick(6, 1);

        Assert.Equal(Group.Config([1, 2, 3, 4]), group[1].Configuration);
        Assert.Equal(Group.Config([1, 2, 3, 4]), group[4].Configuration);
        Assert.Equal(group[1].Log.LastIndex, group[1].Log.Commit);
    }

    [Fact]
    public void Joint_NeedsAMajorityOfTheOldVotersToo()
    {
        Group group = Group.Led(3, 2);
        group.Isolate(2);
        group.Isolate(3);
        ProposeResult change = group[1].ProposeConfiguration(Group.Config([1, 4, 5]));
        group.Settle();
        Assert.Equal(change.Index, group[5].Log.LastIndex);
        Assert.True(group[1].Log.Commit < change.Index);
    }

    [Fact]
    public void Joint_NeedsAMajorityOfTheNewVotersToo()
    {
        Group group = Group.Led(3, 2);
        group.Isolate(4);
        group.Isolate(5);
        ProposeResult change = group[1].ProposeConfiguration(Group.Config([1, 4, 5]));
        group.Settle();
        Assert.Equal(change.Index, group[3].Log.LastIndex);
        Assert.True(group[1].Log.Commit < change.Index);
    }

    [Fact]
    public void Joint_AnElectionNeedsBothMajorities()
    {
        Group group = Group.Led(3, 2);
        group.Loses = message => message is AppendResponse;
        group[1].ProposeConfiguration(Group.Config([1, 4, 5]));
        group.Tick(6, 1);
        Assert.True(group[2].Configuration.IsJoint);
        group.Loses = _ => false;
        group.Member(1).Crash();
        group.Isolate(3);
        group[2].Step(new TimeoutNow(Group.Id(1), Group.Id(2), group[2].Term));
        group.Settle();
        Assert.NotEqual(RaftRole.Leader, group[2].Role);

        group.Heal();
        group.Tick(40);
        Assert.Contains(group.Members, member => member.IsUp && member.IsLeader);
    }

    [Fact]
    public void AllVotersCanBeReplacedAtOnce_AndTheOldLeaderHandsOver()
    {
        Group group = Group.Led(3, 3);
        group.Propose(1, "before");
        group[1].ProposeConfiguration(Group.Config([4, 5, 6]));
        group.Tick(10);
        int leader = Assert.Single(group.Members, member => member.IsLeader).Id.Value;
        Assert.InRange(leader, 4, 6);
        Assert.True(group.Propose(leader, "after").IsAccepted);
        Assert.Equal(group[leader].Log.LastIndex, group[leader].Log.Commit);
    }

    [Fact]
    public void ALeaderThatRemovesItselfStepsDownOnlyWhenThatIsCommitted()
    {
        Group group = Group.Led(3);
        group.Loses = message => message is AppendResponse;
        group[1].ProposeConfiguration(Group.Config([2, 3]));
        group.Settle();
        Assert.Equal(RaftRole.Leader, group[1].Role);
        group.Loses = _ => false;
        group.Tick(4, 1);
        Assert.Equal(RaftRole.Follower, group[1].Role);
        Assert.Contains(group.Members, member => member.IsLeader && member.Id != Group.Id(1));
    }

    [Fact]
    public void ARemovedMemberDoesNotDisturbTheOthers()
    {
        Group group = Group.Led(3);
        group.Isolate(3);
        group[1].ProposeConfiguration(Group.Config([1, 2]));
        group.Settle();
        group.Heal();
        Term term = group[1].Term;
        group.Tick(100);
        Assert.Equal((RaftRole.Leader, term), (group[1].Role, group[1].Term));
    }

    [Fact]
    public void OnlyOneChangeIsInFlight()
    {
        Group group = Group.Led(3, 2);
        group.Isolate(2);
        group.Isolate(3);
        Assert.True(group[1].ProposeConfiguration(Group.Config([1, 2, 3], 4)).IsAccepted);
        group.Settle();
        ProposeResult second = group[1].ProposeConfiguration(Group.Config([1, 2, 3], 4, 5));
        Assert.Equal((ProposeStatus.ChangeInFlight, Group.Id(1)), (second.Status, second.Leader));
        group.Heal();
        group.Tick(6, 1);
        Assert.True(group[1].ProposeConfiguration(Group.Config([1, 2, 3], 4, 5)).IsAccepted);
    }

    [Fact]
    public void NoChangeBeforeTheLeaderHasCommittedInItsTerm()
    {
        var group = new Group(3);
        group.Loses = message => message is AppendResponse;
        group[1].Campaign();
        group.Settle();
        Assert.Equal(RaftRole.Leader, group[1].Role);
        Assert.Equal(ProposeStatus.ChangeInFlight, group[1].ProposeConfiguration(Group.Config([1, 2])).Status);
    }

    [Fact]
    public void AConfigurationIsInForceFromItsAppend_AndFallsBackWhenTruncated()
    {
        Group group = Group.Led(3, 1);
        group.Isolate(1);
        group[1].ProposeConfiguration(Group.Config([1, 2, 3], 4));
        group.Settle();
        Assert.True(group[1].Configuration.Contains(Group.Id(4)));

        group.Elect(2);
        group.Propose(2);
        group.Heal();
        group.Tick(6, 2);

        Assert.Equal(Group.Config([1, 2, 3]), group[1].Configuration);
        Assert.False(group[2].Configuration.Contains(Group.Id(4)));
    }

    [Fact]
    public void ANewLeaderFinishesAJointConfigurationItFinds()
    {
        Group group = Group.Led(3, 1);
        group.Loses = message => message is AppendResponse;
        group[1].ProposeConfiguration(Group.Config([1, 2, 3, 4]));
        group.Tick(6, 1);
        Assert.True(group[2].Configuration.IsJoint);
        group.Loses = _ => false;
        group.Member(1).Crash();
        group.Elect(2);
        Assert.Equal(Group.Config([1, 2, 3, 4]), group[2].Configuration);
        Assert.Equal(group[2].Log.LastIndex, group[2].Log.Commit);
    }

    [Fact]
    public void AVoterWithoutItsOwnConfigurationStillVotesForOneWhoKnowsIt()
    {
        Group group = Group.Led(1, 1);
        group[2].Step(new RequestVote(Group.Id(1), Group.Id(2), new Term(5), new LogIndex(1), new Term(1), true));
        group.Settle();
        Assert.True(group.Sent.OfType<RequestVoteResponse>().Last().Granted);
    }

    [Fact]
    public void AMemberThatForgotItsLeaderGivesItsVote_EvenIfItNeverCampaigns()
    {
        Group group = Group.Led(3, 1);
        group[1].ProposeConfiguration(Group.Config([1, 2, 3], 4));
        group.Settle();
        group.Tick(25, 4);
        Assert.Equal(ReplicaId.None, group[4].Leader);
    }

    [Fact]
    public void ALeavingVoterWithTheNewestEntriesMayLeadOnceMore()
    {
        Group group = Group.Led(1, 2);
        group[1].ProposeConfiguration(Group.Config([2, 3]));
        group.Loses = message => message is Append { Entries.Length: > 0 } m
            && m.Entries.Span[^1].Kind == EntryKind.Configuration
            && !QuorumConfig.Decode(m.Entries.Span[^1].Payload.Span).IsJoint;
        group.Settle();
        Assert.False(group[1].Configuration.IsJoint);
        Assert.True(group[2].Configuration.IsJoint);
        group.Restart(1);
        group.Loses = _ => false;

        group.Tick(60);

        int leader = Assert.Single(group.Members, member => member.IsLeader).Id.Value;
        Assert.InRange(leader, 2, 3);
        Assert.Equal(Group.Config([2, 3]), group[leader].Configuration);
    }

    [Fact]
    public void AGroupOfOneGrowsToThree_AndShrinksAgain()
    {
        Group group = Group.Led(1, 2);
        group[1].ProposeConfiguration(Group.Config([1], 2, 3));
        group.Settle();
        group[1].ProposeConfiguration(Group.Config([1, 2, 3]));
        group.Settle();
        Assert.Equal(Group.Config([1, 2, 3]), group[3].Configuration);
        group[1].ProposeConfiguration(Group.Config([1]));
        group.Settle();
        group.Isolate(1);
        LogIndex last = group.Propose(1).Index;
        Assert.Equal(last, group[1].Log.Commit);
    }

    [Fact]
    public void TheConfigurationAtAnEntryIsRemembered()
    {
        Group group = Group.Led(3, 1);
        LogIndex before = group[1].Log.LastIndex;
        LogIndex at = group[1].ProposeConfiguration(Group.Config([1, 2, 3], 4)).Index;
        group.Settle();
        Assert.Equal(Group.Config([1, 2, 3]), group[1].ConfigurationAt(before));
        Assert.Equal(Group.Config([1, 2, 3], 4), group[1].ConfigurationAt(at));
    }

    [Fact]
    public void ARestartFindsTheConfigurationInTheLog()
    {
        Group group = Group.Led(3, 1);
        group[1].ProposeConfiguration(Group.Config([1, 2, 3], 4));
        group.Settle();
        group.Restart(4);
        group.Restart(2);
        Assert.Equal(Group.Config([1, 2, 3], 4), group[4].Configuration);
        Assert.Equal(Group.Config([1, 2, 3], 4), group[2].Configuration);
    }
}
