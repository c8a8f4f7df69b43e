using System.Text;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Tcp.Tests;

/// <summary>The small parts by themselves.</summary>
public sealed class PartsTests
{
    [Fact]
    public void The_checksum_is_CRC_32C() =>
        Assert.Equal(0xE3069283u, Crc32C.Compute(0, Encoding.ASCII.GetBytes("123456789")));

    [Fact]
    public void A_frame_covers_its_length_and_its_envelope()
    {
        byte[] frame = RawPeer.Frame(1, 2, 3);
        (int length, uint checksum) = PeerFrame.ReadHeader(frame);
        Assert.Equal(3, length);
        Assert.Equal(PeerFrame.HeaderBytes + 3, frame.Length);
        PeerFrame.Verify(frame.AsSpan(PeerFrame.HeaderBytes), checksum);
        Assert.Throws<InvalidDataException>(() => PeerFrame.Verify([1, 2, 4], checksum));
        Assert.Throws<InvalidDataException>(() => PeerFrame.Verify([1, 2, 3, 0], checksum));
        Assert.Throws<InvalidDataException>(() => PeerFrame.Verify([1, 2], checksum));
    }

    [Fact]
    public void Waits_double_up_to_the_longest_and_begin_anew_after_success()
    {
        var backoff = new Backoff(TimeSpan.FromMilliseconds(10), TimeSpan.FromSeconds(1), new Random(5));
        double[] longest = [10, 20, 40, 80, 160, 320, 640, .. Enumerable.Repeat(1000.0, 1000)];
        foreach (double milliseconds in longest)
        {
            Assert.InRange(backoff.Next().TotalMilliseconds, milliseconds / 2, milliseconds);
        }

        backoff.Reset();
        Assert.InRange(backoff.Next().TotalMilliseconds, 5, 10);
    }

    [Theory]
    [InlineData("localhost:2888", "localhost", 2888)]
    [InlineData("10.0.0.7:65535", "10.0.0.7", 65535)]
    [InlineData("[::1]:1", "::1", 1)]
    public void An_address_is_host_and_port(string text, string host, int port)
    {
        Assert.Equal(host, PeerAddress.Parse(text).Host);
        Assert.Equal(port, PeerAddress.Parse(text).Port);
    }

    [Theory]
    [InlineData("")]
    [InlineData("host")]
    [InlineData("host:")]
    [InlineData(":2888")]
    [InlineData("host:0")]
    [InlineData("host:65536")]
    [InlineData("host:+1")]
    [InlineData("host: 1")]
    [InlineData("::1:2888")]
    [InlineData("[]:2888")]
    public void Anything_else_is_a_sentence(string text) => Assert.Contains(
        "is not the address of a member", Assert.Throws<FormatException>(() => PeerAddress.Parse(text)).Message);

    [Fact]
    public async Task What_piles_up_during_a_write_leaves_with_the_next_one()
    {
        var stream = new SlowStream();
        var counters = new PeerCounters();
        var sender = new LinkSender(stream, counters, _ => { }, () => { });
        JuteWriter turn = Write(new JuteWriter(), 1);
        turn = sender.Post(turn);
        Assert.Equal(0, turn.Length);
        turn = sender.Post(Write(turn, 2));
        turn = sender.Post(Write(turn, 3));
        sender.Tick();
        sender.Tick();
        Assert.Single(stream.Writes);
        Assert.Equal(27, sender.Unsent);

        stream.Complete();
        await Eventually.TrueAsync(() => stream.Writes.Count == 2, "the rest is written");
        stream.Complete();
        await Eventually.TrueAsync(() => sender.Unsent == 0, "all is sent");
        Assert.Equal([.. RawPeer.Frame(2), .. RawPeer.Frame(3)], stream.Writes[1]);
        Assert.Equal(2, counters.SocketWrites);
        Assert.Equal(0, turn.Length);
    }

    [Fact]
    public async Task The_end_comes_after_what_is_under_way()
    {
        var stream = new SlowStream();
        bool ended = false;
        var sender = new LinkSender(stream, new PeerCounters(), _ => { }, () => ended = true);
        JuteWriter turn = sender.Post(Write(new JuteWriter(), 1));
        turn = sender.Post(Write(turn, 2));
        sender.Finish();
        sender.Post(Write(turn, 3));
        stream.Complete();
        await Eventually.TrueAsync(() => stream.Writes.Count == 2, "the second is written");
        Assert.False(ended);
        stream.Complete();
        await Eventually.TrueAsync(() => ended, "the stream is ended");
        Assert.Equal(RawPeer.Frame(2), stream.Writes[1]);
    }

    [Fact]
    public async Task A_failed_write_closes_and_a_dead_sender_takes_nothing()
    {
        var stream = new SlowStream();
        string? reason = null;
        var sender = new LinkSender(stream, new PeerCounters(), why => reason = why, () => { });
        JuteWriter turn = sender.Post(Write(new JuteWriter(), 1));
        stream.Fail(new IOException("pulled the plug"));
        await Eventually.TrueAsync(() => reason is not null, "it is closed");
        Assert.Equal("pulled the plug", reason);

        sender.Kill();
        Assert.Same(turn, sender.Post(Write(turn, 2)));
        Assert.Equal(0, turn.Length);
        sender.Tick();
        sender.Finish();
        Assert.Single(stream.Writes);
    }

    [Fact]
    public void A_heartbeat_goes_out_only_when_nothing_else_did()
    {
        var stream = new MemoryStream();
        var counters = new PeerCounters();
        var sender = new LinkSender(stream, counters, _ => { }, () => { });
        sender.Post(Write(new JuteWriter(), 1));
        sender.Tick();
        Assert.Equal(0, counters.HeartbeatsSent);
        sender.Tick();
        sender.Tick();
        Assert.Equal(2, counters.HeartbeatsSent);
        Assert.Equal((byte[])[.. RawPeer.Frame(1), .. RawPeer.Frame(), .. RawPeer.Frame()], stream.ToArray());
    }

    [Fact]
    public void A_huge_buffer_is_given_up_once_little_is_sent_for_long()
    {
        var sender = new LinkSender(new MemoryStream(), new PeerCounters(), _ => { }, () => { });
        var turn = new JuteWriter();
        turn.WriteRaw(new byte[5_000_000]);
        turn = sender.Post(turn);
        var capacities = new List<int>();
        for (int i = 0; i < 10_000; i++)
        {
            turn = sender.Post(Write(turn, 1));
            capacities.Add(turn.Capacity);
        }

        Assert.Contains(capacities[..10], bytes => bytes >= 5_000_000);
        Assert.DoesNotContain(capacities[9_000..], bytes => bytes > 256 * 1024);
    }

    private static JuteWriter Write(JuteWriter writer, byte value)
    {
        PeerFrame.Write(writer, [value]);
        return writer;
    }

    /// <summary>A stream whose writes take until the test says so.</summary>
    private sealed class SlowStream : MemoryStream
    {
        private TaskCompletionSource _write = new();

        public List<byte[]> Writes { get; } = [];

        public void Complete()
        {
            TaskCompletionSource done = _write;
            _write = new TaskCompletionSource();
            done.SetResult();
        }

        public void Fail(Exception exception) => _write.SetException(exception);

        public override ValueTask WriteAsync(
            ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Writes.Add(buffer.ToArray());
            return new ValueTask(_write.Task);
        }
    }
}
