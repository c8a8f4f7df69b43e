namespace Orleans.Coord.Consensus.Tests.Sim;

/// <summary>
/// A member's disk: what is durable, what has been written and is not yet, and the snapshot. Writes complete in order,
/// when the test says so; a crash loses those that had not.
/// </summary>
internal sealed class MemoryStore
{
    private readonly Queue<Write> _pending = new();
    private readonly LogFile _written = new();
    private readonly LogFile _durable = new();

    public HardState HardState { get; private set; }

    public SnapshotMetadata Snapshot { get; private set; } = new(default, default, QuorumConfig.Empty.Encode());

    public byte[] SnapshotBytes { get; private set; } = [];

    public int PendingWrites => _pending.Count;

    public LogIndex FirstIndex => _durable.Base.Next;

    public LogIndex LastIndex => _durable.Last;

    public void Format(QuorumConfig config) => Snapshot = Snapshot with { Configuration = config.Encode() };

    public void Append(ReadOnlySpan<Entry> entries, HardState? hardState, long token) =>
        Queue(new Write(token, entries.ToArray(), hardState, null));

    public void Reset(LogReset reset) => Queue(new Write(reset.Token, [], null, reset.Index));

    public long CompleteNext()
    {
        Write write = _pending.Dequeue();
        _durable.Apply(write);
        HardState = write.HardState ?? HardState;
        return write.Token;
    }

    /// <summary>The process dies; of the writes under way, a few may have reached the disk without a word.</summary>
    public void Crash(int survivors)
    {
        for (int i = 0; i < survivors && _pending.Count > 0; i++)
        {
            CompleteNext();
        }

        _pending.Clear();
        _written.CopyFrom(_durable);
    }

    /// <summary>What another owner of the store finds in it.</summary>
    public MemoryStore Copy()
    {
        var copy = new MemoryStore { HardState = HardState, Snapshot = Snapshot, SnapshotBytes = SnapshotBytes };
        copy._durable.CopyFrom(_durable);
        copy._written.CopyFrom(_durable);
        return copy;
    }

    public void SaveSnapshot(SnapshotMetadata snapshot, byte[] bytes)
    {
        if (snapshot.Index > Snapshot.Index)
        {
            Snapshot = snapshot;
            SnapshotBytes = bytes;
        }
    }

    public void TrimTo(LogIndex index)
    {
        _written.TrimTo(index);
        _durable.TrimTo(index);
    }

    public void Read(LogIndex from, LogIndex to, int maxBytes, List<Entry> entries)
    {
        int bytes = 0;
        for (LogIndex i = from; i <= to && (i == from || bytes < maxBytes); i = i.Next)
        {
            Entry entry = _written.Get(i);
            entries.Add(entry);
            bytes += entry.Payload.Length;
        }
    }

    private void Queue(Write write)
    {
        _pending.Enqueue(write);
        _written.Apply(write);
    }

    private sealed record Write(long Token, Entry[] Entries, HardState? HardState, LogIndex? ResetTo);

    private sealed class LogFile
    {
        private readonly List<Entry> _entries = [];

        public LogIndex Base { get; private set; }

        public LogIndex Last => Base + _entries.Count;

        public Entry Get(LogIndex index) => _entries[(int)(index - Base) - 1];

        public void Apply(Write write)
        {
            if (write.ResetTo is { } index)
            {
                _entries.Clear();
                Base = index;
            }

            foreach (Entry entry in write.Entries)
            {
                Put(entry);
            }
        }

        public void TrimTo(LogIndex index)
        {
            LogIndex to = index < Last ? index : Last;
            if (to > Base)
            {
                _entries.RemoveRange(0, (int)(to - Base));
                Base = to;
            }
        }

        public void CopyFrom(LogFile other)
        {
            _entries.Clear();
            _entries.AddRange(other._entries);
            Base = other.Base;
        }

        private void Put(Entry entry)
        {
            int at = (int)(entry.Index - Base) - 1;
            Invariant.Check(at <= _entries.Count);
            if (at >= 0)
            {
                _entries.RemoveRange(at, _entries.Count - at);
                _entries.Add(entry);
            }
        }
    }
}
