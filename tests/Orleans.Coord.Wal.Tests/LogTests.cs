using Orleans.Coord.Consensus;
using Orleans.Coord.Simulation;

namespace Orleans.Coord.Wal.Tests;

/// <summary>The log as the replica uses it: group commit, reading, replacing, trimming, restarting.</summary>
public sealed class LogTests
{
    private readonly Rig _rig = new Rig().Open();

    [Fact]
    public void A_new_log_is_empty()
    {
        Assert.Equal((1, 0), (_rig.Log.FirstIndex.Value, _rig.Log.LastIndex.Value));
        Assert.Equal(default, _rig.Log.HardState);
        Assert.Null(_rig.Directory.Snapshots.Latest);
        Assert.Equal((1, 0), (_rig.Reopen().Log.FirstIndex.Value, _rig.Log.LastIndex.Value));
    }

    [Fact]
    public void Everything_queued_shares_one_sync()
    {
        int syncs = 0;
        _rig.Disk.Fault = (name, _) => (name == "sync" ? ++syncs : 0) < 0 ? DiskError.Io : null;
        for (long index = 1; index <= 50; index++)
        {
            _rig.Append([Make.Entry(index)], index % 10 == 0 ? Make.HardState(index) : null);
        }

        _rig.Settle();
        Assert.Equal(1, syncs);
        Assert.Equal(50, _rig.Recorder.Token);
        Assert.Equal(Make.HardState(50), _rig.Log.HardState);
        _rig.Reopen(CrashKind.PowerLoss).AssertHolds(1, 50);
    }

    [Fact]
    public void Nothing_is_acknowledged_before_the_sync()
    {
        _rig.Append(Make.Entries(1, 5), Make.HardState(4));
        Assert.Equal(long.MinValue, _rig.Recorder.Token);
        Assert.Equal(default, _rig.Log.HardState);
        _rig.AssertHolds(1, 5);
        Assert.Equal(0, _rig.Reopen(CrashKind.PowerLoss).Log.LastIndex.Value);
    }

    [Fact]
    public void Hard_state_survives_the_segments_it_was_written_to()
    {
        _rig.Append([], Make.HardState(9, 3, 2));
        _rig.Settle().AppendEach(1, 300).Snapshot(295);
        string first = _rig.Segments[0];
        _rig.Log.TrimTo(new LogIndex(295));
        _rig.Settle();
        Assert.DoesNotContain(first, _rig.Segments);
        Assert.Equal(Make.HardState(9, 3, 2), _rig.Reopen(CrashKind.PowerLoss).Log.HardState);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(50)]
    [InlineData(51)]
    [InlineData(199)]
    public void A_replaced_suffix_is_gone_across_segments_and_restarts(long from)
    {
        _rig.AppendEach(1, 200);
        Assert.True(_rig.Segments.Length > 2);
        _rig.Append(Make.Entries(from, from + 3, term: 2));
        Entry[] expected = [.. Make.Entries(1, from - 1), .. Make.Entries(from, from + 3, term: 2)];
        Make.AssertEqual(expected, Make.ReadAll(_rig.Log));
        _rig.Settle();
        Make.AssertEqual(expected, Make.ReadAll(_rig.Log));
        Make.AssertEqual(expected, Make.ReadAll(_rig.Reopen().Log));
        _rig.Append(Make.Entries(from + 4, from + 90, term: 2));
        _rig.Settle();
        expected = [.. expected, .. Make.Entries(from + 4, from + 90, term: 2)];
        Make.AssertEqual(expected, Make.ReadAll(_rig.Reopen(CrashKind.PowerLoss).Log));
    }

    [Fact]
    public void An_entry_larger_than_a_segment_gets_one_of_its_own()
    {
        _rig.AppendEach(1, 3).AppendEach(4, 4, bytes: 300_000).AppendEach(5, 8);
        Entry[] expected = [.. Make.Entries(1, 3), Make.Entry(4, bytes: 300_000), .. Make.Entries(5, 8)];
        Make.AssertEqual(expected, Make.ReadAll(_rig.Log));
        Make.AssertEqual(expected, Make.ReadAll(_rig.Reopen(CrashKind.PowerLoss).Log));
    }

    [Fact]
    public void Reading_stops_at_the_size_asked_for_but_reads_one()
    {
        _rig.AppendEach(1, 100);
        List<Entry> entries = [];
        _rig.Log.Read(new LogIndex(40), new LogIndex(90), 1, entries);
        Make.AssertEqual(Make.Entries(40, 40), entries);
        _rig.Log.Read(new LogIndex(41), new LogIndex(90), 550, entries);
        Make.AssertEqual(Make.Entries(40, 46), entries);
        _rig.Append(Make.Entries(101, 110));
        entries.Clear();
        _rig.Log.Read(new LogIndex(98), new LogIndex(110), 500, entries);
        Make.AssertEqual(Make.Entries(98, 102), entries);
    }

    [Fact]
    public void Any_range_is_read_across_extents_and_segments()
    {
        _rig.Options = _rig.Options with { SegmentBytes = 512 << 10, QuickSegmentBytes = 512 << 10 };
        _rig.Reopen();
        for (long index = 1; index <= 2000; index += 10)
        {
            _rig.Append(Make.Entries(index, index + 9, bytes: 700));
            _rig.Settle();
        }

        foreach ((long from, long to) in new[] { (1L, 1L), (95, 130), (700, 1500), (1999, 2000), (1, 2000) })
        {
            List<Entry> entries = [];
            _rig.Log.Read(new LogIndex(from), new LogIndex(to), int.MaxValue, entries);
            Make.AssertEqual(Make.Entries(from, to, bytes: 700), entries);
        }
    }

    [Fact]
    public void Trimming_removes_whole_segments_but_never_the_newest()
    {
        _rig.AppendEach(1, 200).Snapshot(200);
        _rig.Log.TrimTo(new LogIndex(10));
        _rig.Settle().AssertHolds(1, 200);
        int before = _rig.Segments.Length;
        _rig.Log.TrimTo(new LogIndex(200));
        _rig.Settle();
        Assert.True(_rig.Segments.Length < before);
        _rig.AssertHolds(_rig.Log.FirstIndex.Value, 200);
        long first = _rig.Log.FirstIndex.Value;
        _rig.Reopen(CrashKind.PowerLoss).AssertHolds(first, 200);
        _rig.AppendEach(201, 210);
    }

    [Fact]
    public void The_next_full_segment_is_made_ahead_in_the_background()
    {
        _rig.AppendEach(1, 25);
        Assert.Contains("/data/spare.tmp", _rig.Disk.Files);
        _rig.AppendEach(26, 40);
        Assert.Equal(_rig.Options.SegmentBytes, _rig.Disk.LengthOf(_rig.Segments[^1]));
        Assert.DoesNotContain("/data/spare.tmp", _rig.Disk.Files);
    }

    [Fact]
    public void Misuse_is_an_invariant_not_a_damaged_log()
    {
        _rig.AppendEach(1, 3);
        Assert.Throws<InvariantException>(() => _rig.Log.Append([Make.Entry(5)], null, 100));
        Assert.Throws<InvariantException>(() => _rig.Log.Append([Make.Entry(4), Make.Entry(6)], null, 101));
        Assert.Throws<InvariantException>(() => _rig.Log.Append([], null, 1));
        Assert.Throws<InvariantException>(() => _rig.Log.Read(new LogIndex(3), new LogIndex(4), 1, []));
        Assert.Throws<InvariantException>(() => _rig.Log.Read(new LogIndex(0), new LogIndex(1), 1, []));
    }
}
