using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Concurrent;
using Orleans.Coord.Consensus;
using Orleans.Coord.Replication;

namespace Orleans.Coord.Wal;

/// <summary>Takes a snapshot's chunks from the replica; the background's steps write them aside.</summary>
internal sealed class SnapshotWriter(SnapshotStore store, SnapshotMetadata metadata) : ISnapshotWriter
{
    // Synced as it grows: one sync of everything at the end would stall the log's own.
    private const long SyncEveryBytes = 4 << 20;
    private readonly ConcurrentQueue<(byte[] Bytes, int Length)> _queue = new();
    private IDiskFile? _file;
    private long _pendingBytes;
    private long _offset;
    private long _syncedTo;
    private long _chunks;
    private long _dataBytes;
    private uint _chain;
    private volatile bool _commit;
    private volatile bool _abort;

    /// <inheritdoc/>
    public long PendingBytes => Interlocked.Read(ref _pendingBytes);

    internal SnapshotMetadata Metadata => metadata;

    /// <summary>Whether the snapshot is durable under its own name.</summary>
    internal bool Published { get; private set; }

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<byte> chunk)
    {
        Invariant.Check(!_commit && chunk.Length <= SnapshotFormat.MaxChunkBytes);
        if (_abort)
        {
            return;
        }

        // The chunk's header goes in front, so that both are one write.
        int length = SnapshotFormat.ChunkHeaderBytes + chunk.Length;
        byte[] bytes = ArrayPool<byte>.Shared.Rent(length);
        chunk.CopyTo(bytes.AsSpan(SnapshotFormat.ChunkHeaderBytes));
        Interlocked.Add(ref _pendingBytes, length);
        _queue.Enqueue((bytes, length));
        store.Wake();
    }

    /// <inheritdoc/>
    public void Commit()
    {
        _commit = true;
        store.Wake();
    }

    /// <inheritdoc/>
    public void Abort()
    {
        _abort = true;
        store.Wake();
    }

    /// <summary>Writes one chunk, or finishes; false if there is nothing to do yet.</summary>
    internal bool RunOnce(out bool finished)
    {
        finished = false;
        if (_abort)
        {
            Discard();
            finished = true;
            return true;
        }

        // Read before the queue: a commit comes after the last chunk.
        bool commit = _commit;
        if (_queue.TryDequeue(out (byte[] Bytes, int Length) chunk))
        {
            WriteChunk(chunk.Bytes.AsSpan(0, chunk.Length));
            Interlocked.Add(ref _pendingBytes, -chunk.Length);
            ArrayPool<byte>.Shared.Return(chunk.Bytes);
            return true;
        }

        finished = commit;
        if (commit)
        {
            Finish();
        }

        return commit;
    }

    /// <summary>Deletes what was written; later chunks are ignored.</summary>
    internal void Discard()
    {
        _abort = true;
        while (_queue.TryDequeue(out (byte[] Bytes, int Length) chunk))
        {
            Interlocked.Add(ref _pendingBytes, -chunk.Length);
            ArrayPool<byte>.Shared.Return(chunk.Bytes);
        }

        Close();
        store.DeleteTemporary();
    }

    /// <summary>Closes the file and leaves it where it is.</summary>
    internal void Close()
    {
        _file?.Dispose();
        _file = null;
    }

    private void WriteChunk(Span<byte> chunk)
    {
        Span<byte> data = chunk[SnapshotFormat.ChunkHeaderBytes..];
        uint crc = SnapshotFormat.ChunkCrc(_chunks, data);
        BinaryPrimitives.WriteInt32LittleEndian(chunk, data.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(chunk[4..], crc);
        _chain = SnapshotFormat.Chain(_chain, crc);
        _chunks++;
        _dataBytes += data.Length;
        WriteBytes(chunk);
    }

    private void Finish()
    {
        Span<byte> footer = stackalloc byte[SnapshotFormat.FooterBytes];
        SnapshotFormat.Footer(footer, _chunks, _dataBytes, _chain);
        WriteBytes(footer);
        if ((store.Faults & WalFaults.RenameBeforeSync) == 0)
        {
            _file!.Sync();
        }

        Close();
        store.Publish(metadata, _offset);
        Published = true;
    }

    private void WriteBytes(ReadOnlySpan<byte> bytes)
    {
        if (_file is null)
        {
            _file = store.CreateTemporary();
            byte[] header = SnapshotFormat.Header(metadata);
            _file.Write(0, header);
            _offset = header.Length;
        }

        _file.Write(_offset, bytes);
        _offset += bytes.Length;
        if (_offset - _syncedTo >= SyncEveryBytes)
        {
            _file.Sync();
            _syncedTo = _offset;
        }
    }
}
