using Orleans.Coord.Consensus;
using Orleans.Coord.Replication;

namespace Orleans.Coord.Simulation;

/// <summary>The shipped log, with an eye on what is appended to it and on what it has said to be durable.</summary>
internal sealed class ObservedLog(ILogStore log, ObservedLog.Appended appended) : ILogStore
{
    private readonly List<(long Token, long Last)> _writes = [];
    private long _durable = log.LastIndex.Value;

    public delegate void Appended(ReadOnlySpan<Entry> entries);

    public HardState HardState => log.HardState;

    public LogIndex FirstIndex => log.FirstIndex;

    public LogIndex LastIndex => log.LastIndex;

    /// <summary>The last entry said to be durable: whoever opens the log again must find it.</summary>
    public long Durable => Math.Min(_durable, log.LastIndex.Value);

    public void Append(ReadOnlySpan<Entry> entries, HardState? hardState, long token)
    {
        appended(entries);
        if (!entries.IsEmpty)
        {
            Replace(entries[0].Index.Value - 1);
        }

        log.Append(entries, hardState, token);
        _writes.Add((token, log.LastIndex.Value));
    }

    public void Read(LogIndex from, LogIndex to, int maxBytes, List<Entry> entries) =>
        log.Read(from, to, maxBytes, entries);

    public void TrimTo(LogIndex index) => log.TrimTo(index);

    public void Reset(LogIndex index, Term term, long token)
    {
        Replace(index.Value);
        log.Reset(index, term, token);
        _writes.Add((token, index.Value));
    }

    /// <summary>The write of that token is durable, and all before it.</summary>
    public void Persisted(long token)
    {
        foreach ((long _, long last) in _writes.Where(write => write.Token <= token))
        {
            _durable = last;
        }

        _writes.RemoveAll(write => write.Token <= token);
    }

    // What is replaced after an index may be gone, though what replaces it is not durable yet.
    private void Replace(long after)
    {
        _durable = Math.Min(_durable, after);
        for (int i = 0; i < _writes.Count; i++)
        {
            _writes[i] = (_writes[i].Token, Math.Min(_writes[i].Last, after));
        }
    }
}
