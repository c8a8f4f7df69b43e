using System.Buffers.Binary;

namespace Orleans.Coord.Tree;

/// <summary>
/// A snapshot's way through the log: its chunks, each behind its length (four bytes, big-endian), cut into parts of one
/// size, and put together again.
/// </summary>
public static class SnapshotParts
{
    /// <summary>Bytes of every part but the last.</summary>
    public const int PartBytes = 256 << 10;

    /// <summary>Cuts a snapshot's chunks into parts.</summary>
    public static IEnumerable<ReadOnlyMemory<byte>> Cut(IEnumerable<ReadOnlyMemory<byte>> chunks)
    {
        ArgumentNullException.ThrowIfNull(chunks);
        byte[] part = new byte[PartBytes];
        int used = 0;
        foreach (ReadOnlyMemory<byte> piece in WithLengths(chunks))
        {
            for (ReadOnlyMemory<byte> rest = piece; !rest.IsEmpty;)
            {
                int taken = Math.Min(rest.Length, PartBytes - used);
                rest.Span[..taken].CopyTo(part.AsSpan(used));
                rest = rest[taken..];
                used += taken;
                if (used == PartBytes)
                {
                    yield return part;
                    part = new byte[PartBytes];
                    used = 0;
                }
            }
        }

        if (used > 0)
        {
            yield return part.AsMemory(0, used);
        }
    }

    /// <summary>The chunks that were cut.</summary>
    /// <exception cref="SnapshotFormatException">The parts end within one.</exception>
    internal static IEnumerable<ReadOnlyMemory<byte>> Join(IReadOnlyList<byte[]> parts)
    {
        var reader = new Reader(parts);
        byte[] length = new byte[sizeof(int)];
        while (reader.Rest > 0)
        {
            reader.Fill(length);
            int bytes = BinaryPrimitives.ReadInt32BigEndian(length);
            if (bytes < 0 || bytes > reader.Rest)
            {
                throw Cut();
            }

            byte[] chunk = new byte[bytes];
            reader.Fill(chunk);
            yield return chunk;
        }
    }

    private static SnapshotFormatException Cut() => new("This is no usable snapshot: a chunk is cut.");

    private static IEnumerable<ReadOnlyMemory<byte>> WithLengths(IEnumerable<ReadOnlyMemory<byte>> chunks)
    {
        foreach (ReadOnlyMemory<byte> chunk in chunks)
        {
            byte[] length = new byte[sizeof(int)];
            BinaryPrimitives.WriteInt32BigEndian(length, chunk.Length);
            yield return length;
            yield return chunk;
        }
    }

    private sealed class Reader(IReadOnlyList<byte[]> parts)
    {
        private int _part;
        private int _offset;

        public long Rest { get; private set; } = parts.Sum(static part => (long)part.Length);

        public void Fill(Span<byte> bytes)
        {
            if (bytes.Length > Rest)
            {
                throw Cut();
            }

            Rest -= bytes.Length;
            while (!bytes.IsEmpty)
            {
                ReadOnlySpan<byte> part = parts[_part].AsSpan(_offset);
                int taken = Math.Min(part.Length, bytes.Length);
                part[..taken].CopyTo(bytes);
                bytes = bytes[taken..];
                _offset += taken;
                if (taken == part.Length)
                {
                    _part++;
                    _offset = 0;
                }
            }
        }
    }
}
