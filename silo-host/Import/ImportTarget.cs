using Orleans.Coord.Consensus;
using Orleans.Coord.Jute;
using Orleans.Coord.Replication;
using Orleans.Coord.Tree;
using Orleans.Coord.Wal;

namespace Orleans.Coord.SiloHost.Import;

/// <summary>
/// Writes a tree as the first snapshot of a new data directory. Its index is above every zxid imported, so clients
/// that have seen those are served.
/// </summary>
internal sealed class ImportTarget : ILogStoreObserver
{
    private const int SliceZnodes = 1000;

    private bool _persisted;
    private StorageException? _failure;

    /// <summary>Refuses a folder that holds a silo's data already.</summary>
    /// <exception cref="StartupException">It does.</exception>
    public static void CheckFree(string path)
    {
        if (Directory.Exists(path) && Directory.EnumerateFiles(path, "snapshot-*").Any())
        {
            throw new StartupException($"{path} holds a silo's data already; import into an empty folder.");
        }
    }

    /// <summary>Writes the tree, then reads it back and compares digests.</summary>
    /// <param name="path">The data directory.</param>
    /// <param name="voters">The members of the group that starts from it.</param>
    /// <param name="machine">The tree.</param>
    /// <exception cref="StorageException">It cannot be written, or does not read back.</exception>
    public static void Write(string path, IEnumerable<ReplicaId> voters, CoordStateMachine machine)
    {
        CheckFree(path);
        var target = new ImportTarget();
        var metadata = new SnapshotMetadata(
            new LogIndex(machine.LastApplied), new Term(1), QuorumConfig.Create([.. voters]).Encode());
        using DataDirectory directory = DataDirectory.Open(
            path, new WalOptions { OwnThreads = false }, new NativeDisk());
        directory.Start(target);
        if (directory.Log.LastIndex.Value > 0)
        {
            throw new StartupException($"{path} holds a silo's log already; import into an empty folder.");
        }

        directory.Log.Append([], new HardState(metadata.Term, ReplicaId.None, metadata.Index), 1);
        target.Fill(directory, machine, metadata);
        ulong digest = CoordStateMachine.Restore(directory.Snapshots.ReadChunks(metadata)).Digest;
        if (digest != machine.Digest)
        {
            throw new StorageException($"What was written to {path} does not read back as it was.");
        }
    }

    private void Fill(DataDirectory directory, CoordStateMachine machine, SnapshotMetadata metadata)
    {
        ISnapshotWriter writer = directory.Snapshots.Create(metadata);
        TreeSnapshot snapshot = machine.BeginSnapshot();
        var chunk = new JuteWriter();
        bool more;
        do
        {
            chunk.Clear();
            more = snapshot.NextSlice(chunk, SliceZnodes);
            writer.Write(chunk.Written);
            Run(directory);
        }
        while (more);

        writer.Commit();
        Run(directory);
        if (!_persisted)
        {
            throw _failure ?? new StorageException($"The snapshot in {directory.Path} was not finished.");
        }

        // The log begins behind it.
        directory.Log.Reset(metadata.Index, metadata.Term, 2);
        Run(directory);
    }

    private void Run(DataDirectory directory)
    {
        while (_failure is null && directory.RunOnce())
        {
        }

        if (_failure is not null)
        {
            throw _failure;
        }
    }

    void ILogStoreObserver.Persisted(long token)
    {
        // The last step is a snapshot's, and that is waited for.
    }

    void ILogStoreObserver.SnapshotPersisted(SnapshotMetadata metadata) => _persisted = true;

    void ILogStoreObserver.SnapshotAborted(SnapshotMetadata metadata) => _failure = NoSpace();

    void ILogStoreObserver.Failed(StorageException error) => _failure = error;

    void ILogStoreObserver.DiskLow(bool low)
    {
        if (low)
        {
            _failure = NoSpace();
        }
    }

    private static StorageException NoSpace() => new("There is not enough free space on the disk for the import.");
}
