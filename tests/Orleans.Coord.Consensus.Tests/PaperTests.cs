using Orleans.Coord.Consensus.Tests.Sim;

namespace Orleans.Coord.Consensus.Tests;

/// <summary>The rules of "In search of an understandable consensus algorithm (extended version)", by section.</summary>
public sealed class PaperTests
{
    private static readonly ReplicaId One = new(1);
    private static readonly ReplicaId Two = new(2);

    [Fact]
    public void Section5_1_AHigherTermMakesALeaderAFollower()
    {
        Group group = Group.Led(3);
        group[1].Step(new AppendResponse(Two, One, new Term(9), false, default, default, default));
        Assert.Equal(RaftRole.Follower, group[1].Role);
        Assert.Equal(new Term(9), group[1].Term);
        Assert.Equal(ReplicaId.None, group[1].Vote);
    }

    [Fact]
    public void Section5_1_ACandidateOfAnEarlierTermIsRefused()
    {
        Group group = Group.Led(3);
        group[2].Step(new RequestVote(Group.Id(3), Two, default, new LogIndex(99), new Term(1), false));
        group.Settle();
        RequestVoteResponse answer = group.Sent.OfType<RequestVoteResponse>().Last();
        Assert.Equal((false, new Term(1)), (answer.Granted, answer.Term));
    }

    [Fact]
    public void Section5_2_AMemberStartsAsFollower()
    {
        var group = new Group(3);
        Assert.All(group.Members, member => Assert.Equal(RaftRole.Follower, member.Node.Role));
    }

    [Fact]
    public void Section5_2_ALeaderSendsHeartbeatsEveryInterval()
    {
        Group group = Group.Led(3, options: new RaftOptions { HeartbeatTicks = 3 });
        group.Sent.Clear();
        group.Tick(9, 1);
        Assert.Equal(3 * 2, group.Sent.OfType<Heartbeat>().Count());
    }

    [Fact]
    public void Section5_2_AFollowerThatHearsNothingCampaigns_WithARisingTermAndAVoteForItself()
    {
        var group = new Group(3);
        group.Tick(20, 1);
        Assert.Equal((RaftRole.Leader, new Term(1), One), (group[1].Role, group[1].Term, group[1].Vote));
        Assert.All(group.Members, member => Assert.Equal(One, member.Node.Leader));
    }

    [Fact]
    public void Section5_2_AHeartbeatKeepsFollowersFromCampaigning()
    {
        Group group = Group.Led(5);
        group.Tick(200);
        Assert.Equal(new Term(1), group[1].Term);
    }

    [Fact]
    public void Section5_2_AVoteIsGivenOncePerTerm_FirstCome()
    {
        var group = new Group(3);
        group[1].Step(new RequestVote(Two, One, new Term(1), default, default, false));
        group[1].Step(new RequestVote(Group.Id(3), One, new Term(1), default, default, false));
        group[1].Step(new RequestVote(Two, One, new Term(1), default, default, false));
        group.Settle();
        bool[] answers = [.. group.Sent.OfType<RequestVoteResponse>().OrderBy(m => m.To).Select(m => m.Granted)];
        Assert.Equal([true, true, false], answers);
    }

    [Theory]
    [InlineData(3, 1, false)]
    [InlineData(3, 2, true)]
    [InlineData(5, 2, false)]
    [InlineData(5, 3, true)]
    public void Section5_2_AMajorityElects(int voters, int reachable, bool elected)
    {
        var group = new Group(voters);
        for (int i = reachable + 1; i <= voters; i++)
        {
            group.Isolate(i);
        }

        group[1].Campaign();
        group.Settle();
        Assert.Equal(elected, group[1].Role == RaftRole.Leader);
    }

    [Fact]
    public void Section5_2_ACandidateYieldsToALeaderOfItsTerm()
    {
        var group = new Group(3);
        group.Loses = message => message is RequestVoteResponse;
        group[1].Campaign();
        group.Settle();
        Assert.Equal(RaftRole.Candidate, group[1].Role);

        group[1].Step(new Heartbeat(Two, One, group[1].Term, default, 0));

        Assert.Equal((RaftRole.Follower, Two), (group[1].Role, group[1].Leader));
    }

