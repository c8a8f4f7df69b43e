namespace Orleans.Coord.Consensus.Tests;

/// <summary>How entries travel: pipelining, flow control, loss, and writes that overlap.</summary>
public sealed class ReplicationTests
{
    [Fact]
    public void OneTurnsProposalsLeaveAsOneAppendPerFollower()
    {
        Group group = Group.Led(3);
        group.Sent.Clear();
        for (int i = 0; i < 100; i++)
        {
            group.Member(1).Propose(new byte[10]);
        }

        group.Settle();
        Assert.Equal(2, group.Sent.OfType<Append>().Count(append => append.Entries.Length == 100));
    }

    [Fact]
    public void ALeaderSendsAheadWithoutWaitingForAnswers()
    {
        Group group = Group.Led(2);
        group.Loses = message => message is AppendResponse;
        group.Sent.Clear();
        group.Propose(1);
        group.Propose(1);
        group.Propose(1);
        Assert.Equal(3, group.Sent.OfType<Append>().Count(append => !append.Entries.IsEmpty));
        group.Loses = _ => false;
        group.Tick(5, 1);
        Assert.Equal(group[1].Log.LastIndex, group[1].Log.Commit);
    }

    [Theory]
    [InlineData(3, long.MaxValue, 3)]
    [InlineData(100, 25, 3)]
    public void WhatIsUnderWayIsBounded_ByCountAndByBytes(int messages, long bytes, int expected)
    {
        var options = new RaftOptions { MaxInflightMessages = messages, MaxInflightBytes = bytes, MaxAppendBytes = 10 };
        Group group = Group.Led(2, options: options);
        group.HangDisk(2);
        group.Sent.Clear();
        for (int i = 0; i < 20; i++)
        {
            group.Member(1).Propose(new byte[10]);
        }

        group.Settle();
        Assert.Equal(expected, group.Sent.OfType<Append>().Count(append => !append.Entries.IsEmpty));

        group.FreeDisk(2);
        Assert.Equal(group[1].Log.LastIndex, group[1].Log.Commit);
    }

    [Fact]
    public void LostAppendsAreFoundByTheNextHeartbeat()
    {
        Group group = Group.Led(3);
        group.Loses = message => message is Append;
        LogIndex last = group.Propose(1).Index;
        group.Loses = _ => false;
        Assert.True(group[1].Log.Commit < last);
        group.Tick(4, 1);
        Assert.Equal(last, group[1].Log.Commit);
        Assert.Equal(last, group.Member(3).Machine.Index);
    }

    [Fact]
    public void RepeatedAndLateAppendsChangeNothing()
    {
        Group group = Group.Led(3);
        for (int i = 0; i < 10; i++)
        {
            group.Propose(1, $"{i}");
        }

        ulong digest = group.Member(2).Machine.Digest;
        foreach (Append append in group.Sent.OfType<Append>().Where(m => m.To == Group.Id(2)).Reverse().ToArray())
        {
            group[2].Step(append);
            group.Settle();
        }

        Assert.Equal(new LogIndex(11), group[2].Log.LastIndex);
        Assert.Equal(digest, group.Member(2).Machine.Digest);
    }

    [Fact]
    public void ReorderedAppendsEndInTheSameLog()
    {
        Group group = Group.Led(2, options: new RaftOptions { MaxAppendBytes = 1 });
        List<Append> kept = [];
        group.Loses = message => message is Append append && Keep(kept, append);
        for (int i = 0; i < 5; i++)
        {
            group.Propose(1, $"{i}");
        }

        group.Loses = _ => false;
        kept.Reverse();
        kept.ForEach(group[2].Step);
        group.Tick(10, 1);
        Assert.Equal(group.Member(1).Machine.Digest, group.Member(2).Machine.Digest);
        Assert.Equal(new LogIndex(6), group[1].Log.Commit);
    }

    [Fact]
    public void AcknowledgementsOfOneTurnAreOne()
    {
        Group group = Group.Led(2, options: new RaftOptions { MaxAppendBytes = 1 });
        group.Sent.Clear();
        for (int i = 0; i < 10; i++)
        {
            group.Member(1).Propose(new byte[1]);
        }

        group.Settle();
        Assert.Equal(10, group.Sent.OfType<Append>().Count(append => !append.Entries.IsEmpty));
        Assert.True(group.Sent.OfType<AppendResponse>().Count() <= 3);
    }

    [Fact]
    public void OverwrittenEntries_AnEarlierWriteDoesNotVouchForTheLaterOnes()
    {
        Group group = Group.Led(3);
        group.HangDisk(2);
        LogIndex first = group[2].Log.LastIndex.Next;
        group[2].Step(Entries(1, 1, first, 4));
        group.Settle();
        group[2].Step(Entries(3, 2, first, 2));
        group.Settle();
        Assert.Equal(2, group.Member(2).Store.PendingWrites);

        group.Member(2).CompleteWrite();
        Assert.Equal(first - 1, group[2].Log.Stable);
        group.Member(2).CompleteWrite();
        Assert.Equal(first.Next, group[2].Log.Stable);
    }

    [Fact]
    public void OverwrittenEntries_ThePromiseToTheOldLeaderIsDropped()
    {
        Group group = Group.Led(3);
        group.HangDisk(2);
        LogIndex first = group[2].Log.LastIndex.Next;
        group[2].Step(Entries(1, 1, first, 4));
        group.Settle();
        group[2].Step(Entries(3, 2, first, 2));
        group.Sent.Clear();
        group.FreeDisk(2);
        AppendResponse answer = Assert.Single(group.Sent.OfType<AppendResponse>(), m => m.From == Group.Id(2));
        Assert.Equal((Group.Id(3), new Term(2), first.Next), (answer.To, answer.Term, answer.Index));
    }

