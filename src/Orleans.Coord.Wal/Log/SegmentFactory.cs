namespace Orleans.Coord.Wal;

/// <summary>
/// Makes empty segments: preallocated, filled with zeros and synced, because an append to a growing file costs twice
/// the sync, and because blank sectors prove after a crash what was never written. The next full-sized one is made
/// in the background, out of a trimmed segment if there is one.
/// </summary>
internal sealed class SegmentFactory(string directory, WalOptions options, IDisk disk)
{
    private const int ChunkBytes = 1 << 20;
    private const string SpareName = "spare" + FileNames.Temporary;
    private const string QuickName = "segment" + FileNames.Temporary;
    private static readonly byte[] Zeros = new byte[ChunkBytes];
    private readonly Lock _gate = new();
    private readonly Queue<Segment> _retired = new();
    private IDiskFile? _ready;
    private IDiskFile? _preparing;
    private long _preparedBytes;
    private bool _wanted;

    /// <summary>Asks for the next full-sized segment.</summary>
    internal void WantSpare()
    {
        lock (_gate)
        {
            _wanted = _ready is null;
        }
    }

    /// <summary>Takes segments that are no longer needed, to be reused or deleted.</summary>
    internal void Retire(IEnumerable<Segment> segments)
    {
        lock (_gate)
        {
            foreach (Segment segment in segments)
            {
                _retired.Enqueue(segment);
            }
        }
    }

    /// <summary>
    /// An empty segment with room for a batch: the prepared one, or a small one made now. Its zeros are durable no
    /// later than the header that the caller writes and syncs.
    /// </summary>
    internal (IDiskFile File, string Path) Take(long neededBytes)
    {
        lock (_gate)
        {
            if (_ready is not null && options.SegmentBytes >= neededBytes)
            {
                IDiskFile ready = _ready;
                _ready = null;
                return (ready, PathOf(SpareName));
            }
        }

        string path = PathOf(QuickName);
        long wanted = Math.Max(neededBytes, Math.Min(options.QuickSegmentBytes, options.SegmentBytes));
        long bytes = (wanted + Sector.Bytes - 1) / Sector.Bytes * Sector.Bytes;
        disk.Delete(path);
        IDiskFile file = disk.Create(path);
        try
        {
            file.Allocate(bytes);
            Zero(file, 0, bytes);
            return (file, path);
        }
        catch (DiskException)
        {
            // On a full disk the piece that did fit must not stay.
            file.Dispose();
            disk.Delete(path);
            throw;
        }
    }

    /// <summary>Does a piece of background work; false if there is none. Want of space is not an error.</summary>
    internal bool RunOnce()
    {
        if (_preparing is not null)
        {
            return PrepareMore(_preparing);
        }

        Segment? retired;
        bool wanted;
        lock (_gate)
        {
            wanted = _wanted && _ready is null;
            _retired.TryDequeue(out retired);
        }

        if (retired is not null)
        {
            Remove(retired, wanted);
            return true;
        }

        return wanted && BeginSpare();
    }

    internal void Close()
    {
        _ready?.Dispose();
        _preparing?.Dispose();
        while (_retired.TryDequeue(out Segment? segment))
        {
            segment.File.Dispose();
        }
    }

    internal static void Zero(IDiskFile file, long from, long to)
    {
        for (long at = from; at < to; at += ChunkBytes)
        {
            file.Write(at, Zeros.AsSpan(0, (int)Math.Min(ChunkBytes, to - at)));
        }
    }

    private void Remove(Segment segment, bool reuse)
    {
        reuse &= segment.Header.Capacity == options.SegmentBytes;
        if (reuse)
        {
            // Its old name must be gone for good before its content is.
            disk.Rename(segment.Path, PathOf(SpareName));
            disk.SyncDirectory(directory);
            _preparing = segment.File;
            _preparedBytes = 0;
        }
        else
        {
            disk.Delete(segment.Path);
            segment.File.Dispose();
        }
    }

    private bool BeginSpare()
    {
        // The reserve is for what cannot wait; a spare can.
        if (disk.FreeBytes(directory) < options.ReserveBytes + options.SegmentBytes)
        {
            return false;
        }

        disk.Delete(PathOf(SpareName));
        _preparing = disk.Create(PathOf(SpareName));
        _preparedBytes = 0;
        try
        {
            _preparing.Allocate(options.SegmentBytes);
            return true;
        }
        catch (DiskException e) when (e.Error == DiskError.NoSpace)
        {
            GiveUp(_preparing);
            return false;
        }
    }

    private bool PrepareMore(IDiskFile file)
    {
        try
        {
            // Synced piece by piece, so that the log's own syncs never queue behind a whole segment of zeros.
            long end = Math.Min(_preparedBytes + ChunkBytes, options.SegmentBytes);
            Zero(file, _preparedBytes, end);
            file.Sync();
            _preparedBytes = end;
        }
        catch (DiskException e) when (e.Error == DiskError.NoSpace)
        {
            GiveUp(file);
            return false;
        }

        if (_preparedBytes == options.SegmentBytes)
        {
            lock (_gate)
            {
                _ready = file;
                _preparing = null;
                _wanted = false;
            }
        }

        return true;
    }

    private void GiveUp(IDiskFile file)
    {
        _preparing = null;
        file.Dispose();
        disk.Delete(PathOf(SpareName));
    }

    private string PathOf(string name) => Path.Combine(directory, name);
}
