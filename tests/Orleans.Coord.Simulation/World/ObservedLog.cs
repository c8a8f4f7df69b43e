using Orleans.Coord.Consensus;
using Orleans.Coord.Replication;

namespace Orleans.Coord.Simulation;

/// <summary>The shipped log, with an eye on what is appended to it.</summary>
internal sealed class ObservedLog(ILogStore log, ObservedLog.Appended appended) : ILogStore
{
    public delegate void Appended(ReadOnlySpan<Entry> entries);

    public HardState HardState => log.HardState;

    public LogIndex FirstIndex => log.FirstIndex;

    public LogIndex LastIndex => log.LastIndex;

    public void Append(ReadOnlySpan<Entry> entries, HardState? hardState, long token)
    {
        appended(entries);
        log.Append(entries, hardState, token);
    }

    public void Read(LogIndex from, LogIndex to, int maxBytes, List<Entry> entries) =>
        log.Read(from, to, maxBytes, entries);

    public void TrimTo(LogIndex index) => log.TrimTo(index);

    public void Reset(LogIndex index, Term term, long token) => log.Reset(index, term, token);
}
