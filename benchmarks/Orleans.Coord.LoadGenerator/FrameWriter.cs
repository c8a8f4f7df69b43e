using System.Buffers.Binary;
using System.Text;

namespace Orleans.Coord.LoadGenerator;

/// <summary>Encodes one frame in ZooKeeper's big-endian record format; used before the run, never inside it.</summary>
internal sealed class FrameWriter
{
    private readonly List<byte> _bytes = [0, 0, 0, 0];

    public FrameWriter Int(int value)
    {
        Span<byte> encoded = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(encoded, value);
        _bytes.AddRange(encoded);
        return this;
    }

    public FrameWriter Long(long value) => Int((int)(value >> 32)).Int((int)value);

    public FrameWriter Bool(bool value)
    {
        _bytes.Add(value ? (byte)1 : (byte)0);
        return this;
    }

    public FrameWriter Buffer(ReadOnlySpan<byte> value)
    {
        Int(value.Length);
        _bytes.AddRange(value);
        return this;
    }

    public FrameWriter Text(string value) => Buffer(Encoding.UTF8.GetBytes(value));

    /// <summary>The frame with its length in front.</summary>
    public byte[] ToFrame()
    {
        byte[] frame = [.. _bytes];
        BinaryPrimitives.WriteInt32BigEndian(frame, frame.Length - sizeof(int));
        return frame;
    }
}
