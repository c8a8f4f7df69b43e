using Orleans.Coord.Consensus;
using Orleans.Coord.Replication;
using Orleans.Coord.Simulation;

namespace Orleans.Coord.Wal.Tests;

/// <summary>The disk refuses: errors are final, want of space is not.</summary>
public sealed class FailureTests
{
    private readonly Rig _rig = new Rig().Open();

    [Theory]
    [InlineData("sync")]
    [InlineData("write")]
    public void A_failed_sync_or_write_is_final(string operation)
    {
        _rig.AppendEach(1, 5);
        _rig.Disk.Fault = (name, _) => name == operation ? DiskError.Io : null;
        _rig.Append([Make.Entry(6)]);
        _rig.Settle();
        Assert.Contains("nothing more is accepted", _rig.Recorder.Error!.Message);
        Assert.Contains(_rig.Segments[0], _rig.Recorder.Error.Message);

        // The disk is well again, but nobody can tell what it holds.
        _rig.Disk.Fault = null;
        _rig.Append([Make.Entry(7)]);
        _rig.Settle();
        Assert.Equal(5, _rig.Recorder.Token);
    }

    [Fact]
    public void What_a_failed_sync_left_in_the_cache_is_written_again_before_it_counts()
    {
        _rig.AppendEach(1, 5);
        _rig.Disk.Fault = (name, _) => name == "sync" ? DiskError.Io : null;
        _rig.Append([Make.Entry(6)]);
        _rig.Settle();
        _rig.Disk.Fault = null;

        // The restarted process sees entry 6 in pages that the kernel calls clean.
        _rig.Reopen(CrashKind.Kill).AssertHolds(1, 6);
        _rig.Reopen(CrashKind.PowerLoss).AssertHolds(1, 6);
    }

    [Fact]
    public void A_failed_sync_of_a_snapshot_is_final_too()
    {
        _rig.AppendEach(1, 5);
        _rig.Disk.Fault = (name, path) => name == "sync" && path.Contains("snapshot") ? DiskError.Io : null;
        _rig.Snapshot(4);
        Assert.NotNull(_rig.Recorder.Error);
        Assert.Empty(_rig.Recorder.Snapshots);
        _rig.Append([Make.Entry(6)]);
        _rig.Settle();
        Assert.Equal(5, _rig.Recorder.Token);
    }

    [Fact]
    public void A_read_error_says_which_file()
    {
        _rig.AppendEach(1, 5);
        _rig.Disk.Fault = (name, _) => name == "read" ? DiskError.Io : null;
        var error = Assert.Throws<StorageException>(
            () => _rig.Log.Read(new LogIndex(1), new LogIndex(5), 1000, []));
        Assert.Contains(_rig.Segments[0] + " cannot be read", error.Message);
    }

    [Fact]
    public void On_a_full_disk_appends_wait_and_go_on_once_there_is_space()
    {
        _rig.Disk.CapacityBytes = 40 << 10;
        long index = 0;
        while (_rig.Recorder.Token == index || index == 0)
        {
            _rig.Append([Make.Entry(++index, bytes: 400)]);
            _rig.Settle();
        }

        Assert.Equal([true], _rig.Recorder.Low);
        Assert.Null(_rig.Recorder.Error);
        _rig.Append([Make.Entry(index + 1, bytes: 400)]);
        _rig.Settle();
        Assert.Equal(index - 1, _rig.Recorder.Token);
        List<Entry> unwritten = [];
        _rig.Log.Read(new LogIndex(index), new LogIndex(index + 1), 1000, unwritten);
        Assert.Equal(2, unwritten.Count);

        _rig.Disk.CapacityBytes = 1 << 20;
        _rig.Directory.CheckSpace();
        _rig.Settle();
        Assert.Equal([true, false], _rig.Recorder.Low);
        Assert.Equal(index + 1, _rig.Recorder.Token);
        Make.AssertEqual(Make.Entries(1, index + 1, bytes: 400), Make.ReadAll(_rig.Reopen().Log));
    }

