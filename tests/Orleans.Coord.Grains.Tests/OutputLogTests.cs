using Orleans.Coord.Grains.Sessions;

namespace Orleans.Coord.Grains.Tests;

/// <summary>The numbered outputs of a connection.</summary>
public sealed class OutputLogTests
{
    private readonly OutputLog _log = new();

    [Fact]
    public void Outputs_are_numbered_from_one_and_read_after_any_number()
    {
        Add(3);
        Assert.Equal([1L, 2, 3], Numbers(0));
        Assert.Equal([3L], Numbers(2));
        Assert.Empty(Numbers(3));
    }

    [Fact]
    public void What_was_confirmed_is_forgotten_and_what_was_not_stays()
    {
        Add(3);
        _log.Forget(2);
        Assert.Equal([3L], Numbers(2));
        Assert.Null(_log.ReadAfter(1));
    }

    [Fact]
    public void A_number_that_never_was_cannot_be_resumed_from()
    {
        Add(1);
        Assert.Null(_log.ReadAfter(2));
    }

    [Fact]
    public void A_waiting_reader_is_told_of_the_next_output_and_of_the_end()
    {
        Task changed = _log.ReadAfter(0)!.Value.Changed;
        Add(1);
        Assert.True(changed.IsCompleted);
        changed = _log.ReadAfter(1)!.Value.Changed;
        _log.End();
        Assert.True(changed.IsCompleted);
        Assert.True(_log.ReadAfter(1)!.Value.Ended);
        Assert.False(_log.TryAdd([1]));
    }

    [Fact]
    public void Too_much_unread_is_refused_until_it_is_confirmed()
    {
        byte[] large = new byte[33 << 20];
        Assert.True(_log.TryAdd(large));
        Assert.False(_log.TryAdd(large));
        _log.Forget(1);
        Assert.True(_log.TryAdd(large));
    }

    private void Add(int count)
    {
        for (int i = 0; i < count; i++)
        {
            Assert.True(_log.TryAdd([(byte)i]));
        }
    }

    private IEnumerable<long> Numbers(long after) => _log.ReadAfter(after)!.Value.Outputs.Select(o => o.Number);
}
