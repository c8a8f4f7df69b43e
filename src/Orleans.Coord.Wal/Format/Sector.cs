using System.Buffers.Binary;

namespace Orleans.Coord.Wal;

/// <summary>What a sector of a segment turned out to be.</summary>
internal enum SectorState
{
    /// <summary>All zero: never written since the segment was zeroed.</summary>
    Blank,

    /// <summary>Its checksum holds.</summary>
    Whole,

    /// <summary>Neither: a crash does not leave this, decay and misdirected writes do.</summary>
    Damaged,
}

/// <summary>
/// The unit that a disk tears is the unit that carries a checksum: 504 bytes of data, the low half of the batch's
/// sequence number, and a CRC-32C seeded with the segment and the sector's place. So after a crash it is known of
/// each sector by itself whether it reached the disk, and a batch whose write was cut short is told from one that
/// was whole once and has decayed since.
/// </summary>
internal static class Sector
{
    internal const int Bytes = 512;
    internal const int DataBytes = 504;
    private const int TagAt = DataBytes;
    private const int CrcAt = DataBytes + sizeof(uint);

    /// <summary>What makes one segment's sectors invalid in every other segment and in every other replica.</summary>
    internal static uint Seed(ulong incarnation, long segment)
    {
        Span<byte> bytes = stackalloc byte[2 * sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, incarnation);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[sizeof(ulong)..], segment);
        return Crc32C.Compute(0, bytes);
    }

    internal static void Seal(Span<byte> sector, uint seed, long offset, uint tag)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(sector[TagAt..], tag);
        BinaryPrimitives.WriteUInt32LittleEndian(sector[CrcAt..], Compute(sector, seed, offset));
    }

    internal static SectorState Check(ReadOnlySpan<byte> sector, uint seed, long offset, out uint tag)
    {
        tag = BinaryPrimitives.ReadUInt32LittleEndian(sector[TagAt..]);
        uint crc = BinaryPrimitives.ReadUInt32LittleEndian(sector[CrcAt..]);
        if ((tag | crc) == 0 && !sector[..Bytes].ContainsAnyExcept((byte)0))
        {
            return SectorState.Blank;
        }

        return crc == Compute(sector, seed, offset) ? SectorState.Whole : SectorState.Damaged;
    }

    internal static int Count(int dataBytes) => (dataBytes + DataBytes - 1) / DataBytes;

    private static uint Compute(ReadOnlySpan<byte> sector, uint seed, long offset) =>
        Crc32C.Compute(seed ^ (uint)(offset / Bytes), sector[..CrcAt]);
}
