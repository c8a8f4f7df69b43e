using System.Buffers.Binary;
using Orleans.Coord.Consensus;

namespace Orleans.Coord.Wal;

/// <summary>
/// A snapshot file: header with metadata, chunks each under its own checksum, a footer that says how many chunks and
/// bytes there must be and holds a checksum over the chunks' checksums.
/// </summary>
internal static class SnapshotFormat
{
    internal const int HeaderBytes = 40;
    internal const int ChunkHeaderBytes = 8;
    internal const int FooterBytes = 32;
    internal const int MaxChunkBytes = 64 << 20;
    private const ulong Magic = 0x50414E53_44524F43; // "CORDSNAP"
    private const ulong FooterMagic = 0x444E4550_414E5344; // "DSNAPEND"
    private const int Version = 1;

    /// <summary>The header and the configuration behind it.</summary>
    internal static byte[] Header(SnapshotMetadata metadata)
    {
        byte[] bytes = new byte[HeaderBytes + metadata.Configuration.Length];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), Version);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(12), metadata.Configuration.Length);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16), metadata.Index.Value);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(24), metadata.Term.Value);
        metadata.Configuration.Span.CopyTo(bytes.AsSpan(HeaderBytes));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(32), HeaderCrc(bytes));
        return bytes;
    }

    /// <summary>Length of the configuration behind a header; -1 if this is not a header.</summary>
    internal static int ConfigurationBytes(ReadOnlySpan<byte> header)
    {
        int length = BinaryPrimitives.ReadInt32LittleEndian(header[12..]);
        return BinaryPrimitives.ReadUInt64LittleEndian(header) == Magic
            && BinaryPrimitives.ReadInt32LittleEndian(header[8..]) == Version
            && length is >= 0 and < MaxChunkBytes ? length : -1;
    }

    /// <summary>Decodes header and configuration; null if the checksum does not match.</summary>
    internal static SnapshotMetadata? Decode(ReadOnlySpan<byte> bytes) =>
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[32..]) != HeaderCrc(bytes) ? null : new SnapshotMetadata(
            new LogIndex(BinaryPrimitives.ReadInt64LittleEndian(bytes[16..])),
            new Term(BinaryPrimitives.ReadInt64LittleEndian(bytes[24..])),
            bytes[HeaderBytes..].ToArray());

    internal static uint ChunkCrc(long number, ReadOnlySpan<byte> chunk) => Crc32C.Compute((uint)number + 1, chunk);

    /// <summary>Adds a chunk's checksum to the one over all of them.</summary>
    internal static uint Chain(uint crc, uint chunkCrc)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, chunkCrc);
        return Crc32C.Compute(crc, bytes);
    }

    internal static void Footer(Span<byte> footer, long chunks, long dataBytes, uint chain)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(footer, FooterMagic);
        BinaryPrimitives.WriteInt64LittleEndian(footer[8..], chunks);
        BinaryPrimitives.WriteInt64LittleEndian(footer[16..], dataBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(footer[24..], chain);
        BinaryPrimitives.WriteUInt32LittleEndian(footer[28..], Crc32C.Compute(0, footer[..28]));
    }

    private static uint HeaderCrc(ReadOnlySpan<byte> bytes) =>
        Crc32C.Compute(Crc32C.Compute(0, bytes[..32]), bytes[HeaderBytes..]);
}
