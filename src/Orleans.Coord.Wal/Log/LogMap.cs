namespace Orleans.Coord.Wal;

/// <summary>
/// Where on disk each entry is: a sparse list of extents, stretches of a segment in which indexes rise by one, at
/// least 64 KiB apart. An extent counts up to where the next begins, so replaced entries are never found.
/// Shared by the writer and the replica under one lock that is never held while reading or writing a file.
/// </summary>
internal sealed class LogMap
{
    private const long ExtentBytes = 64 << 10;
    private readonly Lock _gate = new();
    private readonly List<Segment> _segments = [];
    private readonly List<Extent> _extents = [];
    private LogIndex _last;

    private readonly record struct Extent(LogIndex First, Segment Segment, long Offset);

    /// <summary>The newest entry on disk, or the one before the log's start.</summary>
    internal LogIndex LastIndex
    {
        get
        {
            lock (_gate)
            {
                return _last;
            }
        }
    }

    internal LogIndex FirstIndex
    {
        get
        {
            lock (_gate)
            {
                return _extents.Count > 0 ? _extents[0].First : _last.Next;
            }
        }
    }

    /// <summary>Adds a segment at the log's end.</summary>
    internal void Add(Segment segment)
    {
        lock (_gate)
        {
            if (_segments.Count == 0)
            {
                _last = segment.Header.PreviousIndex;
            }

            _segments.Add(segment);
        }
    }

    /// <summary>Takes note of a batch that is on disk now.</summary>
    internal void Add(Segment segment, long offset, in BatchHeader batch)
    {
        lock (_gate)
        {
            Invariant.Check(_segments.Count > 0 && ReferenceEquals(_segments[^1], segment));
            if (batch.ResetTerm is not null)
            {
                _extents.Clear();
                _last = batch.FirstIndex - 1;
            }

            if (batch.Count == 0)
            {
                return;
            }

            Invariant.Check(batch.FirstIndex <= _last.Next);
            while (_extents.Count > 0 && _extents[^1].First >= batch.FirstIndex)
            {
                _extents.RemoveAt(_extents.Count - 1);
            }

            bool follows = batch.FirstIndex == _last.Next && _extents.Count > 0
                && ReferenceEquals(_extents[^1].Segment, segment) && offset - _extents[^1].Offset < ExtentBytes;
            if (!follows)
            {
                _extents.Add(new Extent(batch.FirstIndex, segment, offset));
            }

            _last = batch.LastIndex;
        }
    }

    /// <summary>Finds where to start looking for an entry, and the last index that may be read from there on.</summary>
    internal (Segment Segment, long Offset, LogIndex Last) Find(LogIndex index)
    {
        lock (_gate)
        {
            Invariant.Check(_extents.Count > 0 && index >= _extents[0].First && index <= _last);
            int low = 0;
            int high = _extents.Count - 1;
            while (low < high)
            {
                int middle = (low + high + 1) / 2;
                (low, high) = _extents[middle].First <= index ? (middle, high) : (low, middle - 1);
            }

            LogIndex last = low + 1 < _extents.Count ? _extents[low + 1].First - 1 : _last;
            return (_extents[low].Segment, _extents[low].Offset, last);
        }
    }

    /// <summary>Takes out the oldest segments whose entries all lie at or before an index; never the newest.</summary>
    internal void Trim(LogIndex index, List<Segment> removed)
    {
        lock (_gate)
        {
            while (_segments.Count > 1 && EndOfOldest() <= index)
            {
                Segment oldest = _segments[0];
                removed.Add(oldest);
                _segments.RemoveAt(0);
                int extents = 0;
                while (extents < _extents.Count && ReferenceEquals(_extents[extents].Segment, oldest))
                {
                    extents++;
                }

                _extents.RemoveRange(0, extents);
            }
        }
    }

    /// <summary>The open segments, oldest first.</summary>
    internal Segment[] Segments()
    {
        lock (_gate)
        {
            return [.. _segments];
        }
    }

    /// <summary>Closes the files.</summary>
    internal void Close()
    {
        foreach (Segment segment in Segments())
        {
            segment.File.Dispose();
        }
    }

    private LogIndex EndOfOldest()
    {
        foreach (Extent extent in _extents)
        {
            if (!ReferenceEquals(extent.Segment, _segments[0]))
            {
                return extent.First - 1;
            }
        }

        return _extents.Count > 0 ? _last : new LogIndex(long.MinValue);
    }
}
