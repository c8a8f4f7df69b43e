using Orleans.Coord.Consensus;
using Orleans.Coord.Replication;
using Orleans.Coord.Simulation;

namespace Orleans.Coord.Wal.Tests;

/// <summary>
/// One seed's run: random appends, overwrites, hard states, snapshots, installed snapshots and trims against the
/// real log over a simulated disk, which stops at a random operation again and again. After each restart the log
/// must be in a state that it was given between the last acknowledged one and the last one asked for.
/// </summary>
internal sealed class CrashWorld : ILogStoreObserver
{
    private const string Folder = "/data";
    private readonly SplitMix64 _random;
    private readonly WalOptions _options;
    private readonly List<LogState> _states = [new LogState(default, 0, [])];
    private IDisk _disk;
    private DataDirectory? _directory;
    private long _acknowledged;
    private SnapshotMetadata? _persistedSnapshot;
    private SnapshotMetadata? _installing;
    private bool _writingSnapshot;
    private bool _failed;

    /// <summary>A world with a disk, or with one in a store of records.</summary>
    internal CrashWorld(ulong seed, bool inRecords = false)
    {
        _random = new SplitMix64(seed);
        Disk = new SimDisk(_random.Next());
        _disk = Disk;
        if (inRecords)
        {
            Records = new MemoryRecords(_random.Next());
            _disk = Records.Disk();
        }

        _options = Make.SmallOptions with
        {
            SegmentBytes = (4 + _random.Below(40)) << 10,
            QuickSegmentBytes = (2 + _random.Below(8)) << 10,
            MaxBatchBytes = 1 << (8 + _random.Below(10)),
            SnapshotsKept = 1 + _random.Below(3),
        };
    }

    internal SimDisk Disk { get; }

    internal MemoryRecords? Records { get; }

    internal RecordDisk RecordDisk => (RecordDisk)_disk;

    internal SplitMix64 Random => _random;

    /// <summary>Set when files were damaged: then an older snapshot may stand in for the newest.</summary>
    internal bool FilesMayBeDamaged { get; set; }

    private LogState Now => _states[^1];

    /// <summary>Runs until the disk stops the machine or the steps are done, then stops it.</summary>
    internal void RunUntilCrash(int steps)
    {
        CrashAfter(_random.Below(4 * steps));
        try
        {
            for (int i = 0; i < steps && !_failed; i++)
            {
                Step(_directory!);
            }
        }
        catch (SimCrashException)
        {
            // What was under way is part of the test.
        }

        Restart();
    }

    /// <summary>Opens the directory, perhaps with more crashes while it recovers, and checks what it holds.</summary>
    internal void Recover()
    {
        _failed = false;
        _writingSnapshot = false;
        _installing = null;
        while (true)
        {
            try
            {
                CrashAfter(_random.Below(2) == 0 ? int.MaxValue : _random.Below(40));
                _directory = DataDirectory.Open(Folder, _options, _disk);
                CrashAfter(int.MaxValue);
                _directory.Start(this);
                Check(_directory);
                return;
            }
            catch (SimCrashException)
            {
                Restart();
            }
        }
    }

    public void Persisted(long token)
    {
        Assert.False(_failed);
        Assert.InRange(token, _acknowledged + 1, _states.Count - 1);
        _acknowledged = token;
    }

    public void SnapshotPersisted(SnapshotMetadata metadata)
    {
        _persistedSnapshot = metadata;
        _writingSnapshot = false;
        if (_installing is not null && (metadata.Index.Value > Now.Last
            || Now.TermAt(metadata.Index.Value) != metadata.Term.Value))
        {
            _states.Add(Now with { Base = metadata.Index.Value, Terms = [] });
            _directory!.Log.Reset(metadata.Index, metadata.Term, _states.Count - 1);
        }

        _installing = null;
    }

    public void SnapshotAborted(SnapshotMetadata metadata) => _writingSnapshot = false;

    void ILogStoreObserver.Failed(StorageException error) => _failed = true;

    public void DiskLow(bool low)
    {
    }

    private void CrashAfter(int operations)
    {
        Disk.CrashAfter(operations);
        Records?.CrashAfter(operations);
    }

    private void Restart()
    {
        Disk.Restart(_random.Below(2) == 0 ? CrashKind.Kill : CrashKind.PowerLoss);
        if (Records is not null)
        {
            Records.Restart();
            _disk = Records.Disk();
        }
    }

    private void Step(DataDirectory directory)
    {
        switch (_random.Below(10))
        {
            case < 4:
                Append(directory.Log);
                break;
            case < 8:
                directory.RunOnce();
                (_disk as RecordDisk)?.DeleteSome();
                break;
            case 8:
                Snapshot(directory.Snapshots);
                break;
            default:
                directory.Log.TrimTo(new LogIndex(_persistedSnapshot?.Index.Value ?? 0));
                ReadBack(directory.Log);
                break;
        }
    }

