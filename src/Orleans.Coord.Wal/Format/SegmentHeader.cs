using System.Buffers.Binary;
using Orleans.Coord.Consensus;

namespace Orleans.Coord.Wal;

/// <summary>
/// The first sector of a segment, written and synced before the segment gets its name. It repeats what older
/// segments say in sum (hard state, last index, batches so far), so these can go once a snapshot covers them.
/// </summary>
internal readonly record struct SegmentHeader(
    ulong Incarnation, long Number, long Capacity, long FirstSequence, LogIndex PreviousIndex, HardState HardState)
{
    internal const int Version = 1;
    private const ulong Magic = 0x4C4157_4452_4F4F43; // "COORDWAL"

    internal void Encode(Span<byte> sector)
    {
        sector.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(sector, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(sector[8..], Version);
        BinaryPrimitives.WriteUInt64LittleEndian(sector[16..], Incarnation);
        BinaryPrimitives.WriteInt64LittleEndian(sector[24..], Number);
        BinaryPrimitives.WriteInt64LittleEndian(sector[32..], Capacity);
        BinaryPrimitives.WriteInt64LittleEndian(sector[40..], FirstSequence);
        BinaryPrimitives.WriteInt64LittleEndian(sector[48..], PreviousIndex.Value);
        BinaryPrimitives.WriteInt64LittleEndian(sector[56..], HardState.Term.Value);
        BinaryPrimitives.WriteInt64LittleEndian(sector[64..], HardState.Commit.Value);
        sector[72] = HardState.Vote.Value;
        Sector.Seal(sector, Sector.Seed(Incarnation, Number), 0, (uint)FirstSequence);
    }

    /// <summary>Decodes a header; false if the sector is not the whole header of this very segment.</summary>
    internal static bool TryDecode(
        ReadOnlySpan<byte> sector, ulong incarnation, long number, out SegmentHeader header)
    {
        header = default;
        if (sector.Length < Sector.Bytes
            || Sector.Check(sector, Sector.Seed(incarnation, number), 0, out _) != SectorState.Whole
            || BinaryPrimitives.ReadUInt64LittleEndian(sector) != Magic
            || BinaryPrimitives.ReadInt32LittleEndian(sector[8..]) != Version)
        {
            return false;
        }

        header = new SegmentHeader(
            incarnation,
            number,
            BinaryPrimitives.ReadInt64LittleEndian(sector[32..]),
            BinaryPrimitives.ReadInt64LittleEndian(sector[40..]),
            new LogIndex(BinaryPrimitives.ReadInt64LittleEndian(sector[48..])),
            new HardState(
                new Term(BinaryPrimitives.ReadInt64LittleEndian(sector[56..])),
                new ReplicaId(sector[72]),
                new LogIndex(BinaryPrimitives.ReadInt64LittleEndian(sector[64..]))));
        return true;
    }
}
