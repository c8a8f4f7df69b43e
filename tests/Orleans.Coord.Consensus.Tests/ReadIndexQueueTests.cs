namespace Orleans.Coord.Consensus.Tests;

/// <summary>Rounds of reads.</summary>
public sealed class ReadIndexQueueTests
{
    private readonly ReadIndexQueue _queue = new();

    [Fact]
    public void ReadsOfOneTurnShareARound_AndTheNextTurnOpensAnother()
    {
        Add(1);
        Add(2);
        Assert.Equal(1, _queue.Round);
        Assert.True(_queue.TakeRoundToSend());
        Assert.False(_queue.TakeRoundToSend());
        Add(3);
        Assert.Equal(2, _queue.Round);
    }

    [Fact]
    public void AConfirmedRoundConfirmsTheEarlierOnes_NotTheLater()
    {
        Add(1);
        _queue.TakeRoundToSend();
        Add(2);
        _queue.TakeRoundToSend();
        Add(3);
        Assert.Equal([1UL, 2UL], Confirmed(2));
        Assert.Empty(Confirmed(2));
        Assert.Equal([3UL], Confirmed(3));
        Assert.True(_queue.IsEmpty);
    }

    [Fact]
    public void EarlyReadsTakeTheCommitIndexOfTheirAdmission()
    {
        _queue.AddEarly(new ReplicaId(1), 0, 9);
        Assert.Equal(0, _queue.Round);
        _queue.AdmitEarly(new LogIndex(44));
        Assert.True(_queue.TryTakeConfirmed(1, out PendingRead read));
        Assert.Equal((new LogIndex(44), 9UL), (read.Index, read.Context));
    }

    [Fact]
    public void TakeAll_EmptiesEverything()
    {
        Add(1);
        _queue.AddEarly(new ReplicaId(1), 0, 2);
        Assert.Equal([1UL, 2UL], _queue.TakeAll().Select(read => read.Context));
        Assert.True(_queue.IsEmpty);
        Assert.Equal(0, _queue.Round);
        Assert.False(_queue.TakeRoundToSend());
    }

    [Fact]
    public void ARoundThatWasNeverSentCannotBeConfirmed() =>
        Assert.Throws<InvariantException>(() => _queue.TryTakeConfirmed(1, out _));

    private void Add(ulong context) => _queue.Add(new LogIndex(5), new ReplicaId(1), 0, context);

    private List<ulong> Confirmed(long round)
    {
        List<ulong> contexts = [];
        while (_queue.TryTakeConfirmed(round, out PendingRead read))
        {
            contexts.Add(read.Context);
        }

        return contexts;
    }
}
