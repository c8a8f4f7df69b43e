using System.Buffers.Binary;
using Orleans.Coord.Consensus;
using Orleans.Coord.Replication;

namespace Orleans.Coord.Wal;

/// <summary>Reads one snapshot file, checking all of it.</summary>
internal sealed class SnapshotReader : IDisposable
{
    private readonly string _path;
    private readonly IDiskFile _file;
    private long _offset;
    private long _chunks;
    private long _dataBytes;
    private uint _chain;

    internal SnapshotReader(IDisk disk, string path)
    {
        _path = path;
        try
        {
            _file = disk.Open(path);
        }
        catch (DiskException e) when (e.Error == DiskError.NotFound)
        {
            throw Refusal.Missing(path, "the state it holds cannot be rebuilt from the log");
        }

        try
        {
            Metadata = ReadHeader();
        }
        catch (StorageException)
        {
            _file.Dispose();
            throw;
        }
    }

    internal SnapshotMetadata Metadata { get; }

    internal long FileBytes => _file.Length;

    public void Dispose() => _file.Dispose();

    /// <summary>Reads the next chunk, enlarging the buffer if need be; false after the last, all checked.</summary>
    internal bool TryReadChunk(ref byte[] buffer, out int length)
    {
        length = 0;
        Span<byte> header = stackalloc byte[SnapshotFormat.FooterBytes];
        long rest = _file.Length - _offset;
        if (rest == SnapshotFormat.FooterBytes)
        {
            CheckFooter(header);
            return false;
        }

        header = header[..SnapshotFormat.ChunkHeaderBytes];
        ReadAll(header);
        length = BinaryPrimitives.ReadInt32LittleEndian(header);
        if (length < 0 || length > rest)
        {
            throw Refusal.Damaged(_path, _offset, "a chunk's length makes no sense");
        }

        if (buffer.Length < length)
        {
            buffer = GC.AllocateUninitializedArray<byte>(length);
        }

        ReadAll(buffer.AsSpan(0, length));
        uint crc = SnapshotFormat.ChunkCrc(_chunks, buffer.AsSpan(0, length));
        if (crc != BinaryPrimitives.ReadUInt32LittleEndian(header[4..]))
        {
            throw Refusal.Damaged(_path, _offset - length, "a chunk fails its checksum");
        }

        _chain = SnapshotFormat.Chain(_chain, crc);
        _chunks++;
        _dataBytes += length;
        return true;
    }

    private SnapshotMetadata ReadHeader()
    {
        byte[] bytes = new byte[SnapshotFormat.HeaderBytes];
        ReadAll(bytes);
        int more = SnapshotFormat.ConfigurationBytes(bytes);
        if (more >= 0 && more <= _file.Length - _offset)
        {
            Array.Resize(ref bytes, bytes.Length + more);
            ReadAll(bytes.AsSpan(SnapshotFormat.HeaderBytes));
            if (SnapshotFormat.Decode(bytes) is SnapshotMetadata metadata)
            {
                return metadata;
            }
        }

        throw Refusal.Damaged(_path, 0, "its header fails its checksum");
    }

    private void CheckFooter(Span<byte> footer)
    {
        Span<byte> expected = stackalloc byte[SnapshotFormat.FooterBytes];
        SnapshotFormat.Footer(expected, _chunks, _dataBytes, _chain);
        ReadAll(footer);
        if (!footer.SequenceEqual(expected))
        {
            throw Refusal.Damaged(_path, _offset - footer.Length, "its end does not match its chunks");
        }
    }

    private void ReadAll(Span<byte> bytes)
    {
        try
        {
            if (_file.Read(_offset, bytes) < bytes.Length)
            {
                throw Refusal.Damaged(_path, _offset, "the file ends there");
            }
        }
        catch (DiskException e)
        {
            throw Refusal.ReadFailed(_path, e);
        }

        _offset += bytes.Length;
    }
}
