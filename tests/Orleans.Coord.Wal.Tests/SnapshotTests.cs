using Orleans.Coord.Consensus;
using Orleans.Coord.Replication;

namespace Orleans.Coord.Wal.Tests;

/// <summary>Snapshots: written aside, kept in number, checked, and what happens without them.</summary>
public sealed class SnapshotTests
{
    private readonly Rig _rig = new Rig().Open();

    [Fact]
    public void The_newest_two_are_kept_and_the_log_reaches_back_to_the_older()
    {
        _rig.AppendEach(1, 100).Snapshot(90).AppendEach(101, 200).Snapshot(190).AppendEach(201, 300).Snapshot(290);
        _rig.Log.TrimTo(new LogIndex(290));
        _rig.Settle();
        Assert.Equal(2, _rig.SnapshotFiles.Length);
        Assert.Contains("0190-", _rig.SnapshotFiles[0]);
        Assert.InRange(_rig.Log.FirstIndex.Value, 100, 191);
        Assert.Equal(290, _rig.Reopen().Directory.Snapshots.Latest!.Index.Value);
    }

    [Fact]
    public void One_begun_while_another_is_unfinished_waits_for_it_to_be_committed_or_given_up()
    {
        _rig.AppendEach(1, 100);
        ISnapshotWriter own = _rig.Directory.Snapshots.Create(Make.Metadata(50));
        own.Write(new byte[100]);
        ISnapshotWriter givenUp = _rig.Directory.Snapshots.Create(Make.Metadata(60));
        givenUp.Write(new byte[100]);
        ISnapshotWriter last = _rig.Directory.Snapshots.Create(Make.Metadata(70));
        last.Write(new byte[100]);
        last.Commit();
        _rig.Settle();
        Assert.Empty(_rig.SnapshotFiles);
        own.Commit();
        givenUp.Abort();
        _rig.Settle();
        Assert.Equal([50L, 70L], _rig.Recorder.Snapshots.Select(snapshot => snapshot.Index.Value));
        Assert.Equal(70, _rig.Reopen().Directory.Snapshots.Latest!.Index.Value);
    }

    [Fact]
    public void A_damaged_newest_snapshot_is_passed_over_for_the_one_before()
    {
        _rig.AppendEach(1, 100).Snapshot(90).AppendEach(101, 200).Snapshot(190);
        _rig.Log.TrimTo(new LogIndex(190));
        _rig.Settle();
        _rig.Disk.FlipBit(_rig.SnapshotFiles[1], 1500, 0);
        _rig.Reopen();
        Assert.Equal(90, _rig.Directory.Snapshots.Latest!.Index.Value);
        Assert.InRange(_rig.Log.FirstIndex.Value, 1, 91);
        Assert.Equal(200, _rig.Log.LastIndex.Value);
        Assert.Contains("0190-", Assert.Single(_rig.Directory.Notes));
    }

    [Theory]
    [InlineData(5)]
    [InlineData(41)]
    [InlineData(60)]
    [InlineData(2000)]
    public void A_damaged_snapshot_without_which_the_log_is_not_whole_is_refused(long offset)
    {
        TrimBehindOneSnapshot();
        _rig.Disk.FlipBit(_rig.SnapshotFiles[0], offset, 0);
        Assert.Contains(_rig.SnapshotFiles[0] + " is damaged", _rig.Refused());
    }

    [Fact]
    public void A_snapshot_cut_short_is_refused()
    {
        TrimBehindOneSnapshot();
        using (IDiskFile file = _rig.Disk.Open(_rig.SnapshotFiles[0]))
        {
            file.Truncate(file.Length - 40);
        }

        Assert.Contains(_rig.SnapshotFiles[0] + " is damaged", _rig.Refused());
    }

    [Fact]
    public void A_missing_snapshot_is_refused_if_the_log_starts_later()
    {
        TrimBehindOneSnapshot();
        long first = _rig.Log.FirstIndex.Value;
        _rig.Disk.Delete(_rig.SnapshotFiles[0]);
        string message = _rig.Refused();
        Assert.Contains("/data/snapshot-*.snap is missing", message);
        Assert.Contains($"a snapshot of entry {first - 1} or a later one is needed", message);
    }

    [Fact]
    public void A_missing_snapshot_does_no_harm_while_the_log_is_whole()
    {
        _rig.AppendEach(1, 20).Snapshot(15);
        _rig.Disk.Delete(_rig.SnapshotFiles[0]);
        _rig.Reopen().AssertHolds(1, 20);
        Assert.Null(_rig.Directory.Snapshots.Latest);
    }

    [Fact]
    public void The_log_is_never_trimmed_without_a_durable_snapshot()
    {
        _rig.AppendEach(1, 200).Log.TrimTo(new LogIndex(150));
        _rig.Settle().AssertHolds(1, 200);
    }

    [Fact]
    public void An_aborted_snapshot_leaves_nothing()
    {
        ISnapshotWriter writer = _rig.AppendEach(1, 5).Directory.Snapshots.Create(Make.Metadata(3));
        writer.Write(new byte[100]);
        _rig.Settle();
        writer.Abort();
        writer.Write(new byte[100]);
        _rig.Settle();
        Assert.Equal(0, writer.PendingBytes);
        Assert.DoesNotContain(_rig.Disk.Files, path => path.EndsWith(".tmp", StringComparison.Ordinal));
        Assert.Null(_rig.Directory.Snapshots.Latest);
        Assert.Equal(3, _rig.Snapshot(3).Directory.Snapshots.Latest!.Index.Value);
    }

    [Fact]
    public void Pending_bytes_count_what_is_not_written_yet()
    {
        ISnapshotWriter writer = _rig.Directory.Snapshots.Create(Make.Metadata(3));
        writer.Write(new byte[100]);
        writer.Write(new byte[50]);
        Assert.InRange(writer.PendingBytes, 150, 200);
        _rig.Settle();
        Assert.Equal(0, writer.PendingBytes);
    }

    [Fact]
    public void A_reset_restarts_the_log_after_an_installed_snapshot()
    {
        _rig.AppendEach(1, 50).Snapshot(80, 4);
        _rig.Reset(80, 4);
        Assert.Equal((81, 80), (_rig.Log.FirstIndex.Value, _rig.Log.LastIndex.Value));
        _rig.Append(Make.Entries(81, 85, 4));
        Make.AssertEqual(Make.Entries(81, 85, 4), Make.ReadAll(_rig.Log));
        _rig.Settle().Reopen();
        Assert.Equal(81, _rig.Log.FirstIndex.Value);
        Make.AssertEqual(Make.Entries(81, 85, 4), Make.ReadAll(_rig.Log));
    }

    [Fact]
    public void A_crash_between_installed_snapshot_and_reset_is_made_up_for_at_opening()
    {
        _rig.AppendEach(1, 50).Snapshot(40, 7).Reopen();
        Assert.Equal((41, 40), (_rig.Log.FirstIndex.Value, _rig.Log.LastIndex.Value));
        _rig.Append(Make.Entries(41, 42, 7));
        _rig.Settle().Reopen();
        Make.AssertEqual(Make.Entries(41, 42, 7), Make.ReadAll(_rig.Log));
    }

    private void TrimBehindOneSnapshot()
    {
        _rig.AppendEach(1, 200).Snapshot(190);
        _rig.Log.TrimTo(new LogIndex(190));
        _rig.Settle();
        Assert.True(_rig.Log.FirstIndex.Value > 1);
    }
}
