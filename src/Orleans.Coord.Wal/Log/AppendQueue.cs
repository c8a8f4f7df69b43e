using System.Runtime.InteropServices;
using Orleans.Coord.Consensus;

namespace Orleans.Coord.Wal;

/// <summary>What the writer puts into its next batch, beside the entries that it holds in the queue.</summary>
internal record struct BatchWork(long Token, HardState? HardState, LogIndex ResetIndex, Term? ResetTerm);

/// <summary>
/// What was appended and is not on disk yet: entries that wait, and entries that the writer has in hand. Both are
/// consecutive; an append that replaces waiting entries simply drops them.
/// </summary>
internal sealed class AppendQueue
{
    private readonly object _gate = new();
    private readonly List<Mark> _marks = [];
    private List<Entry> _waiting = [];
    private List<Entry> _inHand = [];
    private (LogIndex Index, Term Term)? _reset;
    private bool _writerSleeps;
    private bool _closed;

    private record struct Mark(int EntriesEnd, HardState? HardState, long Token, int Bytes);

    /// <summary>The entries in the writer's hand; stable until <see cref="Release"/>.</summary>
    internal ReadOnlySpan<Entry> InHand => CollectionsMarshal.AsSpan(_inHand);

    /// <summary>The lowest index held in memory; the largest number if there is none.</summary>
    internal LogIndex LowestIndex
    {
        get
        {
            lock (_gate)
            {
                long lowest = _waiting.Count > 0 ? _waiting[0].Index.Value : long.MaxValue;
                return new LogIndex(_inHand.Count > 0 ? Math.Min(lowest, _inHand[0].Index.Value) : lowest);
            }
        }
    }

    internal void Append(ReadOnlySpan<Entry> entries, HardState? hardState, long token)
    {
        int bytes = 0;
        foreach (ref readonly Entry entry in entries)
        {
            bytes += entry.Payload.Length + BatchEncoder.EntryHeaderBytes;
        }

        lock (_gate)
        {
            int kept = _waiting.Count;
            if (entries.Length > 0 && kept > 0)
            {
                kept = (int)Math.Clamp(entries[0].Index - _waiting[0].Index, 0, kept);
            }

            Mark mark = Supersede(kept, new Mark(0, hardState, token, bytes));
            _waiting.AddRange(entries);
            _marks.Add(mark with { EntriesEnd = _waiting.Count });
            Wake();
        }
    }

    internal void Reset(LogIndex index, Term term, long token)
    {
        lock (_gate)
        {
            _marks.Add(Supersede(0, new Mark(0, null, token, 0)));
            _reset = (index, term);
            Wake();
        }
    }

    /// <summary>Hands whole appends to the writer, up to a size but one at least; false if nothing waits.</summary>
    internal bool Take(int maxBytes, out BatchWork work)
    {
        lock (_gate)
        {
            work = default;
            if (_marks.Count == 0)
            {
                return false;
            }

            Invariant.Check(_inHand.Count == 0);
            int count = 0;
            long bytes = 0;
            while (count < _marks.Count && (count == 0 || bytes + _marks[count].Bytes <= maxBytes))
            {
                bytes += _marks[count].Bytes;
                work.HardState = _marks[count].HardState ?? work.HardState;
                count++;
            }

            work.Token = _marks[count - 1].Token;
            if (_reset is (LogIndex index, Term term))
            {
                (work.ResetIndex, work.ResetTerm) = (index, term);
                _reset = null;
            }

            TakeEntries(_marks[count - 1].EntriesEnd, count);
            return true;
        }
    }

    /// <summary>The batch in hand is on disk and can be read from there.</summary>
    internal void Release()
    {
        lock (_gate)
        {
            _inHand.Clear();
        }
    }

    /// <summary>Adds entries from memory; false if the first one is not in memory (any more).</summary>
    internal bool TryRead(LogIndex from, LogIndex to, ref long budget, List<Entry> entries)
    {
        lock (_gate)
        {
            LogIndex index = from;
            while (index <= to && budget > 0)
            {
                if (!TryFind(index, out Entry entry))
                {
                    break;
                }

                entries.Add(entry);
                budget -= entry.Payload.Length;
                index = index.Next;
            }

            return index > from;
        }
    }

    /// <summary>Sleeps until something is appended, the queue is closed, or the time is up.</summary>
    internal void WaitForWork(int milliseconds)
    {
        lock (_gate)
        {
            if (_marks.Count == 0 && !_closed)
            {
                _writerSleeps = true;
                Monitor.Wait(_gate, milliseconds);
                _writerSleeps = false;
            }
        }
    }

    /// <summary>Wakes the writer for the last time.</summary>
    internal void Close()
    {
        lock (_gate)
        {
            _closed = true;
            Wake();
        }
    }

    /// <summary>Sleeps although there is work, until the time is up or the queue is closed.</summary>
    internal void WaitForSpace(int milliseconds)
    {
        lock (_gate)
        {
            if (!_closed)
            {
                Monitor.Wait(_gate, milliseconds);
            }
        }
    }

    private void TakeEntries(int entries, int marks)
    {
        if (entries == _waiting.Count)
        {
            (_waiting, _inHand) = (_inHand, _waiting);
            _marks.RemoveRange(0, marks);
        }
        else
        {
            _inHand.AddRange(CollectionsMarshal.AsSpan(_waiting)[..entries]);
            _waiting.RemoveRange(0, entries);
            _marks.RemoveRange(0, marks);
        }

        foreach (ref Mark mark in CollectionsMarshal.AsSpan(_marks))
        {
            mark.EntriesEnd -= entries;
        }
    }

    /// <summary>
    /// Drops waiting entries that a new append replaces. The appends that brought them must not be acknowledged
    /// before it: their entries are never written, and without the new ones the disk would have neither.
    /// </summary>
    private Mark Supersede(int kept, Mark mark)
    {
        if (kept < _waiting.Count)
        {
            _waiting.RemoveRange(kept, _waiting.Count - kept);
        }

        int first = _marks.Count;
        while (first > 0 && _marks[first - 1].EntriesEnd > kept)
        {
            first--;
            mark.HardState ??= _marks[first].HardState;
            mark.Bytes += _marks[first].Bytes;
        }

        _marks.RemoveRange(first, _marks.Count - first);
        return mark;
    }

    private bool TryFind(LogIndex index, out Entry entry)
    {
        List<Entry> list = _waiting.Count > 0 && index >= _waiting[0].Index ? _waiting : _inHand;
        long at = list.Count > 0 ? index - list[0].Index : -1;
        bool found = at >= 0 && at < list.Count;
        entry = found ? list[(int)at] : default;
        return found;
    }

    private void Wake()
    {
        if (_writerSleeps || _closed)
        {
            Monitor.PulseAll(_gate);
        }
    }
}
