using System.Buffers;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Gateway.Tests;

public sealed class FrameBatchTests
{
    private readonly BufferPools _pools = new();

    [Fact]
    public void A_batch_copies_the_whole_frames_of_all_segments()
    {
        byte[] bytes = [.. Wire.Request(1, bodyBytes: 10), .. Wire.Request(2, OpCode.SetData), .. Wire.Length(50)];
        for (int cut = 0; cut <= bytes.Length; cut++)
        {
            FrameBatch batch = _pools.RentBatch();
            FrameScan scan = batch.Load(Segment.Join(bytes.AsMemory(0, cut), bytes.AsMemory(cut)), 1000, 100);

            Assert.Equal(new FrameScan(34, 2, 22, null), scan);
            Assert.Equal(bytes[..34], batch.Bytes.ToArray());
            Assert.Equal(2, Wire.Xid(batch.FrameAt(scan.LastFrame).ToArray()));
            batch.Recycle();
        }
    }

    [Fact]
    public void A_batch_takes_no_more_frames_than_there_is_room_for()
    {
        FrameBatch batch = _pools.RentBatch();
        FrameScan scan = batch.Load(new ReadOnlySequence<byte>(Wire.Requests(10)), 1000, 4);
        Assert.Equal((4, 48), (scan.Frames, batch.Bytes.Length));
    }

    [Fact]
    public void A_recycled_batch_is_empty_and_used_again()
    {
        FrameBatch batch = _pools.RentBatch();
        batch.Load(new ReadOnlySequence<byte>(Wire.Request(1)), 1000, 100);
        batch.Recycle();
        Assert.True(batch.Bytes.IsEmpty);
        Assert.Same(batch, _pools.RentBatch());
        Assert.NotSame(batch, _pools.RentBatch());
    }

    [Fact]
    public void A_batch_that_was_not_posted_cannot_be_released()
    {
        FrameBatch batch = _pools.RentBatch();
        batch.Load(new ReadOnlySequence<byte>(Wire.Request(1)), 1000, 100);
        Assert.Throws<InvariantException>(batch.Release);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        private Segment(ReadOnlyMemory<byte> memory) => Memory = memory;

        public static ReadOnlySequence<byte> Join(ReadOnlyMemory<byte> first, ReadOnlyMemory<byte> second)
        {
            var head = new Segment(first);
            var tail = new Segment(second) { RunningIndex = first.Length };
            head.Next = tail;
            return new ReadOnlySequence<byte>(head, 0, tail, second.Length);
        }
    }
}
