namespace Orleans.Coord.Consensus.Tests;

/// <summary>Promises and the writes that back them.</summary>
public sealed class PersistQueueTests
{
    private readonly PersistQueue _queue = new();
    private readonly List<Message> _free = [];
    private readonly List<Message> _released = [];

    [Fact]
    public void APromiseWaitsForTheWriteOfItsTurn()
    {
        Message promise = Vote(1);
        _queue.Hold(promise);
        long token = _queue.Issue(default);
        _queue.Seal(_free);
        Assert.Empty(_free);
        Assert.Equal(1, _queue.Held);

        _queue.Complete(token, _released);

        Assert.Equal([promise], _released);
        Assert.Equal(0, _queue.Held);
    }

    [Fact]
    public void WithoutAnyWriteUnderWayItIsFree()
    {
        _queue.Hold(Vote(1));
        _queue.Seal(_free);
        Assert.Single(_free);
    }

    [Fact]
    public void WithoutAWriteOfItsOwnItWaitsForTheNewestUnderWay()
    {
        long first = _queue.Issue(new LogIndex(1));
        long second = _queue.Issue(new LogIndex(2));
        _queue.Hold(Vote(1));
        _queue.Seal(_free);
        _queue.Complete(first, _released);
        Assert.Empty(_released);
        _queue.Complete(second, _released);
        Assert.Single(_released);
    }

    [Fact]
    public void ALaterTokenCoversTheEarlierOnes_InOrder()
    {
        Message[] promises = [Vote(1), Vote(2), Vote(3)];
        long last = 0;
        foreach (Message promise in promises)
        {
            _queue.Hold(promise);
            last = _queue.Issue(new LogIndex(promise.Term.Value));
            _queue.Seal(_free);
        }

        Assert.Equal(new LogIndex(3), _queue.Complete(last, _released));
        Assert.Equal(promises, _released);
    }

    [Fact]
    public void ARepeatedOrEarlierTokenSaysNothingNew()
    {
        _queue.Issue(new LogIndex(1));
        long second = _queue.Issue(new LogIndex(2));
        Assert.Equal(new LogIndex(2), _queue.Complete(second, _released));
        Assert.Null(_queue.Complete(second, _released));
        Assert.Null(_queue.Complete(second - 1, _released));
    }

    [Fact]
    public void ATokenThatWasNeverGivenIsABug() =>
        Assert.Throws<InvariantException>(() => _queue.Complete(1, _released));

    [Fact]
    public void ReplacedEntriesAreNotVouchedForByEarlierWrites()
    {
        long first = _queue.Issue(new LogIndex(10));
        _queue.Truncate(new LogIndex(7));
        long second = _queue.Issue(new LogIndex(8));
        Assert.Equal(new LogIndex(6), _queue.Complete(first, _released));
        Assert.Equal(new LogIndex(8), _queue.Complete(second, _released));
    }

    [Fact]
    public void OfTwoAcknowledgementsInATurnTheHigherIsKept()
    {
        _queue.Hold(Ack(5));
        _queue.Hold(Ack(9));
        _queue.Seal(_free);
        Assert.Equal([Ack(9)], _free);
    }

    [Fact]
    public void ALowerOrForeignAcknowledgementReplacesNothing()
    {
        _queue.Hold(Ack(9));
        _queue.Hold(Ack(5));
        _queue.Hold(Ack(5) with { To = new ReplicaId(3) });
        _queue.Hold(Ack(6) with { Term = new Term(2), To = new ReplicaId(3) });
        _queue.Seal(_free);
        Assert.Equal(4, _free.Count);
    }

    private static RequestVoteResponse Vote(long term) => new(new ReplicaId(1), new ReplicaId(2), new Term(term), true);

    private static AppendResponse Ack(long index) =>
        new(new ReplicaId(1), new ReplicaId(2), new Term(1), true, new LogIndex(index), default, default);
}
