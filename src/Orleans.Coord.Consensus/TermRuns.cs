namespace Orleans.Coord.Consensus;

/// <summary>
/// The term of every entry of the log, as runs of equal terms: terms change only with leaders, so that a long log takes
/// a few numbers, and the consistency check of Append (Raft paper, section 5.3) never needs the disk.
/// </summary>
internal sealed class TermRuns
{
    private readonly List<(LogIndex First, Term Term)> _runs = [];

    /// <summary>The entry before the first one that can be read; its term is known.</summary>
    public LogIndex Base => _runs[0].First;

    public LogIndex Last { get; private set; }

    public Term LastTerm => _runs[^1].Term;

    public void Reset(LogIndex index, Term term)
    {
        Invariant.Check(index.Value >= 0);
        Invariant.Check(term.Value >= 0);
        _runs.Clear();
        _runs.Add((index, term));
        Last = index;
    }

    public void Append(LogIndex index, Term term)
    {
        Invariant.Check(index == Last.Next);
        Invariant.Check(term >= LastTerm);
        if (term != LastTerm)
        {
            _runs.Add((index, term));
        }

        Last = index;
    }

    /// <summary>Forgets the entries from <paramref name="from"/> on.</summary>
    public void Truncate(LogIndex from)
    {
        Invariant.Check(from > Base);
        Invariant.Check(from <= Last);
        while (_runs[^1].First >= from)
        {
            _runs.RemoveAt(_runs.Count - 1);
        }

        Last = from - 1;
    }

    /// <summary>Forgets the entries before <paramref name="index"/>, which becomes the base.</summary>
    public void Compact(LogIndex index)
    {
        Invariant.Check(index >= Base);
        Invariant.Check(index <= Last);
        int run = RunOf(index);
        _runs[run] = (index, _runs[run].Term);
        _runs.RemoveRange(0, run);
    }

    public bool TryGet(LogIndex index, out Term term)
    {
        bool known = index >= Base && index <= Last;
        term = known ? _runs[RunOf(index)].Term : default;
        return known;
    }

    /// <summary>
    /// The highest index up to <paramref name="index"/> whose term is not above <paramref name="term"/>; the base if
    /// there is none. Lets a leader skip a whole term of conflicting entries in one step (section 5.3, last part).
    /// </summary>
    public LogIndex LastNotAbove(LogIndex index, Term term)
    {
        LogIndex at = index < Last ? index : Last;
        if (at < Base)
        {
            return Base;
        }

        int run = RunOf(at);
        while (run > 0 && _runs[run].Term > term)
        {
            at = _runs[run].First - 1;
            run--;
        }

        return at;
    }

    private int RunOf(LogIndex index)
    {
        int run = _runs.Count - 1;
        while (_runs[run].First > index)
        {
            run--;
        }

        return run;
    }
}