    [Fact]
    public void Section5_2_TimeoutsAreSpreadOverTheWholeInterval()
    {
        var options = new RaftOptions { ElectionTicks = 10 };
        var seen = new HashSet<int>();
        for (ulong seed = 0; seed < 300; seed++)
        {
            var member = new Member(One, options, new SafetyChecker());
            member.Store.Format(Group.Config([1, 2, 3]));
            member.Start(seed);
            int ticks = 0;
            while (member.Node.Role == RaftRole.Follower)
            {
                member.Node.Tick();
                ticks++;
            }

            seen.Add(ticks);
        }

        Assert.Equal(Enumerable.Range(10, 10), seen.Order());
    }

    [Fact]
    public void Section5_2_ASplitVoteEndsInALaterTerm()
    {
        var group = new Group(4);
        group[1].Campaign();
        group[2].Campaign();
        group.Settle();
        group.Tick(100);
        Assert.Single(group.Members, member => member.IsLeader);
        Assert.True(group.Members.TrueForAll(member => member.Node.Leader != ReplicaId.None));
    }

    [Fact]
    public void Section5_3_AnEntryOnAMajorityIsCommitted_AndAppliedInOrderByAll()
    {
        Group group = Group.Led(5);
        group.Isolate(4);
        group.Isolate(5);
        LogIndex last = group.Propose(1).Index;
        Assert.Equal(last, group[1].Log.Commit);
        Assert.Equal(last, group.Member(3).Machine.Index);
        Assert.Equal(group.Member(1).Machine.Digest, group.Member(2).Machine.Digest);

        group.Heal();
        group.Tick(10, 1);
        Assert.Equal(last, group.Member(5).Machine.Index);
    }

    [Fact]
    public void Section5_3_WithoutAMajorityNothingIsCommitted()
    {
        Group group = Group.Led(5);
        LogIndex before = group[1].Log.Commit;
        group.Isolate(1);
        group.Propose(1);
        Assert.Equal(before, group[1].Log.Commit);
    }

    [Fact]
    public void Section5_3_AnAppendIsRefusedUnlessTheEntryBeforeMatches()
    {
        Group group = Group.Led(3);
        LogIndex last = group[2].Log.LastIndex;
        group[2].Step(new Append(One, Two, new Term(1), last + 5, new Term(1), default, default));
        group.Settle();
        AppendResponse answer = group.Sent.OfType<AppendResponse>().Last(m => !m.Success);
        Assert.Equal((last + 5, last, new Term(1)), (answer.Index, answer.HintIndex, answer.HintTerm));
    }

    [Fact]
    public void Section5_3_ConflictingEntriesAreReplaced()
    {
        Group group = Group.Led(3);
        group.Isolate(1);
        group.Propose(1, "lost 1");
        group.Propose(1, "lost 2");
        group.Member(1).Crash();
        group.Elect(2);
        LogIndex kept = group.Propose(2, "kept").Index;
        group.Heal();
        group.Member(1).Start(1);
        group.Tick(10, 2);

        Assert.Equal(group.Member(2).Machine.Digest, group.Member(1).Machine.Digest);
        Assert.Equal("kept"u8.ToArray(), group[1].Log.Read(kept, kept, 100)[0].Payload.ToArray());
    }

    [Fact]
    public void Section5_3_AWholeTermOfConflictsIsSkippedInOneRefusal()
    {
        Group group = Group.Led(3);
        group.Isolate(1);
        for (int i = 0; i < 50; i++)
        {
            group.Propose(1);
        }

        group.Restart(1);
        group.Elect(2);
        for (int i = 0; i < 50; i++)
        {
            group.Propose(2);
        }

        group.Sent.Clear();
        group.Heal();
        group.Tick(10, 2);
        Assert.Equal(group[2].Log.LastIndex, group[1].Log.LastIndex);
        Assert.True(group.Sent.OfType<AppendResponse>().Count(m => m is { Success: false, From.Value: 1 }) <= 2);
    }

    [Fact]
    public void Section5_3_AFollowerNeverCommitsBeyondWhatMatches()
    {
        Group group = Group.Led(3);
        LogIndex last = group[2].Log.LastIndex;
        var entry = new Entry(last.Next, new Term(1), EntryKind.Command, default);
        group[2].Step(new Append(One, Two, new Term(1), last, new Term(1), last + 50, new[] { entry }));
        Assert.Equal(last.Next, group[2].Log.Commit);
    }

