using System.Buffers.Binary;
using Orleans.Coord.Consensus;

namespace Orleans.Coord.Wal;

/// <summary>The start of a batch: everything that one sync made durable.</summary>
/// <param name="Sequence">Rises by one with each batch, across segments.</param>
/// <param name="BodyBytes">Bytes of the entries that follow the header.</param>
/// <param name="FirstIndex">Index of the first entry; older entries from there on are replaced.</param>
/// <param name="Count">Number of entries.</param>
/// <param name="HardState">The hard state that became durable with them, if it changed.</param>
/// <param name="ResetTerm">Set when the log restarts empty before <paramref name="FirstIndex"/>.</param>
/// <param name="SyncedBefore">The segment was synced up to this offset before the batch was written.</param>
internal readonly record struct BatchHeader(
    long Sequence, int BodyBytes, LogIndex FirstIndex, int Count, HardState? HardState, Term? ResetTerm,
    long SyncedBefore)
{
    internal const int Bytes = 72;
    private const uint Magic = 0x48435442; // "BTCH"
    private const int HasHardState = 1;
    private const int IsReset = 2;

    /// <summary>Bytes in the file, sector framing included.</summary>
    internal int FramedBytes => Sector.Count(Bytes + BodyBytes) * Sector.Bytes;

    internal LogIndex LastIndex => FirstIndex + (Count - 1);

    internal void Encode(Span<byte> bytes)
    {
        HardState state = HardState ?? default;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, Magic);
        int flags = (HardState is null ? 0 : HasHardState) | (ResetTerm is null ? 0 : IsReset);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[4..], flags);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[8..], Sequence);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[16..], BodyBytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[20..], Count);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[24..], FirstIndex.Value);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[32..], state.Term.Value);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[40..], state.Commit.Value);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[48..], state.Vote.Value);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[56..], ResetTerm?.Value ?? 0);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[64..], SyncedBefore);
    }

    /// <summary>Decodes the header from a whole sector; false if a batch does not start there.</summary>
    internal static bool TryDecode(ReadOnlySpan<byte> bytes, out BatchHeader header)
    {
        header = default;
        int bodyBytes = BinaryPrimitives.ReadInt32LittleEndian(bytes[16..]);
        int count = BinaryPrimitives.ReadInt32LittleEndian(bytes[20..]);
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes) != Magic || bodyBytes < 0 || count < 0)
        {
            return false;
        }

        int flags = BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]);
        HardState state = new(
            new Term(BinaryPrimitives.ReadInt64LittleEndian(bytes[32..])),
            new ReplicaId((byte)BinaryPrimitives.ReadInt64LittleEndian(bytes[48..])),
            new LogIndex(BinaryPrimitives.ReadInt64LittleEndian(bytes[40..])));
        header = new BatchHeader(
            BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]),
            bodyBytes,
            new LogIndex(BinaryPrimitives.ReadInt64LittleEndian(bytes[24..])),
            count,
            (flags & HasHardState) != 0 ? state : null,
            (flags & IsReset) != 0 ? new Term(BinaryPrimitives.ReadInt64LittleEndian(bytes[56..])) : null,
            BinaryPrimitives.ReadInt64LittleEndian(bytes[64..]));
        return true;
    }
}
