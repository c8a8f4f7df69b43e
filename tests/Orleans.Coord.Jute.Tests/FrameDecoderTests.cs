using System.Buffers.Binary;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Jute.Tests;

public sealed class FrameDecoderTests
{
    private const int Max = 100;

    [Fact]
    public void Nothing_holds_nothing() => Assert.Equal(new FrameScan(0, 0, 0, null), Scan([]));

    [Fact]
    public void Whole_frames_are_counted_and_the_rest_is_left()
    {
        byte[] bytes = [.. Frame(8), .. Frame(20), .. Frame(30)];
        Assert.Equal(new FrameScan(70, 3, 36, null), Scan(bytes));
        for (int cut = 0; cut < bytes.Length; cut++)
        {
            FrameScan scan = Scan(bytes.AsSpan(0, cut));
            int frames = cut >= 36 ? 2 : cut >= 12 ? 1 : 0;
            Assert.Equal(frames, scan.Frames);
            Assert.Equal(frames switch { 2 => 36, 1 => 12, _ => 0 }, scan.Bytes);
            Assert.Null(scan.BadLength);
        }
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(Max)]
    [InlineData(int.MinValue)]
    [InlineData(int.MaxValue)]
    public void A_bad_length_ends_the_scan(int length)
    {
        byte[] bytes = [.. Frame(9), .. Prefix(length), .. Frame(9)];
        Assert.Equal(new FrameScan(13, 1, 0, length), Scan(bytes));
    }

    [Theory]
    [InlineData(8)]
    [InlineData(Max - 1)]
    public void The_limits_themselves_pass(int length)
    {
        Assert.Equal(new FrameScan(4 + length, 1, 0, null), Scan(Frame(length)));
    }

    [Fact]
    public void A_scan_stops_at_the_number_asked_for()
    {
        byte[] bytes = [.. Frame(8), .. Frame(8), .. Prefix(-1)];
        Assert.Equal(new FrameScan(24, 2, 12, null), FrameDecoder.Scan(bytes, 8, Max, maxFrames: 2));
    }

    private static FrameScan Scan(ReadOnlySpan<byte> bytes) =>
        FrameDecoder.Scan(bytes, FrameDecoder.MinRequestBytes, Max);

    private static byte[] Prefix(int length)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, length);
        return bytes;
    }

    private static byte[] Frame(int length) => [.. Prefix(length), .. new byte[length]];
}
