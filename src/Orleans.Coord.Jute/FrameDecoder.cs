using System.Buffers.Binary;

namespace Orleans.Coord.Jute;

/// <summary>What <see cref="FrameDecoder.Scan"/> found at the start of some bytes.</summary>
/// <param name="Bytes">Length of the whole frames, with their four bytes of length each.</param>
/// <param name="Frames">How many whole frames there are.</param>
/// <param name="LastFrame">Where the last of them begins, at its length.</param>
/// <param name="BadLength">The length that no frame may have and that ended the scan; null when there was none.</param>
public readonly record struct FrameScan(int Bytes, int Frames, int LastFrame, int? BadLength);

/// <summary>Finds frames (four bytes of length, big-endian, then the body) in a stream of bytes.</summary>
public static class FrameDecoder
{
    /// <summary>Bytes of a frame's length.</summary>
    public const int PrefixBytes = sizeof(int);

    /// <summary>The shortest request: xid and operation.</summary>
    public const int MinRequestBytes = 8;

    /// <summary>Whether a frame may have this length.</summary>
    public static bool IsAllowed(int length, int minBytes, int maxBytes) => length >= minBytes && length < maxBytes;

    /// <summary>Counts the whole frames at the start of <paramref name="bytes"/>, up to a limit.</summary>
    /// <param name="bytes">Any part of a stream that begins with a frame.</param>
    /// <param name="minBytes">Shorter frames are bad.</param>
    /// <param name="maxBytes">Frames of this length or more are bad.</param>
    /// <param name="maxFrames">Stop after so many.</param>
    public static FrameScan Scan(ReadOnlySpan<byte> bytes, int minBytes, int maxBytes, int maxFrames = int.MaxValue)
    {
        int position = 0;
        int frames = 0;
        int last = 0;
        while (frames < maxFrames && bytes.Length - position >= PrefixBytes)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(bytes[position..]);
            if (!IsAllowed(length, minBytes, maxBytes))
            {
                return new FrameScan(position, frames, last, length);
            }

            if (bytes.Length - position - PrefixBytes < length)
            {
                break;
            }

            last = position;
            position += PrefixBytes + length;
            frames++;
        }

        return new FrameScan(position, frames, last, null);
    }
}
