using System.Buffers.Binary;
using System.Numerics;

namespace Orleans.Coord.Tcp;

/// <summary>CRC-32C by the processor's own instruction, eight bytes a step.</summary>
internal static class Crc32C
{
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
