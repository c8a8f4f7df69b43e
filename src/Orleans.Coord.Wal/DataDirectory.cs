using Orleans.Coord.Consensus;
using Orleans.Coord.Replication;

namespace Orleans.Coord.Wal;

/// <summary>
/// A replica's data on disk, owned exclusively from opening to disposal: log, hard state, snapshots. Opening takes
/// the lock, recovers what is there and raises the generation, in that order; only then may the replica speak.
/// </summary>
public sealed class DataDirectory : IDisposable
{
    private readonly IDisposable _lock;
    private readonly AppendQueue _queue = new();
    private readonly LogMap _map;
    private readonly LogWriter _writer;
    private readonly SegmentFactory _factory;
    private readonly SnapshotStore _snapshots;
    private readonly SpaceMonitor _space;
    private readonly BackgroundThreads? _threads;
    private readonly AutoResetEvent _backgroundWork = new(false);
    private ILogStoreObserver? _observer;
    private bool _disposed;

    private DataDirectory(string path, WalOptions options, IDisk disk, IDisposable ownership)
    {
        Path = path;
        _lock = ownership;
        _factory = new SegmentFactory(path, options, disk);
        _snapshots = new SnapshotStore(path, disk, Math.Max(1, options.SnapshotsKept), WakeBackground)
        {
            Faults = options.Faults,
        };
        _space = new SpaceMonitor(
            path, disk, options.ReserveBytes, options.QuickSegmentBytes, () => _snapshots.NewestBytes);

        Manifest manifest = DirectoryRecovery.TakeManifest(disk, path, options.DrawIncarnation);
        LogRecovery recovery = new(path, manifest, disk, options.AcceptTailLoss) { Faults = options.Faults };
        try
        {
            _snapshots.Load();
            recovery.Run();
            bool restart = DirectoryRecovery.Reconcile(path, recovery, _snapshots);
            manifest = manifest with { Generation = manifest.Generation + 1, NewestSegment = recovery.NewestNumber };
            manifest.Write(disk, path);
            recovery.Unusable.ForEach(disk.Delete);
            LogFiles files = new(path, manifest, disk, _factory, WakeBackground, recovery.NewestNumber);
            LogPosition position = recovery.StartAt(files);
            _writer = new LogWriter(files, _queue, recovery.Map, _space, options.MaxBatchBytes, position)
            {
                Faults = options.Faults,
            };
            if (restart && _snapshots.Latest is SnapshotMetadata snapshot)
            {
                _queue.Reset(snapshot.Index, snapshot.Term, long.MinValue);
                DirectoryRecovery.WriteNow(_writer);
            }
        }
        catch
        {
            recovery.Map.Close();
            throw;
        }

        Incarnation = manifest.Incarnation;
        Generation = manifest.Generation;
        Notes = recovery.Notes;
        _map = recovery.Map;
        Log = new LogStore(_queue, _map, _writer, _factory, _snapshots, WakeBackground) { Faults = options.Faults };
        _threads = options.OwnThreads ? new BackgroundThreads(_queue, _backgroundWork) : null;
    }

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>The durable log and hard state.</summary>
    public ILogStore Log { get; }

    /// <summary>The durable snapshots.</summary>
    public ISnapshotStore Snapshots => _snapshots;

    /// <summary>The file of a snapshot, which may be deleted once there are newer ones.</summary>
    public string FileOf(SnapshotMetadata snapshot) => System.IO.Path.Combine(Path, FileNames.Snapshot(snapshot));

    /// <summary>Drawn at random when the directory was made, never changed: another one means another disk.</summary>
    public ulong Incarnation { get; }

    /// <summary>Raised, durably, each time the directory is opened.</summary>
    public long Generation { get; }

    /// <summary>What recovery found and did, in sentences for the operator's log; empty after a clean start.</summary>
    public IReadOnlyList<string> Notes { get; }

    /// <summary>Opens a data directory, making it if there is none, and recovers what it holds.</summary>
    /// <exception cref="StorageException">It cannot be used or trusted; the message says what to do.</exception>
    public static DataDirectory Open(string path, WalOptions options, IDisk disk)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(disk);
        IDisposable? ownership = null;
        try
        {
            disk.CreateDirectory(path);
            ownership = disk.TryLock(System.IO.Path.Combine(path, FileNames.Lock), out string owner)
                ?? throw Refusal.Owned(path, owner);
            DataDirectory opened = new(path, options, disk, ownership);
            ownership = null;
            return opened;
        }
        catch (DiskException e)
        {
            throw Refusal.Unusable(path, e);
        }
        finally
        {
            ownership?.Dispose();
        }
    }

    /// <summary>Names who hears of completions, and starts the threads. Called once, before any append.</summary>
    public void Start(ILogStoreObserver observer)
    {
        Invariant.Check(_observer is null);
        _observer = observer;
        _threads?.Start(this);
    }

    /// <summary>
    /// Without own threads: does a step of the writer and one of the background work. False if neither had anything
    /// to do. Completions are delivered from here.
    /// </summary>
    public bool RunOnce() => RunWriterOnce() == WriterStep.Wrote | RunBackgroundOnce();

    /// <summary>Without own threads: looks at the free space, which the threads do once a second.</summary>
    public void CheckSpace()
    {
        try
        {
            _space.Check(Observer);
        }
        catch (DiskException e)
        {
            _writer.Fail(e, Observer);
        }
    }

    /// <summary>Writes what is queued, stops the threads, gives the directory free.</summary>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        if (_threads is not null)
        {
            _queue.Close();
            _backgroundWork.Set();
            _threads.Stop();
        }

        _snapshots.Close();
        _factory.Close();
        _map.Close();
        _backgroundWork.Dispose();
        _lock.Dispose();
    }

    internal WriterStep RunWriterOnce() => _writer.WriteOnce(Observer);

    internal bool RunBackgroundOnce()
    {
        if (_writer.HasFailed)
        {
            return false;
        }

        try
        {
            return _snapshots.RunOnce(Observer, _space) | _factory.RunOnce();
        }
        catch (DiskException e)
        {
            _writer.Fail(e, Observer);
            return false;
        }
    }

    private ILogStoreObserver Observer => _observer ?? throw new InvariantException("The directory is not started.");

    private void WakeBackground()
    {
        if (!_disposed)
        {
            _backgroundWork.Set();
        }
    }
}
