using Orleans.Coord.Consensus;

namespace Orleans.Coord.Wal.Tests;

/// <summary>What waits for the writer: gathered, superseded, split, read.</summary>
public sealed class AppendQueueTests
{
    private readonly AppendQueue _queue = new();

    [Fact]
    public void An_empty_queue_has_nothing_to_take()
    {
        Assert.False(_queue.Take(1000, out _));
        Assert.Equal(long.MaxValue, _queue.LowestIndex.Value);
    }

    [Fact]
    public void All_that_waits_is_taken_at_once_with_the_newest_hard_state_and_token()
    {
        _queue.Append(Make.Entries(1, 3), Make.HardState(1), 1);
        _queue.Append(Make.Entries(4, 4), Make.HardState(2), 2);
        _queue.Append([], null, 3);
        AssertTakes(1, 4, token: 3, Make.HardState(2));
        Assert.False(_queue.Take(1 << 20, out _));
    }

    [Fact]
    public void What_is_too_much_for_one_batch_is_split_between_appends()
    {
        _queue.Append(Make.Entries(1, 3), Make.HardState(1), 1);
        _queue.Append(Make.Entries(4, 5), Make.HardState(2), 2);
        _queue.Append(Make.Entries(6, 6), null, 3);
        Assert.True(_queue.Take(1, out BatchWork work));
        Assert.Equal((1, Make.HardState(1), 3), (work.Token, work.HardState!.Value, _queue.InHand.Length));
        _queue.Release();
        AssertTakes(4, 6, token: 3, Make.HardState(2));
    }

    [Fact]
    public void A_replaced_append_completes_only_with_what_replaced_it()
    {
        _queue.Append(Make.Entries(1, 3), null, 1);
        _queue.Append(Make.Entries(4, 6), Make.HardState(2), 2);
        _queue.Append(Make.Entries(7, 8), null, 3);
        _queue.Append(Make.Entries(5, 5, term: 2), null, 4);

        // Appends 2 to 4 stand or fall together, however small the batch should be.
        Assert.True(_queue.Take(1, out BatchWork work));
        Assert.Equal(1, work.Token);
        _queue.Release();
        Assert.True(_queue.Take(1, out work));
        Assert.Equal((4, Make.HardState(2)), (work.Token, work.HardState!.Value));
        Make.AssertEqual([Make.Entry(4), Make.Entry(5, 2)], _queue.InHand.ToArray());
    }

    [Fact]
    public void Replacing_everything_that_waits_goes_below_it()
    {
        _queue.Append(Make.Entries(10, 12), null, 1);
        _queue.Append(Make.Entries(7, 8, term: 2), null, 2);
        AssertTakes(7, 8, token: 2, null, term: 2);
    }

    [Fact]
    public void A_reset_drops_what_waits_and_goes_with_the_next_batch()
    {
        _queue.Append(Make.Entries(1, 3), Make.HardState(5), 1);
        _queue.Reset(new LogIndex(20), new Term(4), 2);
        _queue.Append(Make.Entries(21, 22), null, 3);
        Assert.True(_queue.Take(1 << 20, out BatchWork work));
        Assert.Equal((20, 4, 3), (work.ResetIndex.Value, work.ResetTerm!.Value.Value, work.Token));
        Assert.Equal(Make.HardState(5), work.HardState);
        Make.AssertEqual(Make.Entries(21, 22), _queue.InHand.ToArray());
        _queue.Release();
        _queue.Append(Make.Entries(23, 23), null, 4);
        Assert.True(_queue.Take(1 << 20, out work));
        Assert.Null(work.ResetTerm);
    }

    [Fact]
    public void Reads_prefer_what_waits_to_what_is_in_hand()
    {
        _queue.Append(Make.Entries(1, 6), null, 1);
        Assert.True(_queue.Take(1 << 20, out _));
        _queue.Append(Make.Entries(4, 5, term: 2), null, 2);
        List<Entry> entries = [];
        long budget = int.MaxValue;
        Assert.True(_queue.TryRead(new LogIndex(2), new LogIndex(5), ref budget, entries));
        Make.AssertEqual([.. Make.Entries(2, 3), .. Make.Entries(4, 5, term: 2)], entries);
        Assert.Equal(1, _queue.LowestIndex.Value);
        _queue.Release();
        Assert.Equal(4, _queue.LowestIndex.Value);
        Assert.False(_queue.TryRead(new LogIndex(2), new LogIndex(5), ref budget, entries));
    }

    [Fact]
    public void Reads_stop_when_the_budget_is_spent_but_read_one()
    {
        _queue.Append(Make.Entries(1, 6), null, 1);
        List<Entry> entries = [];
        long budget = 1;
        Assert.True(_queue.TryRead(new LogIndex(1), new LogIndex(6), ref budget, entries));
        Assert.Single(entries);
        budget = 250;
        Assert.True(_queue.TryRead(new LogIndex(2), new LogIndex(6), ref budget, entries));
        Assert.Equal(4, entries.Count);
    }

    [Fact]
    public void Nobody_sleeps_while_there_is_work_or_after_the_end()
    {
        _queue.Append(Make.Entries(1, 1), null, 1);
        _queue.WaitForWork(int.MaxValue);
        Assert.True(_queue.Take(1, out _));
        _queue.Close();
        _queue.WaitForWork(int.MaxValue);
        _queue.WaitForSpace(int.MaxValue);
    }

    private void AssertTakes(long from, long to, long token, HardState? hardState, long term = 1)
    {
        Assert.True(_queue.Take(1 << 20, out BatchWork work));
        Assert.Equal((token, hardState), (work.Token, work.HardState));
        Make.AssertEqual(Make.Entries(from, to, term), _queue.InHand.ToArray());
        _queue.Release();
    }
}
