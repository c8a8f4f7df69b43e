using System.Runtime.InteropServices;
using System.Text;

namespace Orleans.Coord.Tcp.Tests;

public sealed class DeliveryTests
{
    [Fact]
    public async Task Three_members_hear_each_other()
    {
        Member[] members = await Member.StartAllAsync(Member.Configure(3));
        foreach (Member member in members)
        {
            foreach (ReplicaId peer in member.Options.Peers.Keys)
            {
                member.Send(peer.Value, $"to {peer}");
            }

            member.Flush();
        }

        foreach (Member member in members)
        {
            await Eventually.TrueAsync(() => member.Observer.Count == 2, "both have written");
            string self = $"to {member.Options.Self}";
            Assert.Equal(
                member.Options.Peers.Keys.Order().Select(p => $"{p}:{self}"), member.Observer.Texts.Order());
        }

        await DisposeAsync(members);
    }

    [Fact]
    public async Task Envelopes_keep_their_order_and_their_bytes()
    {
        Member[] members = await Member.StartAllAsync(Member.Configure(2));
        var random = new Random(1);
        var sent = new List<byte[]>();
        for (int i = 0; i < 3000; i++)
        {
            // All sizes around the reader's buffer, too.
            byte[] envelope = new byte[random.Next(20) == 0 ? random.Next(1, 200_000) : random.Next(1, 300)];
            random.NextBytes(envelope);
            sent.Add(envelope);
            members[0].Transport.Send(new ReplicaId(2), envelope);
            if (random.Next(4) == 0)
            {
                members[0].Flush();
            }
        }

        members[0].Flush();
        await Eventually.TrueAsync(() => members[1].Observer.Count == sent.Count, "all came");
        Assert.All(
            members[1].Observer.All.Zip(sent),
            pair => Assert.True(pair.First.Envelope.Span.SequenceEqual(pair.Second)));
        Assert.Equal(sent.Count, members[0].Counters.EnvelopesSent);
        Assert.Equal(sent.Count, members[1].Counters.EnvelopesReceived);
        Assert.Equal(0, members[0].Counters.EnvelopesDropped);
        await DisposeAsync(members);
    }

    [Fact]
    public async Task One_flush_is_one_write_for_each_link()
    {
        Member[] members = await Member.StartAllAsync(Member.Configure(3));
        for (int i = 0; i < 100; i++)
        {
            members[0].Send(2, $"a{i}");
            members[0].Send(3, $"b{i}");
        }

        Assert.Equal(0, members[0].Counters.SocketWrites);
        members[0].Flush();
        await Eventually.TrueAsync(
            () => members[1].Observer.Count == 100 && members[2].Observer.Count == 100, "all came");
        Assert.Equal(2, members[0].Counters.SocketWrites);

        members[0].Flush();
        members[0].Send(3, "once more");
        members[0].Flush();
        await Eventually.TrueAsync(() => members[2].Observer.Count == 101, "it came");
        Assert.Equal(3, members[0].Counters.SocketWrites);
        Assert.Equal(100, members[1].Observer.Count);
        await DisposeAsync(members);
    }

    [Fact]
    public async Task Nothing_leaves_before_the_flush_and_the_bytes_are_copied()
    {
        Member[] members = await Member.StartAllAsync(Member.Configure(2));
        byte[] envelope = Encoding.UTF8.GetBytes("first");
        members[0].Transport.Send(new ReplicaId(2), envelope);
        Encoding.UTF8.GetBytes("other", envelope);
        members[0].Transport.Send(new ReplicaId(2), envelope);
        Assert.Equal(0, members[0].Counters.EnvelopesSent);

        members[0].Flush();
        await Eventually.TrueAsync(() => members[1].Observer.Count == 2, "both came");
        Assert.Equal(["1:first", "1:other"], members[1].Observer.Texts);
        await DisposeAsync(members);
    }

    [Fact]
    public async Task Each_envelope_has_an_array_of_its_own()
    {
        Member[] members = await Member.StartAllAsync(Member.Configure(2));
        members[0].Send(2, "one");
        members[0].Send(2, "two");
        members[0].Flush();
        await Eventually.TrueAsync(() => members[1].Observer.Count == 2, "both came");

        ArraySegment<byte>[] arrays = [.. members[1].Observer.All.Select(r => Segment(r.Envelope))];
        Assert.All(arrays, a => Assert.Equal(a.Count, a.Array!.Length));
        Assert.NotSame(arrays[0].Array, arrays[1].Array);
        await DisposeAsync(members);
    }

    [Fact]
    public async Task The_largest_envelope_goes_through_and_a_larger_one_is_a_fault_of_the_sender()
    {
        Member[] members = await Member.StartAllAsync(Member.Configure(2));
        byte[] envelope = new byte[64 * 1024 * 1024];
        new Random(2).NextBytes(envelope);
        members[0].Transport.Send(new ReplicaId(2), envelope);
        members[0].Flush();
        await Eventually.TrueAsync(() => members[1].Observer.Count == 1, "it came");
        Assert.True(members[1].Observer.All[0].Envelope.Span.SequenceEqual(envelope));

        await members[0].TalkToAsync(members[1]);
        Assert.Throws<InvariantException>(
            () => members[0].Transport.Send(new ReplicaId(2), new byte[envelope.Length + 1]));
        Assert.Throws<InvariantException>(() => members[0].Transport.Send(new ReplicaId(2), []));
        await DisposeAsync(members);
    }

    [Fact]
    public async Task What_is_sent_to_an_unknown_member_is_dropped_with_one_line()
    {
        Member[] members = await Member.StartAllAsync(Member.Configure(2));
        members[0].Send(9, "hello?");
        members[0].Send(9, "hello?");
        members[0].Flush();
        Assert.Equal(2, members[0].Counters.EnvelopesDropped);
        Assert.Equal(1, members[0].Log.Count(216));
        await DisposeAsync(members);
    }

    [Fact]
    public async Task A_send_allocates_nothing_once_the_buffers_are_there()
    {
        Member[] members = await Member.StartAllAsync(Member.Configure(2));
        byte[] envelope = new byte[64];
        members[1].Observer.Intercept = (_, _) => true;
        for (int i = 0; i < 2000; i++)
        {
            members[0].Transport.Send(new ReplicaId(2), envelope);
            members[0].Flush();
        }

        await Eventually.TrueAsync(() => members[1].Counters.EnvelopesReceived == 2000, "the way is warm");
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            members[0].Transport.Send(new ReplicaId(2), envelope);
            members[0].Flush();
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100);
        await DisposeAsync(members);
    }

    private static ArraySegment<byte> Segment(ReadOnlyMemory<byte> memory)
    {
        Assert.True(MemoryMarshal.TryGetArray(memory, out ArraySegment<byte> segment));
        return segment;
    }

    private static async Task DisposeAsync(Member[] members)
    {
        foreach (Member member in members)
        {
            await member.DisposeAsync();
        }
    }
}
