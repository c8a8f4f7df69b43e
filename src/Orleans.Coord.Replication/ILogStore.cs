using Orleans.Coord.Consensus;

namespace Orleans.Coord.Replication;

/// <summary>
/// The durable log and hard state of one replica. Opened, recovered and exclusively owned before it is handed out.
/// Called by the replica in its turn only; nothing here waits for the disk except <see cref="Read"/>.
/// </summary>
public interface ILogStore
{
    /// <summary>The newest durable hard state; all zero in an empty store.</summary>
    HardState HardState { get; }

    /// <summary>Index of the oldest entry that can be read; one more than <see cref="LastIndex"/> if none.</summary>
    LogIndex FirstIndex { get; }

    /// <summary>Index of the newest entry handed to <see cref="Append"/>, or recovered; 0 if none ever.</summary>
    LogIndex LastIndex { get; }

    /// <summary>
    /// Queues entries and hard state to be written and synced. Does not wait: <see cref="ILogStoreObserver.Persisted"/>
    /// follows. Everything queued while one sync runs shares the next one (group commit). If the first entry's index
    /// is not above <see cref="LastIndex"/>, the stored entries from there on are replaced.
    /// </summary>
    /// <param name="entries">Consecutive entries; may be empty. The span is copied, the payloads are kept.</param>
    /// <param name="hardState">The hard state that becomes durable with them, or null if it has not changed.</param>
    /// <param name="token">Strictly rising; named again in the completion.</param>
    void Append(ReadOnlySpan<Entry> entries, HardState? hardState, long token);

    /// <summary>
    /// Reads entries <paramref name="from"/> to <paramref name="to"/>, both included, into
    /// <paramref name="entries"/>; stops early after about <paramref name="maxBytes"/> of payload, but reads one at
    /// least. Entries not yet synced can be read too.
    /// </summary>
    /// <exception cref="StorageException">The bytes on disk fail their checksum or cannot be read.</exception>
    void Read(LogIndex from, LogIndex to, int maxBytes, List<Entry> entries);

    /// <summary>
    /// The entries up to <paramref name="index"/> are covered by a durable snapshot and may be deleted.
    /// </summary>
    void TrimTo(LogIndex index);

    /// <summary>
    /// A snapshot from a leader was installed: the log restarts, empty, after <paramref name="index"/>.
    /// </summary>
    void Reset(LogIndex index, Term term, long token);
}

/// <summary>Receives a store's completions. May be called from the store's own thread: posts to the mailbox.</summary>
public interface ILogStoreObserver
{
    /// <summary>All appends with this token or a lower one are durable.</summary>
    void Persisted(long token);

    /// <summary>A snapshot written through <see cref="ISnapshotWriter"/> is durable under its final name.</summary>
    void SnapshotPersisted(SnapshotMetadata metadata);

    /// <summary>
    /// A snapshot could not be written for want of space; nothing of it is kept. The log goes on, and another
    /// snapshot can be started once there is space.
    /// </summary>
    void SnapshotAborted(SnapshotMetadata metadata);

    /// <summary>
    /// A write or sync failed. Final: no completion follows, and the replica must stop; retrying a failed sync lies.
    /// </summary>
    void Failed(StorageException error);

    /// <summary>
    /// Free disk space fell below the reserve and the room for another snapshot (true), or is above it again (false).
    /// </summary>
    void DiskLow(bool low);
}

/// <summary>The durable snapshots of one replica, the newest of which starts a restart.</summary>
public interface ISnapshotStore
{
    /// <summary>The newest whole snapshot, or null.</summary>
    SnapshotMetadata? Latest { get; }

    /// <summary>
    /// Starts writing a snapshot aside. It waits for one begun before until that is committed or given up.
    /// </summary>
    ISnapshotWriter Create(SnapshotMetadata metadata);

    /// <summary>Reads a snapshot's chunks in the order and sizes they were written, checking each.</summary>
    /// <exception cref="StorageException">The file is missing or fails a checksum.</exception>
    IEnumerable<ReadOnlyMemory<byte>> ReadChunks(SnapshotMetadata metadata);
}

/// <summary>Takes a snapshot's chunks. Called in the replica's turn; writing happens elsewhere.</summary>
public interface ISnapshotWriter
{
    /// <summary>Bytes handed over and not yet written; the replica pauses while there are more than it likes.</summary>
    long PendingBytes { get; }

    /// <summary>Queues one chunk; the bytes are copied.</summary>
    void Write(ReadOnlySpan<byte> chunk);

    /// <summary>
    /// No more chunks: sync, rename, sync the directory, then <see cref="ILogStoreObserver.SnapshotPersisted"/>.
    /// </summary>
    void Commit();

    /// <summary>Gives the snapshot up and deletes what was written.</summary>
    void Abort();
}

/// <summary>
/// The storage cannot be used or trusted. The message names the file and says what the operator can do.
/// </summary>
public sealed class StorageException : IOException
{
    /// <summary>Creates an exception without a text.</summary>
    public StorageException()
    {
    }

    /// <summary>Creates an exception that says what failed, where, and what to do.</summary>
    public StorageException(string message)
        : base(message)
    {
    }

    /// <summary>Creates an exception that says what failed, where, what to do, and its cause.</summary>
    public StorageException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
