using Orleans.Coord.Consensus;
using Orleans.Coord.Simulation;

namespace Orleans.Coord.Wal.Tests;

/// <summary>Where entries are found: extents, replaced suffixes, trimming, reset.</summary>
public sealed class LogMapTests
{
    private readonly SimDisk _disk = new(1);
    private readonly LogMap _map = new();

    [Fact]
    public void An_empty_map_starts_after_its_first_segments_previous_index()
    {
        Segment(1, previous: 41);
        Assert.Equal((42, 41), (_map.FirstIndex.Value, _map.LastIndex.Value));
    }

    [Fact]
    public void Batches_close_together_share_an_extent_and_distant_ones_do_not()
    {
        Segment segment = Segment(1);
        Batch(segment, 512, 1, 10);
        Batch(segment, 5000, 11, 20);
        Batch(segment, 70_000, 21, 30);
        AssertFound(5, segment, 512, 20);
        AssertFound(15, segment, 512, 20);
        AssertFound(21, segment, 70_000, 30);
    }

    [Fact]
    public void A_replaced_suffix_is_found_where_it_was_written_last()
    {
        Segment segment = Segment(1);
        Batch(segment, 512, 1, 10);
        Batch(segment, 1024, 7, 8);
        AssertFound(6, segment, 512, 6);
        AssertFound(7, segment, 1024, 8);
        Assert.Equal(8, _map.LastIndex.Value);
        Batch(segment, 1536, 1, 1);
        AssertFound(1, segment, 1536, 1);
    }

    [Fact]
    public void Replacing_across_segments_frees_the_one_in_between()
    {
        Segment first = Segment(1);
        Batch(first, 512, 1, 10);
        Segment second = Segment(2);
        Batch(second, 512, 11, 20);
        Segment third = Segment(3);
        Batch(third, 512, 8, 9);
        AssertFound(7, first, 512, 7);
        AssertFound(8, third, 512, 9);
        Assert.Equal([first, second], Trim(7));
        Assert.Equal(8, _map.FirstIndex.Value);
    }

    [Fact]
    public void A_segment_is_trimmed_only_when_all_its_entries_may_go()
    {
        Segment first = Segment(1);
        Batch(first, 512, 1, 10);
        Segment second = Segment(2);
        Batch(second, 512, 11, 20);
        Assert.Empty(Trim(9));
        Assert.Equal([first], Trim(10));
        Assert.Empty(Trim(20));
        Assert.Equal(11, _map.FirstIndex.Value);
    }

    [Fact]
    public void The_last_segment_with_entries_stays_until_newer_ones_cover_its_end()
    {
        Segment first = Segment(1);
        Batch(first, 512, 1, 10);
        Segment(2);
        Assert.Empty(Trim(9));
        Assert.Equal([first], Trim(10));
        Assert.Equal((11, 10), (_map.FirstIndex.Value, _map.LastIndex.Value));
    }

    [Fact]
    public void A_reset_forgets_all_entries()
    {
        Segment segment = Segment(1);
        Batch(segment, 512, 1, 10);
        _map.Add(segment, 1024, new BatchHeader(2, 0, new LogIndex(101), 0, null, new Term(3), 1024));
        Assert.Equal((101, 100), (_map.FirstIndex.Value, _map.LastIndex.Value));
        Batch(segment, 1536, 101, 105);
        AssertFound(101, segment, 1536, 105);
    }

    [Fact]
    public void Gaps_and_unknown_indexes_are_invariants()
    {
        Segment segment = Segment(1);
        Batch(segment, 512, 1, 10);
        Assert.Throws<InvariantException>(() => Batch(segment, 1024, 12, 13));
        Assert.Throws<InvariantException>(() => _map.Find(new LogIndex(11)));
        Assert.Throws<InvariantException>(() => _map.Find(new LogIndex(0)));
    }

    private Segment Segment(long number, long previous = 0)
    {
        string path = "/" + FileNames.Segment(number);
        SegmentHeader header = new(1, number, 1 << 20, 1, new LogIndex(previous), default);
        Segment segment = new(path, _disk.Create(path), header);
        _map.Add(segment);
        return segment;
    }

    private void Batch(Segment segment, long offset, long first, long last) => _map.Add(
        segment, offset, new BatchHeader(1, 0, new LogIndex(first), (int)(last - first + 1), null, null, offset));

    private void AssertFound(long index, Segment segment, long offset, long last) =>
        Assert.Equal((segment, offset, new LogIndex(last)), _map.Find(new LogIndex(index)));

    private List<Segment> Trim(long index)
    {
        List<Segment> removed = [];
        _map.Trim(new LogIndex(index), removed);
        return removed;
    }
}
