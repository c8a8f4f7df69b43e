namespace Orleans.Coord.Consensus.Tests;

/// <summary>
/// The contract of <see cref="Ready"/>: what is said once, what waits, what is never written for nothing.
/// </summary>
public sealed class ReadyTests
{
    [Fact]
    public void WithNothingToDoItIsEmpty()
    {
        Group group = Group.Led(3);
        Ready ready = group[2].TakeReady();
        Assert.Equal((0L, 0, 0), (ready.Token, ready.Entries.Length, ready.Messages.Length));
        Assert.True(ready.Committed.IsEmpty);
        Assert.Equal(0, ready.Committed.Count);
        Assert.Null(ready.HardState);
        Assert.Null(ready.SoftState);
        Assert.Null(ready.Reset);
        Assert.Equal(0, ready.ReadStates.Length + ready.SnapshotReads.Length + ready.SnapshotChunks.Length);
    }

    [Fact]
    public void ACommitAloneIsNotWorthAWrite()
    {
        Group group = Group.Led(3);
        LogIndex last = group[2].Log.LastIndex.Next;
        group.Loses = message => message is Append { Entries.Length: 0 };
        group.Propose(1);
        group[2].Step(new Heartbeat(Group.Id(1), Group.Id(2), new Term(1), last, 0));
        Ready ready = group[2].TakeReady();
        Assert.Equal(new IndexRange(last, last), ready.Committed);
        Assert.Equal(0, ready.Token);
    }

    [Fact]
    public void AHigherTermIsWritten_Once()
    {
        Group group = Group.Led(3);
        group[2].Step(new Heartbeat(Group.Id(3), Group.Id(2), new Term(4), default, 0));
        Ready first = group[2].TakeReady();
        Assert.Equal((new Term(4), ReplicaId.None), (first.HardState!.Value.Term, first.HardState.Value.Vote));
        Assert.Equal(new SoftState(RaftRole.Follower, Group.Id(3), new Term(4)), first.SoftState);
        Ready second = group[2].TakeReady();
        Assert.Null(second.HardState);
        Assert.Null(second.SoftState);
    }

    [Fact]
    public void TokensRise_AndNameOnlyWhatIsToBeWritten()
    {
        Group group = Group.Led(1);
        long previous = 0;
        for (int i = 0; i < 5; i++)
        {
            group[1].Propose(new byte[1]);
            long token = group[1].TakeReady().Token;
            Assert.True(token > previous);
            previous = token;
            Assert.Equal(0, group[1].TakeReady().Token);
        }
    }

    [Fact]
    public void EachEntryIsHandedOutOnceToBeWritten_AndOnceToBeApplied()
    {
        Group group = Group.Led(1);
        var written = new List<LogIndex>();
        var applied = new List<LogIndex>();
        LogIndex first = group[1].Log.LastIndex.Next;
        for (int i = 0; i < 20; i++)
        {
            group[1].Propose(new byte[1]);
            Ready ready = group[1].TakeReady();
            written.AddRange(ready.Entries.ToArray().Select(entry => entry.Index));
            for (LogIndex at = ready.Committed.First; at <= ready.Committed.Last; at = at.Next)
            {
                applied.Add(at);
            }

            if (i % 3 == 0)
            {
                group[1].Persisted(ready.Token);
            }
        }

        Assert.Equal(Enumerable.Range(0, 20).Select(i => first + i), written);
        Assert.Equal(Enumerable.Range(0, applied.Count).Select(i => first + i), applied);
        Assert.True(applied.Count >= 18);
    }

    [Fact]
    public void PromisesAreCounted_NotShown()
    {
        var group = new Group(3);
        group[2].Step(new RequestVote(Group.Id(1), Group.Id(2), new Term(1), default, default, false));
        Ready ready = group[2].TakeReady();
        Assert.Equal((0, 1), (ready.Messages.Length, ready.PromisedMessages));
        group[2].Persisted(ready.Token);
        Ready next = group[2].TakeReady();
        Assert.IsType<RequestVoteResponse>(Assert.Single(next.Messages.ToArray()));
        Assert.Equal(0, next.PromisedMessages);
    }

