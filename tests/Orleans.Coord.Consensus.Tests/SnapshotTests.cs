namespace Orleans.Coord.Consensus.Tests;

/// <summary>Snapshots (Raft paper, section 7): taken, sent in pieces, resumed, installed, survived.</summary>
public sealed class SnapshotTests
{
    private static readonly RaftOptions SmallChunks = new() { SnapshotChunkBytes = 10 };

    [Fact]
    public void AFollowerThatNeedsForgottenEntriesGetsTheSnapshot()
    {
        Group group = BehindBy20();
        group.Heal();
        group.Tick(10, 1);
        Assert.Equal(group.Member(1).Machine.Digest, group.Member(3).Machine.Digest);
        Assert.Equal(group.Member(1).Store.Snapshot.Index, group.Member(3).Store.Snapshot.Index);
        Assert.Equal(7, group.Member(3).ChunksReceived);
    }

    [Fact]
    public void ReplicationGoesOnWhereTheSnapshotEnds()
    {
        Group group = BehindBy20();
        group.Propose(1, "after");
        group.Heal();
        group.Tick(10, 1);
        LogIndex last = group.Propose(1, "last").Index;
        Assert.Equal(last, group.Member(3).Machine.Index);
    }

    [Fact]
    public void ALostPieceIsSentAgain_AndTheRestIsNotRepeated()
    {
        Group group = BehindBy20();
        bool lost = false;
        group.Loses = message => message is InstallSnapshot { Offset: 30 } && !lost && (lost = true);
        group.Heal();
        group.Tick(30, 1);
        Assert.Equal(group.Member(1).Machine.Digest, group.Member(3).Machine.Digest);
        Assert.Equal(7, group.Member(3).ChunksReceived);
        Assert.Equal(8, group.Sent.OfType<InstallSnapshot>().Count());
    }

    [Fact]
    public void ALostAnswerDoesNotRepeatThePiece()
    {
        Group group = BehindBy20();
        bool lost = false;
        group.Loses = message => message is InstallSnapshotResponse { NextOffset: 40 } && !lost && (lost = true);
        group.Heal();
        group.Tick(30, 1);
        Assert.Equal(group.Member(1).Machine.Digest, group.Member(3).Machine.Digest);
        Assert.Equal(7, group.Member(3).ChunksReceived);
    }

    [Fact]
    public void RepeatedPiecesAreIgnored()
    {
        Group group = BehindBy20();
        group.Heal();
        group.Loses = message => message is InstallSnapshot { Offset: 20 };
        group.Tick(4, 1);
        foreach (InstallSnapshot piece in group.Sent.OfType<InstallSnapshot>().ToArray())
        {
            group[3].Step(piece with { });
            group[3].Step(piece with { });
            group.Settle();
        }

        group.Loses = _ => false;
        group.Tick(30, 1);
        Assert.Equal(group.Member(1).Machine.Digest, group.Member(3).Machine.Digest);
    }

    [Fact]
    public void AReceiverThatRestartsBeginsAgain()
    {
        Group group = BehindBy20();
        group.Heal();
        group.Loses = message => message is InstallSnapshot { Offset: 40 };
        group.Tick(4, 1);
        group.Restart(3);
        group.Loses = _ => false;
        group.Tick(40, 1);
        Assert.Equal(group.Member(1).Machine.Digest, group.Member(3).Machine.Digest);
        Assert.Equal(4 + 7, group.Member(3).ChunksReceived);
    }

    [Fact]
    public void ANewLeaderSendsItsOwnSnapshotFromTheStart()
    {
        Group group = BehindBy20();
        group.Member(2).TakeSnapshot();
        group.Heal();
        group.Loses = message => message is InstallSnapshot { Offset: 40, From.Value: 1 };
        group.Tick(4, 1);
        group.Elect(2);
        group.Tick(20, 2);
        Assert.Equal(group.Member(2).Machine.Digest, group.Member(3).Machine.Digest);
        Assert.Equal(4 + 7, group.Member(3).ChunksReceived);
    }

    [Fact]
    public void ANewerSnapshotReplacesOneThatIsGone()
    {
        Group group = BehindBy20();
        group.Heal();
        group.Loses = message => message is InstallSnapshot { Offset: 40 };
        group.Tick(4, 1);
        group.Propose(1, "more");
        group.Member(1).TakeSnapshot();
        group.Loses = _ => false;
        group.Tick(40, 1);
        Assert.Equal(group[1].Log.BaseIndex, group[3].Log.BaseIndex);
        Assert.Equal(group.Member(1).Machine.Digest, group.Member(3).Machine.Digest);
    }

    [Fact]
    public void NoAnswerBeforeTheSnapshotIsDurable()
    {
        Group group = BehindBy20();
        group.HangDisk(3);
        group.Heal();
        group.Tick(6, 1);
        Assert.NotNull(group.Member(3).PendingSnapshot);
        Assert.DoesNotContain(
            group.Sent, m => m is AppendResponse { Success: true, From.Value: 3 } r && r.Index > new LogIndex(1));
        group.FreeDisk(3);
        group.Tick(6, 1);
        Assert.Equal(group.Member(1).Machine.Digest, group.Member(3).Machine.Digest);
    }

