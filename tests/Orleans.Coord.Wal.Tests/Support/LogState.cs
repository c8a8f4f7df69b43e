using Orleans.Coord.Consensus;
using Orleans.Coord.Replication;

namespace Orleans.Coord.Wal.Tests;

/// <summary>What a log should hold at some moment: its entries' terms; payloads follow from them.</summary>
/// <param name="HardState">The newest hard state.</param>
/// <param name="Base">The index before the first entry.</param>
/// <param name="Terms">Terms of the entries from there on.</param>
internal sealed record LogState(HardState HardState, long Base, IReadOnlyList<long> Terms)
{
    internal long Last => Base + Terms.Count;

    /// <summary>Entries up to here are never replaced.</summary>
    internal long Committed { get; init; }

    internal long TermAt(long index) => index > Base && index <= Last ? Terms[(int)(index - Base - 1)] : 0;

    /// <summary>What recovery makes of it with a snapshot that the log does not reach, or contradicts.</summary>
    internal LogState After(SnapshotMetadata? snapshot)
    {
        bool restart = snapshot is not null && (snapshot.Index.Value > Last
            || (snapshot.Index.Value > Base && TermAt(snapshot.Index.Value) != snapshot.Term.Value));
        return restart ? this with { Base = snapshot!.Index.Value, Terms = [] } : this;
    }

    internal bool Matches(ILogStore log, List<Entry> entries)
    {
        return log.HardState == HardState && log.LastIndex.Value == Last && log.FirstIndex.Value > Base
            && entries.Count == Last - log.FirstIndex.Value + 1
            && entries.TrueForAll(entry => TermAt(entry.Index.Value) == entry.Term.Value);
    }
}
