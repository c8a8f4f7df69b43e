using System.Runtime.InteropServices;

namespace Orleans.Coord.Consensus;

/// <summary>
/// The log as Raft sees it: the newest entries in memory, older ones read back from the durable store, and before
/// <see cref="BaseIndex"/> only a snapshot. Entries are changed by the owning <see cref="RaftNode"/> alone.
/// </summary>
public sealed class RaftLog
{
    private const int EntryOverheadBytes = 40;
    private const int RestoreBatchBytes = 1024 * 1024;

    private readonly TermRuns _terms = new();
    private readonly EntryReader _reader;
    private readonly List<Entry> _readBack = [];
    private Entry[] _window = new Entry[256];
    private int _head;
    private int _count;

    internal RaftLog(EntryReader reader) => _reader = reader;

    /// <summary>The newest entry that cannot be read any more; its term is still known.</summary>
    public LogIndex BaseIndex => _terms.Base;

    /// <summary>The newest entry, whether durable or not.</summary>
    public LogIndex LastIndex => _terms.Last;

    /// <summary>The newest entry's term.</summary>
    public Term LastTerm => _terms.LastTerm;

    /// <summary>The highest entry known to be committed.</summary>
    public LogIndex Commit { get; private set; }

    /// <summary>The highest entry that the state machine has applied.</summary>
    public LogIndex Applied { get; private set; }

    /// <summary>The highest entry known to be durable here.</summary>
    public LogIndex Stable { get; private set; }

    /// <summary>The highest entry handed out to be written.</summary>
    public LogIndex HandedOut { get; private set; }

    /// <summary>Bytes that the entries in memory take, about.</summary>
    public long WindowBytes { get; private set; }

    /// <summary>The oldest entry in memory; one above <see cref="LastIndex"/> if there is none.</summary>
    public LogIndex WindowFirst => LastIndex - _count + 1;

    /// <summary>
    /// An entry's term, unless it lies before <see cref="BaseIndex"/> or after <see cref="LastIndex"/>.
    /// </summary>
    public bool TryGetTerm(LogIndex index, out Term term) => _terms.TryGet(index, out term);

    /// <summary>
    /// The entries from <paramref name="from"/> on, up to <paramref name="to"/> at most and about
    /// <paramref name="maxBytes"/> of payload, but at least one. Entries in memory are not copied; older ones are read
    /// from the store. The span is good until the next call on the node.
    /// </summary>
    public ReadOnlySpan<Entry> Read(LogIndex from, LogIndex to, int maxBytes)
    {
        Invariant.Check(from > BaseIndex);
        Invariant.Check(from <= to && to <= LastIndex);
        if (from < WindowFirst)
        {
            _readBack.Clear();
            _reader(from, Min(to, WindowFirst - 1), maxBytes, _readBack);
            Invariant.Check(_readBack.Count > 0 && _readBack[0].Index == from);
            return CollectionsMarshal.AsSpan(_readBack);
        }

        ReadOnlySpan<Entry> window = Window(from, to);
        int bytes = window[0].Payload.Length;
        int count = 1;
        while (count < window.Length && bytes + window[count].Payload.Length <= maxBytes)
        {
            bytes += window[count].Payload.Length;
            count++;
        }

        return window[..count];
    }

    /// <summary>
    /// Starts from a snapshot and what the store holds beside it; false if the store's entries do not fit it.
    /// </summary>
    internal bool Restore(RaftStart start, long maxWindowBytes, Action<Entry> onConfiguration)
    {
        SnapshotMetadata snapshot = start.Snapshot;
        Reset(snapshot.Index, snapshot.Term);
        if (start.LastIndex < start.FirstIndex)
        {
            return start.LastIndex == snapshot.Index;
        }

        bool continues = start.FirstIndex <= snapshot.Index.Next && start.LastIndex >= snapshot.Index;
        if (!continues)
        {
            return false;
        }

        var batch = new List<Entry>();
        for (LogIndex at = start.FirstIndex; at <= start.LastIndex; at = batch[^1].Index.Next)
        {
            batch.Clear();
            _reader(at, start.LastIndex, RestoreBatchBytes, batch);
            Invariant.Check(batch.Count > 0 && batch[0].Index == at);
            foreach (Entry entry in batch)
            {
                if (!RestoreEntry(entry, snapshot, onConfiguration))
                {
                    Reset(snapshot.Index, snapshot.Term);
                    return false;
                }
            }

            TrimWindow(LastIndex, maxWindowBytes);
        }

        Stable = HandedOut = LastIndex;
        return true;
    }

    internal void RestoreCommit(LogIndex commit)
    {
        Invariant.Check(commit <= LastIndex);
        Invariant.Check(Commit == Applied);
        Commit = commit > Commit ? commit : Commit;
    }

    /// <summary>
    /// Everything up to <paramref name="index"/> is in a snapshot that the state machine now stands at.
    /// </summary>
    internal void Reset(LogIndex index, Term term)
    {
        Invariant.Check(index >= Commit);
        Invariant.Check(index >= Applied);
        Array.Clear(_window);
        _head = _count = 0;
        WindowBytes = 0;
        _terms.Reset(index, term);
        Commit = Applied = Stable = HandedOut = index;
    }

