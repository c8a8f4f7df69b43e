using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace Orleans.Coord.Tcp.Tests;

/// <summary>Whatever reaches the peer port harms nobody.</summary>
public sealed class MalformedInputTests
{
    private const ulong Incarnation = 7;

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "no greeting of a member")]
    [InlineData("ruok....", "no greeting of a member")]
    [InlineData("OCPL\0\u0001\0\u0005", "no greeting of a member")]
    [InlineData("OCP", "closed the connection before its greeting was complete")]
    [InlineData("", "closed the connection before its greeting was complete")]
    public async Task What_is_no_greeting_is_closed_with_one_line(string bytes, string reason)
    {
        await using Member member = new Member(Member.Configure(2)[0]).Start();
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(member.Transport.EndPoint);
        using var stranger = new RawPeer(socket);
        await stranger.SendAsync(Encoding.Latin1.GetBytes(bytes));
        socket.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, await stranger.ReadToEndAsync());
        await Eventually.TrueAsync(() => member.Log.Has(221, reason), "it is said");
        Assert.Equal(1, member.Log.Count(221));
        Assert.Equal(1, member.Counters.ConnectionsMalformed);
        await AssertHealthyAsync(member);
    }

    [Fact]
    public async Task A_damaged_greeting_is_never_welcome()
    {
        await using Member member = new Member(Member.Configure(2)[0] with { MaxLogLinesPerSecond = 5 }).Start();
        byte[] good = RawPeer.HelloOf(2, 1, Incarnation).Encode();
        for (int i = 0; i < good.Length; i++)
        {
            byte[] bad = (byte[])good.Clone();
            bad[i] ^= 0x10;
            using RawPeer stranger = await RawPeer.DialAsync(member.Transport.EndPoint);
            await stranger.SendAsync([.. bad, .. new byte[300]]);
            Assert.Equal(0, await stranger.ReadToEndAsync());
        }

        await Eventually.TrueAsync(() => member.Counters.ConnectionsMalformed == good.Length, "all are refused");
        await Eventually.TrueAsync(() => member.Log.Count(223) > 0, "the lines left out are counted");
        Assert.InRange(member.Log.Count(221), 5, good.Length - 1);
        Assert.Equal(0, member.Registry.Calls);
        await AssertHealthyAsync(member);
    }

    [Theory]
    [InlineData(8, 99, "its greeting makes no sense")]
    [InlineData(11, 3, "its greeting has the wrong length")]
    [InlineData(22, (byte)'\n', "its greeting makes no sense")]
    public void A_greeting_with_a_right_checksum_and_wrong_contents_is_malformed(int at, byte value, string reason)
    {
        byte[] bytes = RawPeer.HelloOf(2, 1, Incarnation).Encode();
        bytes[at] = value;
        Seal(bytes);
        Assert.Contains(reason, Assert.Throws<InvalidDataException>(() => Hello.Decode(bytes)).Message);
    }

    [Fact]
    public void A_greeting_without_incarnation_is_malformed() =>
        Assert.Throws<InvalidDataException>(() => Hello.Decode(RawPeer.HelloOf(2, 1, 0).Encode()));

    [Fact]
    public void A_greeting_too_short_for_its_fields_is_malformed()
    {
        byte[] bytes = RawPeer.HelloOf(2, 1, Incarnation).Encode()[..20];
        Seal(bytes);
        Assert.Throws<InvalidDataException>(() => Hello.Decode(bytes));
    }

    [Theory]
    [InlineData("a")]
    [InlineData("0123456789012345678901234567890123456789012345678901234567890123")]
    public void A_greeting_comes_back_as_it_was(string cluster)
    {
        Hello hello = RawPeer.HelloOf(2, 255, ulong.MaxValue) with
        {
            Cluster = cluster,
            Verdict = Verdict.OtherIncarnation,
        };
        Assert.Equal(hello, Hello.Decode(hello.Encode()));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1001)]
    [InlineData(int.MaxValue)]
    [InlineData(int.MinValue)]
    public async Task A_frame_of_forbidden_length_closes_the_link(int length)
    {
        await using Member member = new Member(Member.Configure(2)[0] with { MaxEnvelopeBytes = 1000 }).Start();
        using RawPeer peer = await RawPeer.DialAsync(member, 2, Incarnation);
        byte[] frame = new byte[100];
        BinaryPrimitives.WriteInt32BigEndian(frame, length);
        await peer.SendAsync([.. RawPeer.Frame(1, 2, 3), .. frame]);
        await peer.ReadToEndAsync();
        await Eventually.TrueAsync(
            () => member.Log.Has(221, $"it sent a frame of length {length}; allowed are 0 to 1000"), "it is said");

        // What came before it counts.
        Assert.Equal([1, 2, 3], Assert.Single(member.Observer.All).Envelope.ToArray());
        await AssertHealthyAsync(member);
    }

    [Theory]
    [InlineData(20)]
    [InlineData(200_000)]
    public async Task A_damaged_frame_closes_the_link_and_is_not_handed_out(int bytes)
    {
        await using Member member = new Member(Member.Configure(2)[0]).Start();
        using RawPeer peer = await RawPeer.DialAsync(member, 2, Incarnation);
        byte[] frame = RawPeer.Frame(new byte[bytes]);
        frame[^1] ^= 1;
        await peer.SendAsync(frame);
        await peer.ReadToEndAsync();
        await Eventually.TrueAsync(
            () => member.Log.Has(221, $"a frame of {bytes} bytes fails its checksum"), "it is said");
        Assert.Empty(member.Observer.All);
        await AssertHealthyAsync(member);
    }

    [Theory]
    [InlineData(20)]
    [InlineData(200_000)]
    public async Task A_link_that_ends_within_a_frame_hands_nothing_out(int bytes)
    {
        await using Member member = new Member(Member.Configure(2)[0]).Start();
        RawPeer peer = await RawPeer.DialAsync(member, 2, Incarnation);
        await peer.SendAsync(RawPeer.Frame(new byte[bytes])[..^1]);
        peer.Dispose();
        await Eventually.TrueAsync(() => member.Log.Count(214) == 1, "its end is noticed");
        Assert.Empty(member.Observer.All);
        await AssertHealthyAsync(member);
    }

    [Fact]
    public async Task Frames_may_come_byte_by_byte()
    {
        await using Member member = new Member(Member.Configure(2)[0]).Start();
        using RawPeer peer = await RawPeer.DialAsync(member, 2, Incarnation);
        foreach (byte value in (byte[])[.. RawPeer.Frame(1, 2, 3), .. RawPeer.Frame(), .. RawPeer.Frame(4)])
        {
            await peer.SendAsync([value]);
        }

        await Eventually.TrueAsync(() => member.Observer.Count == 2, "both came");
        Assert.Equal([1, 2, 3], member.Observer.All[0].Envelope.ToArray());
        Assert.Equal([4], member.Observer.All[1].Envelope.ToArray());
    }

    [Fact]
    public async Task An_envelope_the_wrong_way_breaks_the_link()
    {
        PeerTransportOptions[] options = Member.Configure(2);
        using Socket listener = RawPeer.Listen(options[1].Listen);
        await using Member member = new Member(options[0]).Start();
        using RawPeer peer = await RawPeer.AnswerAsync(listener, 2, Incarnation);
        await peer.SendAsync(RawPeer.Frame(1));
        await Eventually.TrueAsync(() => member.Observer.UnreachableCount(2) == 1, "the link is given up");
        Assert.True(member.Log.Has(211, "it sent a frame of length 1; allowed are 0 to 0"));
        Assert.Empty(member.Observer.All);
    }

    [Fact]
    public async Task Random_bytes_harm_nobody()
    {
        await using Member member = new Member(Member.Configure(2)[0] with { MaxEnvelopeBytes = 1 << 20 }).Start();
        var random = new Random(3);
        for (int i = 0; i < 200; i++)
        {
            using RawPeer peer = i % 2 == 0
                ? await RawPeer.DialAsync(member.Transport.EndPoint)
                : await RawPeer.DialAsync(member, 2, Incarnation);
            byte[] noise = RawPeer.Frame(new byte[random.Next(2000)]);
            for (int changes = random.Next(1, 20); changes > 0; changes--)
            {
                noise[random.Next(noise.Length)] = (byte)random.Next(256);
            }

            await peer.SendAsync(noise);
            if (random.Next(2) == 0)
            {
                peer.Reset();
            }
        }

        Assert.Equal(0, member.Log.Count(222));
        await AssertHealthyAsync(member);
    }

    [Fact]
    public async Task An_observer_that_throws_costs_the_link_only()
    {
        Member[] members = await Member.StartAllAsync(Member.Configure(2));
        members[1].Observer.Intercept = (_, _) => throw new InvalidOperationException("oops");
        members[0].Send(2, "x");
        members[0].Flush();
        await Eventually.TrueAsync(() => members[1].Log.Has(222, "oops"), "the fault is logged");
        members[1].Observer.Intercept = null;
        await members[0].TalkToAsync(members[1]);
        await members[0].DisposeAsync();
        await members[1].DisposeAsync();
    }

    // The member still takes envelopes from its real peer.
    private static async Task AssertHealthyAsync(Member member)
    {
        int before = member.Observer.Count;
        using RawPeer peer = await RawPeer.DialAsync(member, 2, Incarnation);
        await peer.SendAsync(RawPeer.Frame(42));
        await Eventually.TrueAsync(() => member.Observer.Count > before, "it is alive");
        Assert.Equal([42], member.Observer.All[^1].Envelope.ToArray());
    }

    private static void Seal(byte[] bytes)
    {
        int body = bytes.Length - sizeof(uint);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(body), Crc32C.Compute(0, bytes.AsSpan(0, body)));
    }
}
