namespace Orleans.Coord.Consensus;

/// <summary>A read that waits for proof that its leader led when it was asked.</summary>
internal readonly record struct PendingRead(
    long Round, LogIndex Index, ReplicaId From, ulong Incarnation, ulong Context);

/// <summary>
/// Reads of a leader's term (Raft paper, section 8; Ongaro's thesis, section 6.4). A read notes the commit index, joins
/// the next round of heartbeats, and is answered when a quorum has answered that round or a later one.
/// </summary>
internal sealed class ReadIndexQueue
{
    private readonly Queue<PendingRead> _waiting = new();
    private readonly List<PendingRead> _early = [];
    private bool _roundOpen;

    /// <summary>The newest round that was sent or is about to be.</summary>
    public long Round { get; private set; }

    public bool IsEmpty => _waiting.Count == 0 && _early.Count == 0;

    /// <summary>Adds a read to the round that the next heartbeats carry.</summary>
    public void Add(LogIndex commit, ReplicaId from, ulong incarnation, ulong context)
    {
        if (!_roundOpen)
        {
            _roundOpen = true;
            Round++;
        }

        Invariant.Check(Round > 0);
        _waiting.Enqueue(new PendingRead(Round, commit, from, incarnation, context));
        Invariant.Check(_waiting.Count > 0);
    }

    /// <summary>Keeps a read until the leader has committed in its term: before, its commit index may be old.</summary>
    public void AddEarly(ReplicaId from, ulong incarnation, ulong context) =>
        _early.Add(new PendingRead(0, default, from, incarnation, context));

    /// <summary>The leader has committed in its term: early reads join the next round.</summary>
    public void AdmitEarly(LogIndex commit)
    {
        Invariant.Check(commit.Value > 0);
        foreach (PendingRead read in _early)
        {
            Add(commit, read.From, read.Incarnation, read.Context);
        }

        _early.Clear();
        Invariant.Check(_early.Count == 0);
    }

    /// <summary>Whether reads have joined a round since the last call: its heartbeats are to be sent.</summary>
    public bool TakeRoundToSend()
    {
        bool open = _roundOpen;
        _roundOpen = false;
        return open;
    }

    /// <summary>The next read whose round is answered by a quorum.</summary>
    public bool TryTakeConfirmed(long agreedRound, out PendingRead read)
    {
        Invariant.Check(agreedRound <= Round);
        bool confirmed = _waiting.TryPeek(out read) && read.Round <= agreedRound;
        if (confirmed)
        {
            _waiting.Dequeue();
        }

        return confirmed;
    }

    /// <summary>Leadership is gone, or fresh: takes every read there is, and starts counting rounds anew.</summary>
    public List<PendingRead> TakeAll()
    {
        List<PendingRead> all = [.. _waiting, .. _early];
        _waiting.Clear();
        _early.Clear();
        _roundOpen = false;
        Round = 0;
        return all;
    }
}