    internal void Append(in Entry entry)
    {
        Invariant.Check(entry.Index == LastIndex.Next);
        _terms.Append(entry.Index, entry.Term);
        if (_head + _count == _window.Length)
        {
            Grow();
        }

        _window[_head + _count] = entry;
        _count++;
        WindowBytes += EntryOverheadBytes + entry.Payload.Length;
        Invariant.Check(LastIndex > Commit);
    }

    /// <summary>Drops the entries from <paramref name="from"/> on; never a committed one (section 5.3).</summary>
    internal void Truncate(LogIndex from)
    {
        Invariant.Check(from > Commit);
        Invariant.Check(from <= LastIndex);
        while (_count > 0 && LastInWindow.Index >= from)
        {
            WindowBytes -= EntryOverheadBytes + LastInWindow.Payload.Length;
            _count--;
            _window[_head + _count] = default;
        }

        _terms.Truncate(from);
        Stable = Min(Stable, from - 1);
        HandedOut = Min(HandedOut, from - 1);
    }

    internal void CommitTo(LogIndex index)
    {
        Invariant.Check(index >= Commit);
        Invariant.Check(index <= LastIndex);
        Commit = index;
    }

    internal void AppliedTo(LogIndex index, long maxWindowBytes)
    {
        Invariant.Check(index >= Applied);
        Invariant.Check(index <= Commit);
        Applied = index;
        TrimWindow(Min(Applied, HandedOut), maxWindowBytes);
    }

    internal void StableTo(LogIndex index)
    {
        Invariant.Check(index <= LastIndex);
        Invariant.Check(index <= HandedOut);
        Stable = index > Stable ? index : Stable;
    }

    /// <summary>Forgets the entries up to <paramref name="index"/>; a snapshot covers them.</summary>
    internal void Compact(LogIndex index)
    {
        Invariant.Check(index <= Applied);
        Invariant.Check(index >= BaseIndex);
        TrimWindow(Min(index, HandedOut), 0);
        _terms.Compact(index);
    }

    /// <summary>The entries not yet handed out to be written, which this call hands out.</summary>
    internal ReadOnlySpan<Entry> TakeUnwritten()
    {
        if (HandedOut == LastIndex)
        {
            return default;
        }

        ReadOnlySpan<Entry> entries = Window(HandedOut.Next, LastIndex);
        HandedOut = LastIndex;
        return entries;
    }

    /// <summary>Entries in memory, both ends included.</summary>
    internal ReadOnlySpan<Entry> Window(LogIndex from, LogIndex to)
    {
        Invariant.Check(from >= WindowFirst);
        Invariant.Check(to <= LastIndex);
        return _window.AsSpan(_head + (int)(from - WindowFirst), (int)(to - from) + 1);
    }

    /// <summary>See <see cref="TermRuns.LastNotAbove"/>.</summary>
    internal LogIndex LastNotAbove(LogIndex index, Term term) => _terms.LastNotAbove(index, term);

    /// <summary>Whether the log holds the entry (section 5.3, the consistency check).</summary>
    internal bool Matches(LogIndex index, Term term) => TryGetTerm(index, out Term own) && own == term;

    /// <summary>Whether a log that ends so is at least as up to date as this one (section 5.4.1).</summary>
    internal bool IsUpToDate(LogIndex lastIndex, Term lastTerm) =>
        lastTerm > LastTerm || (lastTerm == LastTerm && lastIndex >= LastIndex);

    private ref Entry LastInWindow => ref _window[_head + _count - 1];

    private static LogIndex Min(LogIndex a, LogIndex b) => a < b ? a : b;

    private bool RestoreEntry(in Entry entry, SnapshotMetadata snapshot, Action<Entry> onConfiguration)
    {
        if (entry.Index <= snapshot.Index)
        {
            return RestoreBelowSnapshot(entry, snapshot);
        }

        Append(entry);
        HandedOut = entry.Index;
        if (entry.Kind == EntryKind.Configuration)
        {
            onConfiguration(entry);
        }

        return true;
    }

    /// <summary>
    /// Entries that a snapshot covers are kept readable for followers, starting after the first of them.
    /// </summary>
    private bool RestoreBelowSnapshot(in Entry entry, SnapshotMetadata snapshot)
    {
        bool first = _terms.Base == snapshot.Index && _terms.Last == snapshot.Index && entry.Index < snapshot.Index;
        if (first)
        {
            _terms.Reset(entry.Index, entry.Term);
        }
        else if (entry.Index > _terms.Last)
        {
            _terms.Append(entry.Index, entry.Term);
        }

        return entry.Index < snapshot.Index || entry.Term == snapshot.Term;
    }

    private void TrimWindow(LogIndex upTo, long maxBytes)
    {
        while (_count > 0 && WindowBytes > maxBytes && _window[_head].Index <= upTo)
        {
            WindowBytes -= EntryOverheadBytes + _window[_head].Payload.Length;
            _window[_head] = default;
            _head++;
            _count--;
        }

        if (_count == 0)
        {
            _head = 0;
        }
    }

    /// <summary>Moves to a new array, never within the old one: spans handed out this turn stay as they are.</summary>
    private void Grow()
    {
        var larger = new Entry[Math.Max(256, _count * 2)];
        Array.Copy(_window, _head, larger, 0, _count);
        _window = larger;
        _head = 0;
    }
}
