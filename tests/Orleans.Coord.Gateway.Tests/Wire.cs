using System.Buffers.Binary;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Gateway.Tests;

/// <summary>Makes and takes apart frames.</summary>
internal static class Wire
{
    public static byte[] ConnectFrame(int timeoutMs = 10_000, long session = 0, bool readOnlyByte = true)
    {
        var writer = new JuteWriter();
        writer.WriteInt(0);
        writer.WriteInt(0);
        writer.WriteLong(7);
        writer.WriteInt(timeoutMs);
        writer.WriteLong(session);
        writer.WriteBuffer(new byte[CoordLimits.PasswordBytes]);
        if (readOnlyByte)
        {
            writer.WriteBool(true);
        }

        writer.PatchInt(0, writer.Length - sizeof(int));
        return writer.Written.ToArray();
    }

    /// <summary>A request frame with its length; <paramref name="bodyBytes"/> after the header.</summary>
    public static byte[] Request(int xid, OpCode operation = OpCode.GetData, int bodyBytes = 0)
    {
        byte[] frame = new byte[12 + bodyBytes];
        BinaryPrimitives.WriteInt32BigEndian(frame, 8 + bodyBytes);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(4), xid);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(8), (int)operation);
        for (int i = 0; i < bodyBytes; i++)
        {
            frame[12 + i] = (byte)(xid + i);
        }

        return frame;
    }

    /// <summary>Frames with the numbers 1 to <paramref name="count"/>, one after the other.</summary>
    public static byte[] Requests(int count, int bodyBytes = 0) =>
        [.. Enumerable.Range(1, count).SelectMany(xid => Request(xid, bodyBytes: bodyBytes))];

    public static byte[] Length(int length)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, length);
        return bytes;
    }

    /// <summary>The frames in some bytes, without their lengths.</summary>
    public static List<byte[]> Split(ReadOnlySpan<byte> bytes)
    {
        var frames = new List<byte[]>();
        while (!bytes.IsEmpty)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(bytes);
            frames.Add(bytes.Slice(4, length).ToArray());
            bytes = bytes[(4 + length)..];
        }

        return frames;
    }

    public static int Xid(byte[] frame) => BinaryPrimitives.ReadInt32BigEndian(frame);
}
