using System.Buffers.Binary;
using System.Numerics;

namespace Orleans.Coord.Tree;

/// <summary>
/// The state machine's own hash: fast, the same on every machine and in every process. It places names in child
/// tables and makes up the digest, so a change of it is a change of the replicated state: it needs a feature level.
/// Built on the folded 64×64 → 128-bit multiplication (as wyhash and rapidhash are), with constants of our own.
/// </summary>
internal static class TreeHash
{
    private const ulong K0 = 0x9C1A_6E0F_27D4_53B9;
    private const ulong K1 = 0xD6E8_FEB8_6659_FD93;
    private const ulong K2 = 0xA076_3D65_1C9B_42EF;

    /// <summary>Hashes bytes; the seed tells equal bytes in different roles or places apart.</summary>
    public static ulong Bytes(ReadOnlySpan<byte> bytes, ulong seed)
    {
        ulong h = seed ^ K0;
        int length = bytes.Length;
        while (bytes.Length >= 16)
        {
            ulong first = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
            h = Step(h, first, BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]));
            bytes = bytes[16..];
        }

        if (bytes.Length >= 8)
        {
            // The two reads may overlap: the length, mixed in below, tells the cases apart.
            ulong first = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
            h = Step(h, first, BinaryPrimitives.ReadUInt64LittleEndian(bytes[^8..]));
        }
        else if (!bytes.IsEmpty)
        {
            h = Step(h, Short(bytes), K2);
        }

        return Pair(h, (ulong)length);
    }

    /// <summary>Mixes one more value into a hash.</summary>
    public static ulong Pair(ulong h, ulong value) => Fold(h ^ K1, value ^ K2) ^ h;

    /// <summary>Mixes one more value into a hash.</summary>
    public static ulong Pair(ulong h, long value) => Pair(h, (ulong)value);

    /// <summary>Mixes two more values into a hash.</summary>
    public static ulong Step(ulong h, ulong a, ulong b) =>
        Fold(a ^ h, b ^ K1) ^ BitOperations.RotateLeft(h, 29) ^ (a + (b * K2));

    private static ulong Short(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length >= 4)
        {
            return BinaryPrimitives.ReadUInt32LittleEndian(bytes)
                | ((ulong)BinaryPrimitives.ReadUInt32LittleEndian(bytes[^4..]) << 32);
        }

        return bytes[0] | ((ulong)bytes[bytes.Length / 2] << 8) | ((ulong)bytes[^1] << 16);
    }

    private static ulong Fold(ulong a, ulong b)
    {
        ulong high = Math.BigMul(a, b, out ulong low);
        return high ^ low;
    }
}