    private void Append(ILogStore log)
    {
        LogState now = Now;
        HardState state = now.HardState;
        long term = Math.Max(1, state.Term.Value);
        long first = now.Last + 1;
        long lowest = Math.Max(Math.Max(now.Base, _persistedSnapshot?.Index.Value ?? 0), now.Committed) + 1;
        if (_random.Below(6) == 0 && lowest <= now.Last)
        {
            // A new leader replaces what was never committed.
            first = lowest + _random.Below((int)(now.Last - lowest) + 1);
            state = state with { Term = new Term(++term) };
        }

        int count = _random.Below(8);
        bool changes = count == 0 || state != now.HardState || _random.Below(4) == 0;
        List<long> terms = [.. now.Terms.Take((int)(first - now.Base - 1))];
        List<Entry> entries = [];
        for (int i = 0; i < count; i++)
        {
            entries.Add(EntryAt(first + i, term));
            terms.Add(term);
        }

        state = new HardState(new Term(term), new ReplicaId((byte)(1 + _random.Below(3))), state.Commit);
        if (count == 0)
        {
            terms = [.. now.Terms];
        }

        _states.Add(new LogState(changes ? state : now.HardState, now.Base, terms));
        log.Append(entries.ToArray(), changes ? state : null, _states.Count - 1);
    }

    private void Snapshot(ISnapshotStore store)
    {
        LogState acknowledged = _states[(int)_acknowledged];
        long lowest = Math.Max(_persistedSnapshot?.Index.Value ?? 0, Now.Base);
        if (_writingSnapshot)
        {
            return;
        }

        SnapshotMetadata metadata;
        if (_random.Below(4) == 0)
        {
            metadata = Make.Metadata(Now.Last + 1 + _random.Below(20), Math.Max(1, Now.HardState.Term.Value));
            _installing = metadata;
        }
        else
        {
            long last = Math.Min(acknowledged.Last, Now.Last);
            long index = lowest + 1 + _random.Below((int)Math.Max(1, last - lowest));
            if (index > last || index <= acknowledged.Base || acknowledged.TermAt(index) != Now.TermAt(index))
            {
                return;
            }

            metadata = Make.Metadata(index, Now.TermAt(index));
        }

        _writingSnapshot = true;
        ISnapshotWriter writer = store.Create(metadata);
        foreach (byte[] chunk in Chunks(metadata))
        {
            writer.Write(chunk);
        }

        if (_random.Below(8) == 0)
        {
            writer.Abort();
            (_writingSnapshot, _installing) = (false, null);
            while (_directory!.RunBackgroundOnce())
            {
            }
        }
        else
        {
            // What a snapshot stands for is committed, hence never replaced.
            _states[^1] = Now with { Committed = Math.Max(Now.Committed, metadata.Index.Value) };
            writer.Commit();
        }
    }

    private void Check(DataDirectory directory)
    {
        // A crash alone never makes a file look damaged.
        Assert.True(FilesMayBeDamaged || !directory.Notes.Any(note => note.Contains("is damaged")));
        SnapshotMetadata? latest = directory.Snapshots.Latest;
        bool kept = (latest?.Index.Value ?? 0) >= (_persistedSnapshot?.Index.Value ?? 0);
        Assert.True(kept || FilesMayBeDamaged, "a snapshot is gone");
        if (latest is not null)
        {
            Assert.Equal(
                Chunks(latest), [.. directory.Snapshots.ReadChunks(latest).Select(chunk => chunk.ToArray())]);
        }

        _persistedSnapshot = latest;
        Assert.True(directory.Log.FirstIndex.Value <= (latest?.Index.Value ?? 0) + 1, "the log starts too late");
        List<Entry> entries = Make.ReadAll(directory.Log);
        for (int k = _states.Count - 1; k >= _acknowledged; k--)
        {
            LogState candidate = _states[k].After(latest);
            if (candidate.Matches(directory.Log, entries))
            {
                foreach (Entry entry in entries)
                {
                    Make.AssertEqual(EntryAt(entry.Index.Value, entry.Term.Value), entry);
                }

                // Later tokens count on from here; what was asked for and lost is forgotten.
                _states.RemoveRange(k + 1, _states.Count - k - 1);
                _states.Add(candidate);
                _acknowledged = _states.Count - 1;
                return;
            }
        }

        Assert.Fail($"the log recovered, {directory.Log.FirstIndex} to {directory.Log.LastIndex} with hard state " +
            $"{directory.Log.HardState}, is none of the states {_acknowledged} to {_states.Count - 1}");
    }

    private static void ReadBack(ILogStore log)
    {
        foreach (Entry entry in Make.ReadAll(log))
        {
            Make.AssertEqual(EntryAt(entry.Index.Value, entry.Term.Value), entry);
        }
    }

    private static Entry EntryAt(long index, long term) =>
        Make.Entry(index, term, (int)(((index * 37) + (term * 11)) % (index % 13 == 0 ? 3000 : 200)));

    private static byte[][] Chunks(SnapshotMetadata metadata)
    {
        byte[][] chunks = new byte[metadata.Index.Value % 4][];
        for (int i = 0; i < chunks.Length; i++)
        {
            chunks[i] = EntryAt((metadata.Index.Value * 13) + i, metadata.Term.Value).Payload.ToArray();
        }

        return chunks;
    }
}