    [Fact]
    public void ACrashAfterTheSnapshotIsDurableAndBeforeTheLogIsReset_RestartsFromTheSnapshot()
    {
        Group group = BehindBy20();
        group.HangDisk(3);
        group.Heal();
        group.Tick(6, 1);
        group.Member(3).CompleteSnapshot();
        group.Restart(3);
        LogIndex index = group.Member(3).Store.Snapshot.Index;
        Assert.Equal((index, index), (group[3].Log.BaseIndex, group[3].Log.LastIndex));
        group.FreeDisk(3);
        group.Tick(10, 1);
        Assert.Equal(index, group.Member(3).Store.LastIndex - (group[3].Log.LastIndex - index));
        Assert.Equal(group.Member(1).Machine.Digest, group.Member(3).Machine.Digest);
    }

    [Fact]
    public void ASnapshotOfWhatTheLogAlreadyHasOnlyCommits()
    {
        Group group = Group.Led(3);
        LogIndex last = group[2].Log.LastIndex.Next;
        group.Loses = message => message is Append { Entries.Length: 0 } or Heartbeat;
        group.Propose(1);
        Assert.True(group[2].Log.Commit < last);
        var metadata = new SnapshotMetadata(last, new Term(1), Group.Config([1, 2, 3]).Encode());
        group[2].Step(new InstallSnapshot(Group.Id(1), Group.Id(2), new Term(1), metadata, 0, new byte[5], false));
        group.Settle();
        Assert.Equal(last, group[2].Log.Commit);
        Assert.Equal(0, group.Member(2).ChunksReceived);
    }

    [Fact]
    public void AnInstallThatComesTooLateIsDeclined()
    {
        Group group = Group.Led(3);
        var old = new SnapshotMetadata(new LogIndex(1), new Term(1), Group.Config([1, 2, 3]).Encode());
        Assert.False(group[2].SnapshotInstalled(old));
    }

    [Fact]
    public void AnAbortedInstallBeginsAgain()
    {
        Group group = BehindBy20();
        group.Heal();
        group.Loses = message => message is InstallSnapshot { Offset: 40 };
        group.Tick(4, 1);
        group[3].SnapshotAborted();
        group.Loses = _ => false;
        group.Tick(40, 1);
        Assert.Equal(group.Member(1).Machine.Digest, group.Member(3).Machine.Digest);
    }

    [Fact]
    public void TheConfigurationComesWithTheSnapshot()
    {
        Group group = Group.Led(3, 1, SmallChunks);
        group.Propose(1);
        group[1].ProposeConfiguration(Group.Config([1, 2, 3], 4));
        group.Member(4).Crash();
        group.Settle();
        group.Member(1).TakeSnapshot();
        group.Member(4).Start(4);
        group.Tick(30, 1);
        Assert.Equal(Group.Config([1, 2, 3], 4), group[4].Configuration);
        Assert.Equal(group.Member(1).Machine.Digest, group.Member(4).Machine.Digest);
    }

    [Fact]
    public void ARestartFromSnapshotAndLogReplaysOnlyTheRest()
    {
        Group group = Group.Led(1);
        for (int i = 0; i < 10; i++)
        {
            group.Propose(1, $"{i}");
        }

        group.Member(1).TakeSnapshot(keep: 4);
        group.Propose(1, "after");
        ulong digest = group.Member(1).Machine.Digest;
        group.Member(1).Crash();
        group.Member(1).Start(5);
        Assert.Equal(new LogIndex(11), group.Member(1).Machine.Index);
        group.Settle();
        Assert.NotEqual(digest, group.Member(1).Machine.Digest);
        Assert.Equal(new LogIndex(13), group.Member(1).Machine.Index);
    }

    [Fact]
    public void EntriesKeptBelowTheSnapshotStillServeFollowersAfterARestart()
    {
        Group group = Group.Led(2);
        group.Isolate(2);
        group[1].ProposeConfiguration(Group.Config([1, 2]));
        group.Heal();
        for (int i = 0; i < 10; i++)
        {
            group.Propose(1, $"{i}");
        }

        group.Member(1).TakeSnapshot(keep: 6);
        group.Restart(1);
        Assert.Equal(group.Member(1).Store.FirstIndex, group[1].Log.BaseIndex);
        Assert.True(group[1].Log.BaseIndex < group.Member(1).Store.Snapshot.Index);
        group.Elect(1);
        Assert.Equal(group.Member(1).Machine.Digest, group.Member(2).Machine.Digest);
    }

    private static Group BehindBy20()
    {
        Group group = Group.Led(3, options: SmallChunks);
        group.Isolate(3);
        for (int i = 0; i < 20; i++)
        {
            group.Propose(1, $"{i}");
        }

        group.Member(1).TakeSnapshot();
        group.Sent.Clear();
        return group;
    }
}
