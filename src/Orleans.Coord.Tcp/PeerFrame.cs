using System.Buffers.Binary;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Tcp;

/// <summary>
/// A frame: length of the envelope, CRC-32C, envelope. The checksum is seeded with the length, so that it covers both.
/// A frame without an envelope is a heartbeat.
/// </summary>
internal static class PeerFrame
{
    /// <summary>Bytes before the envelope.</summary>
    public const int HeaderBytes = 8;

    /// <summary>Appends a frame.</summary>
    public static void Write(JuteWriter output, ReadOnlySpan<byte> envelope)
    {
        output.WriteInt(envelope.Length);
        output.WriteInt((int)Crc32C.Compute((uint)envelope.Length, envelope));
        output.WriteRaw(envelope);
    }

    /// <summary>Reads a header: the envelope's length, and its checksum.</summary>
    public static (int Length, uint Checksum) ReadHeader(ReadOnlySpan<byte> header) =>
        (BinaryPrimitives.ReadInt32BigEndian(header), BinaryPrimitives.ReadUInt32BigEndian(header[sizeof(int)..]));

    /// <summary>Checks an envelope that came.</summary>
    /// <exception cref="InvalidDataException">It was changed on the way.</exception>
    public static void Verify(ReadOnlySpan<byte> envelope, uint checksum)
    {
        if (Crc32C.Compute((uint)envelope.Length, envelope) != checksum)
        {
            throw new InvalidDataException($"a frame of {envelope.Length} bytes fails its checksum");
        }
    }
}
