namespace Orleans.Coord.Consensus;

/// <summary>
/// Rounds of reads that a member confirms only once a write of its own has come through that was begun after the
/// question: where the store may have got another owner, a write is what tells. Rounds count within a term.
/// </summary>
internal sealed class ReadConfirmations
{
    private readonly Queue<(long Token, Term Term, long Round)> _writes = new();
    private Term _term;
    private long _asked;
    private long _written;

    /// <summary>The newest round of the term that may be confirmed; 0 for none.</summary>
    public long Confirmed { get; private set; }

    /// <summary>Whether a round waits for a write to begin.</summary>
    public bool IsDue => _asked > _written;

    /// <summary>A leader of the term asks.</summary>
    public void Ask(Term term, long round)
    {
        Invariant.Check(term >= _term);
        if (term != _term)
        {
            (_term, _asked, _written, Confirmed) = (term, 0, 0, 0);
        }

        _asked = Math.Max(_asked, round);
        Invariant.Check(Confirmed <= _written && _written <= _asked);
    }

    /// <summary>A write begins.</summary>
    public void Issued(long token)
    {
        Invariant.Check(token > 0);
        if (IsDue)
        {
            _writes.Enqueue((token, _term, _asked));
            _written = _asked;
        }

        Invariant.Check(!IsDue);
    }

    /// <summary>All writes up to <paramref name="token"/> are durable. Whether that confirms a round of the term.
    /// </summary>
    public bool Complete(long token)
    {
        bool rose = false;
        while (_writes.TryPeek(out (long Token, Term Term, long Round) write) && write.Token <= token)
        {
            _writes.Dequeue();
            if (write.Term == _term)
            {
                Invariant.Check(write.Round > Confirmed);
                Confirmed = write.Round;
                rose = true;
            }
        }

        return rose;
    }
}