    [Fact]
    public void A_crash_on_a_full_disk_loses_nothing_acknowledged()
    {
        _rig.Disk.CapacityBytes = 40 << 10;
        long index = 0;
        while (_rig.Recorder.Token == index || index == 0)
        {
            _rig.Append([Make.Entry(++index)]);
            _rig.Settle();
        }

        _rig.Reopen(CrashKind.PowerLoss).AssertHolds(1, index - 1);
    }

    [Fact]
    public void Falling_below_the_reserve_is_reported_before_the_disk_is_full()
    {
        _rig.Options = _rig.Options with { ReserveBytes = 1 << 20 };
        _rig.Disk.CapacityBytes = 1 << 20;
        _rig.Reopen().Directory.CheckSpace();
        Assert.Equal([true], _rig.Recorder.Low);
        _rig.AppendEach(1, 5);
        _rig.Disk.CapacityBytes = 2 << 20;
        _rig.Directory.CheckSpace();
        _rig.Directory.CheckSpace();
        Assert.Equal([true, false], _rig.Recorder.Low);
    }

    [Fact]
    public void A_disk_without_room_for_another_snapshot_beside_the_reserve_is_reported_low()
    {
        _rig.Options = _rig.Options with { ReserveBytes = 1000 };
        _rig.Reopen().AppendEach(1, 5).Snapshot(4);
        long snapshot = _rig.Disk.LengthOf(Assert.Single(_rig.SnapshotFiles));
        Assert.True(snapshot > 4000);
        _rig.Disk.CapacityBytes = _rig.Disk.UsedBytes + 1000 + snapshot - 1;
        _rig.Directory.CheckSpace();
        Assert.Equal([true], _rig.Recorder.Low);
        _rig.Reopen().Directory.CheckSpace();
        Assert.Equal([true], _rig.Recorder.Low);
        _rig.Disk.CapacityBytes = _rig.Disk.UsedBytes + 1000 + snapshot;
        _rig.Directory.CheckSpace();
        Assert.Equal([true, false], _rig.Recorder.Low);
    }

    [Fact]
    public void A_snapshot_that_does_not_fit_is_given_up_and_the_log_goes_on()
    {
        _rig.AppendEach(1, 5);
        _rig.Disk.CapacityBytes = (16 << 10) + 2000;
        _rig.Snapshot(4);
        Assert.Equal(4, Assert.Single(_rig.Recorder.Aborted).Index.Value);
        Assert.Null(_rig.Recorder.Error);
        Assert.DoesNotContain(_rig.Disk.Files, path => path.EndsWith(".tmp", StringComparison.Ordinal));
        _rig.AppendEach(6, 8);
        _rig.Disk.CapacityBytes = 1 << 20;
        _rig.Snapshot(7);
        Assert.Equal(7, Assert.Single(_rig.Recorder.Snapshots).Index.Value);
    }

    [Fact]
    public void A_full_disk_at_first_start_is_a_sentence()
    {
        Rig rig = new();
        rig.Disk.CapacityBytes = 3000;
        Assert.Contains("The disk that holds the data directory /data is full", rig.Refused());
    }

    [Fact]
    public void A_trimmed_segment_becomes_the_next_spare()
    {
        _rig.Options = _rig.Options with { QuickSegmentBytes = _rig.Options.SegmentBytes };
        _rig.Disk.CapacityBytes = 150 << 10;
        for (int round = 0; round < 12; round++)
        {
            long next = _rig.Reopen().Log.LastIndex.Value + 1;
            _rig.AppendEach(next, next + 60).Snapshot(next + 60);
            _rig.Log.TrimTo(new LogIndex(next + 60));
            _rig.Settle();
        }

        Assert.Null(_rig.Recorder.Error);
        Assert.True(_rig.Segments.Length <= 2);
    }
}
