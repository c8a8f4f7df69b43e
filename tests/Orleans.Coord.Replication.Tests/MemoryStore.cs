using Orleans.Coord.Consensus;

namespace Orleans.Coord.Replication.Tests;

/// <summary>A disk in memory whose syncs complete when the test says so; a crash keeps what was synced.</summary>
internal sealed class MemoryStore : ILogStore, ISnapshotStore
{
    private readonly List<Entry> _entries = [];
    private readonly Queue<(long Token, HardState? HardState)> _writes = [];
    private readonly Dictionary<SnapshotMetadata, List<ReadOnlyMemory<byte>>> _snapshots = [];
    private LogIndex _trimmed;
    private LogIndex _durable;
    private int _readsInVain;

    public HardState HardState { get; private set; }

    public LogIndex FirstIndex => _trimmed.Next;

    public LogIndex LastIndex => _trimmed + _entries.Count;

    public SnapshotMetadata? Latest { get; private set; }

    /// <summary>Snapshots written since the start, to be reported to the replica.</summary>
    public Queue<SnapshotMetadata> Finished { get; } = [];

    /// <summary>Snapshots given up for want of space, to be reported to the replica.</summary>
    public Queue<SnapshotMetadata> Aborted { get; } = [];

    /// <summary>How many were given up since the start.</summary>
    public int AbortedCount { get; private set; }

    /// <summary>Whether there is no space for a snapshot.</summary>
    public bool IsFull { get; set; }

    /// <summary>Whether no snapshot can be read.</summary>
    public bool IsDamaged { get; set; }

    public int Appends { get; private set; }

    public void Append(ReadOnlySpan<Entry> entries, HardState? hardState, long token)
    {
        Appends++;
        if (!entries.IsEmpty && entries[0].Index <= LastIndex)
        {
            int keep = (int)(entries[0].Index - FirstIndex);
            _entries.RemoveRange(keep, _entries.Count - keep);
            _durable = _durable < LastIndex ? _durable : LastIndex;
        }

        foreach (Entry entry in entries)
        {
            Assert.Equal(LastIndex.Next, entry.Index);
            _entries.Add(entry with { Payload = entry.Payload.ToArray() });
        }

        _writes.Enqueue((token, hardState));
    }

    /// <summary>
    /// Syncs all that is queued, as one group commit. Returns the token to report, 0 if there was nothing.
    /// </summary>
    public long Sync()
    {
        long token = 0;
        while (_writes.TryDequeue(out (long Token, HardState? HardState) write))
        {
            token = write.Token;
            HardState = write.HardState ?? HardState;
            _durable = LastIndex;
        }

        return token;
    }

    /// <summary>The process dies: what was not synced is gone.</summary>
    public void Crash()
    {
        _writes.Clear();
        int keep = (int)(_durable - _trimmed);
        _entries.RemoveRange(keep, _entries.Count - keep);
    }

    public void Read(LogIndex from, LogIndex to, int maxBytes, List<Entry> entries)
    {
        for (LogIndex at = from; at <= to; at = at.Next)
        {
            entries.Add(_entries[(int)(at - FirstIndex)]);
        }
    }

    public void TrimTo(LogIndex index)
    {
        if (index <= _trimmed)
        {
            return;
        }

        int count = (int)(index - _trimmed);
        _entries.RemoveRange(0, count);
        _trimmed = index;
        // A snapshot may stand for entries that the quorum has and this disk had not yet synced.
        _durable = _durable > index ? _durable : index;
    }

    public void Reset(LogIndex index, Term term, long token)
    {
        _entries.Clear();
        _trimmed = index;
        _durable = index;
        _writes.Enqueue((token, null));
    }

    public ISnapshotWriter Create(SnapshotMetadata metadata) => new Writer(this, metadata);

    public IEnumerable<ReadOnlyMemory<byte>> ReadChunks(SnapshotMetadata metadata)
    {
        if (IsDamaged)
        {
            Assert.True(++_readsInVain < 1000, "a damaged snapshot is read over and over");
            throw new StorageException("the snapshot is damaged");
        }

        return _snapshots[metadata];
    }

    private sealed class Writer(MemoryStore store, SnapshotMetadata metadata) : ISnapshotWriter
    {
        private readonly List<ReadOnlyMemory<byte>> _chunks = [];

        public long PendingBytes => 0;

        public void Write(ReadOnlySpan<byte> chunk) => _chunks.Add(chunk.ToArray());

        public void Commit()
        {
            if (store.IsFull)
            {
                store.AbortedCount++;
                store.Aborted.Enqueue(metadata);
                return;
            }

            store._snapshots[metadata] = _chunks;
            store.Latest = metadata;
            store.Finished.Enqueue(metadata);
        }

        public void Abort() => _chunks.Clear();
    }
}
