using Orleans.Coord.Consensus;
using Orleans.Coord.Replication;

namespace Orleans.Coord.Wal;

/// <summary>The snapshots of a data directory.</summary>
internal sealed class SnapshotStore(string directory, IDisk disk, int kept, Action wakeBackground) : ISnapshotStore
{
    private const string TemporaryName = "snapshot" + FileNames.Temporary;
    private readonly Lock _gate = new();
    private readonly List<SnapshotMetadata> _whole = [];
    private long _newestBytes;

    // Written one after the other: one that is given up, or still being finished, may not be in the next one's way.
    private readonly Queue<SnapshotWriter> _writers = new();

    /// <inheritdoc/>
    public SnapshotMetadata? Latest
    {
        get
        {
            lock (_gate)
            {
                return _whole.Count > 0 ? _whole[^1] : null;
            }
        }
    }

    /// <summary>Size of the newest snapshot's file; 0 without one.</summary>
    internal long NewestBytes => Interlocked.Read(ref _newestBytes);

    /// <summary>Bugs to plant; for tests only.</summary>
    internal WalFaults Faults { get; init; }

    /// <summary>Why snapshots newer than <see cref="Latest"/> were passed over when the directory was opened.</summary>
    internal List<(LogIndex Index, string Path, StorageException Why)> Damaged { get; } = [];

    /// <inheritdoc/>
    public ISnapshotWriter Create(SnapshotMetadata metadata)
    {
        lock (_gate)
        {
            var writer = new SnapshotWriter(this, metadata);
            _writers.Enqueue(writer);
            return writer;
        }
    }

    /// <inheritdoc/>
    public IEnumerable<ReadOnlyMemory<byte>> ReadChunks(SnapshotMetadata metadata) =>
        SnapshotFile.ReadChunks(PathOf(metadata), disk);

    /// <summary>
    /// Finds the snapshots at start-up. The newest is read through; if it is damaged, the one before, and so on.
    /// </summary>
    internal void Load()
    {
        List<(LogIndex Index, Term Term)> found = [];
        foreach (string name in disk.List(directory))
        {
            if (FileNames.IsSnapshot(name, out LogIndex index, out Term term))
            {
                found.Add((index, term));
            }
        }

        byte[] buffer = [];
        foreach ((LogIndex index, Term term) in found.OrderDescending())
        {
            string path = Path.Combine(directory, FileNames.Snapshot(index, term));
            try
            {
                using SnapshotReader reader = new(disk, path);
                while (_whole.Count == 0 && reader.TryReadChunk(ref buffer, out _))
                {
                }

                if (reader.Metadata.Index != index || reader.Metadata.Term != term)
                {
                    throw Refusal.Damaged(path, "its name is not the one in its header");
                }

                if (_whole.Count == 0)
                {
                    _newestBytes = reader.FileBytes;
                }

                _whole.Insert(0, reader.Metadata);
            }
            catch (StorageException e)
            {
                Damaged.Add((index, path, e));
            }
        }
    }

    /// <summary>Index of the oldest snapshot kept that the log, if it starts after an index, continues.</summary>
    internal LogIndex? OldestAtOrAfter(LogIndex index)
    {
        lock (_gate)
        {
            foreach (SnapshotMetadata snapshot in _whole)
            {
                if (snapshot.Index >= index)
                {
                    return snapshot.Index;
                }
            }

            return null;
        }
    }

    /// <summary>Does a step of writing; false if there is nothing to do.</summary>
    internal bool RunOnce(ILogStoreObserver observer, SpaceMonitor space)
    {
        SnapshotWriter? writer;
        lock (_gate)
        {
            _writers.TryPeek(out writer);
        }

        if (writer is null)
        {
            return false;
        }

        bool finished = true;
        bool worked = true;
        try
        {
            worked = writer.RunOnce(out finished);
        }
        catch (DiskException e) when (e.Error == DiskError.NoSpace)
        {
            // The log does not depend on it: give this one up, and say so.
            finished = true;
            writer.Discard();
            space.MarkFull(observer);
            observer.SnapshotAborted(writer.Metadata);
        }

        Finish(writer, finished, observer);
        return worked;
    }

    internal void Wake() => wakeBackground();

    internal IDiskFile CreateTemporary()
    {
        DeleteTemporary();
        return disk.Create(Path.Combine(directory, TemporaryName));
    }

    internal void DeleteTemporary() => disk.Delete(Path.Combine(directory, TemporaryName));

    /// <summary>Gives the written file its name, durably, and deletes what is too old.</summary>
    internal void Publish(SnapshotMetadata metadata, long bytes)
    {
        disk.Rename(Path.Combine(directory, TemporaryName), PathOf(metadata));
        if ((Faults & WalFaults.SkipDirectorySync) == 0)
        {
            disk.SyncDirectory(directory);
        }

        List<SnapshotMetadata> old = [];
        lock (_gate)
        {
            _whole.RemoveAll(other => other.Index == metadata.Index && other.Term == metadata.Term);
            int at = _whole.FindIndex(other => other.Index > metadata.Index);
            _whole.Insert(at < 0 ? _whole.Count : at, metadata);
            if (at < 0)
            {
                Interlocked.Exchange(ref _newestBytes, bytes);
            }

            int excess = Math.Max(0, _whole.Count - kept);
            old.AddRange(_whole[..excess]);
            _whole.RemoveRange(0, excess);
        }

        foreach (SnapshotMetadata snapshot in old)
        {
            disk.Delete(PathOf(snapshot));
        }

        // A damaged one has been of no use since start-up; unless the new one has just taken its name.
        foreach ((_, string path, _) in Damaged.Where(damaged => damaged.Path != PathOf(metadata)))
        {
            disk.Delete(path);
        }

        Damaged.Clear();
    }

    internal void Close()
    {
        foreach (SnapshotWriter writer in _writers)
        {
            writer.Close();
        }
    }

    private void Finish(SnapshotWriter writer, bool finished, ILogStoreObserver observer)
    {
        if (!finished)
        {
            return;
        }

        lock (_gate)
        {
            _writers.Dequeue();
        }

        if (writer.Published)
        {
            observer.SnapshotPersisted(writer.Metadata);
        }
    }

    private string PathOf(SnapshotMetadata metadata) => Path.Combine(directory, FileNames.Snapshot(metadata));
}
