using Orleans.Coord.Consensus;
using Orleans.Coord.Replication;

namespace Orleans.Coord.Wal;

/// <summary>The log as the replica sees it: queues what is appended, reads from memory or disk.</summary>
internal sealed class LogStore(
    AppendQueue queue, LogMap map, LogWriter writer, SegmentFactory factory, SnapshotStore snapshots,
    Action wakeBackground) : ILogStore
{
    private readonly BatchReader _reader = new();
    private readonly List<Segment> _trimmed = [];
    private LogIndex _last = map.LastIndex;
    private LogIndex? _resetTo;
    private long _token = long.MinValue;

    /// <summary>Bugs to plant; for tests only.</summary>
    internal WalFaults Faults { get; init; }

    /// <inheritdoc/>
    public HardState HardState => writer.HardState;

    /// <inheritdoc/>
    public LogIndex FirstIndex
    {
        get
        {
            // Until the writer has carried a reset out, the map still knows the log before it.
            LogIndex first = map.FirstIndex;
            return _resetTo is LogIndex reset && first <= reset ? reset.Next : first;
        }
    }

    /// <inheritdoc/>
    public LogIndex LastIndex => _last;

    /// <inheritdoc/>
    public void Append(ReadOnlySpan<Entry> entries, HardState? hardState, long token)
    {
        TakeToken(token);
        if (entries.Length > 0)
        {
            Invariant.Check(entries[0].Index <= _last.Next && entries[0].Index >= FirstIndex);
            Invariant.Check(entries[^1].Index - entries[0].Index == entries.Length - 1);
            _last = entries[^1].Index;
        }

        // After a failure nothing is ever written again; keeping it would only fill the memory.
        if (!writer.HasFailed)
        {
            queue.Append(entries, hardState, token);
        }
    }

    /// <inheritdoc/>
    public void Read(LogIndex from, LogIndex to, int maxBytes, List<Entry> entries)
    {
        Invariant.Check(from >= FirstIndex && to <= _last && from <= to);
        long budget = Math.Max(1, maxBytes);
        int start = entries.Count;
        while (budget > 0 && from + (entries.Count - start) <= to)
        {
            LogIndex next = from + (entries.Count - start);
            LogIndex lowest = queue.LowestIndex;
            if (next < lowest)
            {
                ReadFromDisk(next, to < lowest ? to : lowest - 1, ref budget, entries);
            }
            else
            {
                // May find nothing: then the writer has just put it on disk, and the next round reads it there.
                queue.TryRead(next, to, ref budget, entries);
            }
        }
    }

    /// <inheritdoc/>
    public void TrimTo(LogIndex index)
    {
        if (writer.HasFailed || snapshots.OldestAtOrAfter(FirstIndex - 1) is not LogIndex limit)
        {
            return;
        }

        LogIndex covered = index < limit ? index : limit;
        map.Trim((Faults & WalFaults.TrimUncovered) != 0 ? _last : covered, _trimmed);
        if (_trimmed.Count > 0)
        {
            factory.Retire(_trimmed);
            _trimmed.Clear();
            wakeBackground();
        }
    }

    /// <inheritdoc/>
    public void Reset(LogIndex index, Term term, long token)
    {
        TakeToken(token);
        _last = index;
        _resetTo = index;
        queue.Reset(index, term, token);
    }

    private void TakeToken(long token)
    {
        Invariant.Check(token > _token);
        _token = token;
    }

    private void ReadFromDisk(LogIndex from, LogIndex to, ref long budget, List<Entry> entries)
    {
        (Segment segment, long offset, LogIndex last) = map.Find(from);
        LogIndex end = to < last ? to : last;
        try
        {
            _reader.Open(segment.File, segment.Seed);
            for (LogIndex next = from; next <= end && budget > 0;)
            {
                if (!_reader.TryRead(offset, out BatchHeader header))
                {
                    throw Refusal.Damaged(segment.Path, offset, $"entry {next} fails its checksum");
                }

                if (header.Count > 0 && header.LastIndex >= next)
                {
                    int before = entries.Count;
                    _reader.CopyEntries(header, next, end, ref budget, entries);
                    next += entries.Count - before;
                }

                offset += header.FramedBytes;
            }
        }
        catch (DiskException e)
        {
            throw Refusal.ReadFailed(segment.Path, e);
        }
    }
}