    [Fact]
    public void ACrashKeepsOnlyWhatWasDurable()
    {
        Group group = Group.Led(3);
        group.HangDisk(1);
        group.Loses = message => message is Append;
        LogIndex lost = group.Propose(1, "lost").Index;
        group.Restart(1);
        Assert.Equal(lost - 1, group[1].Log.LastIndex);
    }

    [Fact]
    public void AFollowerFarBehindIsServedFromTheStore()
    {
        Group group = Group.Led(3, options: new RaftOptions { MaxWindowBytes = 0, MaxAppendBytes = 100 });
        group.Isolate(3);
        for (int i = 0; i < 50; i++)
        {
            group.Propose(1, $"entry {i}");
        }

        Assert.Equal(0, group[1].Log.WindowBytes);
        group.Heal();
        group.Tick(10, 1);
        Assert.Equal(group.Member(1).Machine.Digest, group.Member(3).Machine.Digest);
    }

    [Fact]
    public void TheWindowKeepsToItsBound()
    {
        Group group = Group.Led(3, options: new RaftOptions { MaxWindowBytes = 1000 });
        for (int i = 0; i < 200; i++)
        {
            group.Propose(1, "twenty bytes of text");
            Assert.True(group[1].Log.WindowBytes <= 1200);
        }

        Assert.True(group[1].Log.WindowFirst > new LogIndex(100));
    }

    [Fact]
    public void ACommitTravelsWithoutWaitingForAHeartbeat()
    {
        Group group = Group.Led(3);
        LogIndex last = group.Propose(1).Index;
        Assert.Equal(last, group[2].Log.Commit);
        Assert.Equal(last, group[3].Log.Commit);
    }

    [Fact]
    public void TheCommitHintNeverNamesAnEntryOfItsOwnWrite()
    {
        Group group = Group.Led(3);
        for (int i = 0; i < 5; i++)
        {
            group.Propose(1);
            Assert.True(group.Member(2).Store.HardState.Commit < group[2].Log.LastIndex);
        }

        group.Restart(2);
        group.Settle();
        Assert.True(group.Member(2).Machine.Index >= new LogIndex(4));
    }

    [Fact]
    public void Figure8_AnEntryOfAnEarlierTermOnAMajorityIsNotCommitted_AndMayBeReplaced()
    {
        Group group = Figure8(RaftFaults.None);
        LogIndex two = new(2);
        Assert.Equal(two, group[3].Log.LastIndex);
        Assert.True(group[1].Log.Commit < two);

        ElectFive(group);

        Assert.Equal(new Term(2), group[3].Log.Read(two, two, 100)[0].Term);
        Assert.Equal("from 5"u8.ToArray(), group[3].Log.Read(two.Next, two.Next, 100)[0].Payload.ToArray());
    }

    [Fact]
    public void Figure8_CommittingByCountingCopiesOfAnEarlierTermIsCaught()
    {
        Group group = Figure8(RaftFaults.CommitOldTerm);
        Assert.Equal(new LogIndex(2), group[1].Log.Commit);
        var violation = Assert.Throws<Sim.SafetyViolationException>(() => ElectFive(group));
        Assert.StartsWith("leader completeness", violation.Message, StringComparison.Ordinal);
    }

    /// <summary>Up to (c) of the figure: member 1 leads again and has copied its old entry 2 to a majority.</summary>
    private static Group Figure8(RaftFaults faults)
    {
        var group = new Group(5, options: new RaftOptions { MaxAppendBytes = 1 }, faults: faults);
        group.Elect(1);
        group.Isolate(3);
        group.Isolate(4);
        group.Isolate(5);
        group.Propose(1, "from 1");
        group.Member(1).Crash();
        group.Heal();
        group.Isolate(2);
        group.Loses = message => message is Append;
        group.Elect(5);
        group.Propose(5, "from 5");
        group.Member(5).Crash();
        group.Heal();
        group.Isolate(4);
        group.Member(1).Start(9);
        group[1].Step(new RequestVoteResponse(Group.Id(3), Group.Id(1), new Term(2), false));
        group.LoseSuccessfulAppendsOf(new Term(3), but: 2);
        return group.Elect(1);
    }

    /// <summary>
    /// (d) of the figure: member 1 is gone, member 5 is back, and its log is more up to date than theirs.
    /// </summary>
    private static void ElectFive(Group group)
    {
        group.Member(1).Crash();
        group.Heal();
        group.Loses = _ => false;
        group.Member(5).Start(10);
        group[5].Step(new RequestVoteResponse(Group.Id(3), Group.Id(5), new Term(3), false));
        group.Elect(5);
    }

    private static bool Keep(List<Append> kept, Append append)
    {
        kept.Add(append);
        return true;
    }

    private static Append Entries(int leader, long term, LogIndex first, int count)
    {
        Entry[] entries = [.. Enumerable.Range(0, count).Select(
            i => new Entry(first + i, new Term(term), EntryKind.Command, new byte[] { 1 }))];
        return new Append(Group.Id(leader), Group.Id(2), new Term(term), first - 1, new Term(1), default, entries);
    }
}