    [Theory]
    [InlineData(1, 5, true)]
    [InlineData(1, 4, false)]
    [InlineData(2, 1, true)]
    [InlineData(0, 9, false)]
    public void Section5_4_1_AVoteNeedsALogAsUpToDate(long lastTerm, long lastIndex, bool granted)
    {
        Group group = Group.Led(3);
        for (int i = 0; i < 4; i++)
        {
            group.Propose(1);
        }

        Assert.Equal(new LogIndex(5), group[2].Log.LastIndex);
        var request = new RequestVote(Group.Id(3), Two, new Term(5), new LogIndex(lastIndex), new Term(lastTerm), true);
        group[2].Step(request);
        group.Settle();
        Assert.Equal(granted, group.Sent.OfType<RequestVoteResponse>().Last().Granted);
    }

    [Fact]
    public void Section5_4_2_EntriesOfEarlierTermsAreCommittedOnlyTogetherWithOneOfTheLeadersOwn()
    {
        Group group = Group.Led(5, options: new RaftOptions { MaxAppendBytes = 1 });
        group.Isolate(3);
        group.Isolate(4);
        group.Isolate(5);
        LogIndex old = group.Propose(1, "old term").Index;
        Assert.True(group[1].Log.Commit < old);
        group.Heal();
        group.LoseSuccessfulAppendsOf(new Term(2));
        group.Restart(1);
        group.Elect(1);
        Assert.Equal(old, group[3].Log.LastIndex);
        Assert.True(group[1].Log.Commit < old);

        group.Loses = _ => false;
        group.Tick(10, 1);
        Assert.True(group[1].Log.Commit > old);
    }

    [Fact]
    public void Figure2_NoVoteLeavesBeforeItIsDurable()
    {
        var group = new Group(3);
        group.HangDisk(2);
        group[2].Step(new RequestVote(One, Two, new Term(1), default, default, false));
        group.Settle();
        Assert.DoesNotContain(group.Sent, message => message is RequestVoteResponse);
        group.FreeDisk(2);
        Assert.Contains(group.Sent, message => message is RequestVoteResponse { Granted: true });
    }

    [Fact]
    public void Figure2_ACrashBeforeTheVoteIsDurableForgetsIt_AndNobodyHasHeardOfIt()
    {
        var group = new Group(3);
        group.HangDisk(2);
        group[2].Step(new RequestVote(One, Two, new Term(1), default, default, false));
        group.Settle();
        group.Restart(2);
        Assert.Equal((default, ReplicaId.None), (group[2].Term, group[2].Vote));
        Assert.DoesNotContain(group.Sent, message => message.From == Two && message is RequestVoteResponse);
    }

    [Fact]
    public void Figure2_NoAcknowledgementLeavesBeforeTheEntriesAreDurable()
    {
        Group group = Group.Led(3);
        group.HangDisk(2);
        group.HangDisk(3);
        LogIndex last = group.Propose(1).Index;
        Assert.True(group[1].Log.Commit < last);
        group.FreeDisk(3);
        Assert.Equal(last, group[1].Log.Commit);
    }

    [Fact]
    public void Section10_2_1_TheLeaderWritesInParallel_AndCountsItselfOnlyWhenDurable()
    {
        Group group = Group.Led(3);
        group.HangDisk(1);
        group.Isolate(3);
        LogIndex last = group.Propose(1).Index;
        Assert.Equal(last, group[2].Log.LastIndex);
        Assert.True(group[1].Log.Commit < last);
        group.Heal();
        group.Tick(10, 1);
        Assert.Equal(last, group[1].Log.Commit);
        Assert.True(group[1].Log.Stable < last);
    }

    [Fact]
    public void Section8_ANewLeaderCommitsANoOpFirst()
    {
        var group = new Group(3);
        group.Elect(1);
        Assert.Equal(EntryKind.NoOp, group[1].Log.Read(new LogIndex(1), new LogIndex(1), 1)[0].Kind);
        Assert.True(group[1].HasCommittedInTerm);
    }
}
