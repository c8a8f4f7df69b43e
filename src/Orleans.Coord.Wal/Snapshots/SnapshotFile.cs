using Orleans.Coord.Replication;

namespace Orleans.Coord.Wal;

/// <summary>A snapshot's file anywhere, such as a copy that an operator keeps.</summary>
public static class SnapshotFile
{
    /// <summary>Reads its chunks in the order and sizes they were written, checking each.</summary>
    /// <param name="path">The file.</param>
    /// <param name="disk">Where it is.</param>
    /// <exception cref="StorageException">The file is missing, is no snapshot, or fails a checksum.</exception>
    public static IEnumerable<ReadOnlyMemory<byte>> ReadChunks(string path, IDisk disk)
    {
        using SnapshotReader reader = new(disk, path);
        byte[] chunk = [];
        while (reader.TryReadChunk(ref chunk, out int length))
        {
            yield return chunk.AsMemory(0, length);

            // The consumer may keep what it got.
            chunk = [];
        }
    }
}