    [Fact]
    public void APromiseOfAPassedTermIsDropped()
    {
        var group = new Group(3);
        group[2].Step(new RequestVote(Group.Id(1), Group.Id(2), new Term(1), default, default, false));
        long token = group[2].TakeReady().Token;
        group[2].Step(new Heartbeat(Group.Id(3), Group.Id(2), new Term(2), default, 0));
        group[2].Persisted(token);
        Assert.DoesNotContain(group[2].TakeReady().Messages.ToArray(), message => message is RequestVoteResponse);
    }

    [Fact]
    public void ACandidateAsksForVotesOnlyWhenItsOwnIsDurable()
    {
        var group = new Group(3);
        group[1].Step(new TimeoutNow(Group.Id(2), Group.Id(1), default));
        Ready ready = group[1].TakeReady();
        Assert.Equal(0, ready.Messages.Length);
        Assert.Equal(new HardState(new Term(1), Group.Id(1), default), ready.HardState);
        group[1].Persisted(ready.Token);
        Assert.Equal(2, group[1].TakeReady().Messages.ToArray().Count(message => message is RequestVote));
    }

    [Fact]
    public void WhatWasNotHandedOutCannotBeApplied()
    {
        Group group = Group.Led(1);
        LogIndex last = group.Propose(1).Index;
        Assert.Throws<InvariantException>(() => group[1].Applied(last.Next));
    }

    [Fact]
    public void ATokenNeverGivenIsABug() =>
        Assert.Throws<InvariantException>(() => Group.Led(1)[1].Persisted(999));

    [Fact]
    public void AMessageForAnotherMemberIsABug() =>
        Assert.Throws<InvariantException>(
            () => Group.Led(3)[1].Step(new TimeoutNow(Group.Id(3), Group.Id(2), new Term(1))));

    [Fact]
    public void OptionsThatMakeNoSenseAreRefused()
    {
        var tooFast = new RaftOptions { ElectionTicks = 2, HeartbeatTicks = 2 };
        Assert.Throws<InvariantException>(() => new Group(1, options: tooFast));
        Assert.Throws<InvariantException>(() => new Group(1, options: new RaftOptions { MaxAppendBytes = 0 }));
        Assert.Throws<InvariantException>(() => new Group(1, options: new RaftOptions { MaxInflightMessages = 0 }));
    }

    [Fact]
    public void ASnapshotBeyondWhatIsAppliedIsABug()
    {
        Group group = Group.Led(1);
        var snapshot = new SnapshotMetadata(group[1].Log.LastIndex.Next, new Term(1), Group.Config([1]).Encode());
        Assert.Throws<InvariantException>(() => group[1].SnapshotTaken(snapshot));
        Assert.Throws<InvariantException>(() => group[1].Compact(group[1].Log.LastIndex));
    }

    [Fact]
    public void AnImportedSnapshotResetsTheStore_AndTheLogGoesOnAboveIt()
    {
        var start = new RaftStart
        {
            Id = Group.Id(1),
            Snapshot = new SnapshotMetadata(new LogIndex(5000), new Term(1), Group.Config([1]).Encode()),
            ReadEntries = (_, _, _, _) => throw new InvalidOperationException(),
        };
        var node = new RaftNode(start, new RaftOptions(), new SplitMix64(1));
        Ready ready = node.TakeReady();
        Assert.Equal(new LogReset(new LogIndex(5000), new Term(1), ready.Token - 1), ready.Reset);
        node.Persisted(ready.Token);
        Assert.Equal((RaftRole.Leader, new Term(2)), (node.Role, node.Term));
        Assert.Equal(new LogIndex(5001), node.TakeReady().Entries[0].Index);
    }
}
