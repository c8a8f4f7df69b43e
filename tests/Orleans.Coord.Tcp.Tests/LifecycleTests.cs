using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Orleans.Coord.Tcp.Tests;

/// <summary>Start, stop, and what is left behind: nothing.</summary>
public sealed class LifecycleTests
{
    [Fact]
    public async Task Nothing_listens_before_the_start_and_after_the_stop()
    {
        var member = new Member(Member.Configure(2)[0]);
        await Assert.ThrowsAnyAsync<SocketException>(() => RawPeer.DialAsync(member.Transport.EndPoint));

        member.Start();
        (await RawPeer.DialAsync(member.Transport.EndPoint)).Dispose();
        Assert.True(member.Log.Has(
            200, $"Member 1 of test-ensemble listens for the others on {member.Options.Listen}"));

        await member.Transport.StopAsync();
        await Assert.ThrowsAnyAsync<SocketException>(() => RawPeer.DialAsync(member.Transport.EndPoint));
        Assert.Equal(1, member.Log.Count(201));
        await member.DisposeAsync();
    }

    [Fact]
    public async Task Port_0_takes_a_free_port()
    {
        PeerTransportOptions options = Member.Configure(2)[0];
        await using Member member = new Member(options with { Listen = new IPEndPoint(IPAddress.IPv6Any, 0) }).Start();
        Assert.NotEqual(0, member.Transport.EndPoint.Port);
        using RawPeer peer = await RawPeer.DialAsync(
            new IPEndPoint(IPAddress.Loopback, member.Transport.EndPoint.Port));
    }

    [Fact]
    public async Task A_busy_port_is_a_sentence_with_the_remedy()
    {
        PeerTransportOptions[] options = Member.Configure(2);
        await using Member first = new Member(options[0]).Start();
        await using var second = new Member(options[1] with { Listen = options[0].Listen });

        int port = options[0].Listen.Port;
        Assert.Equal(
            $"Cannot listen for the other members on 127.0.0.1:{port}: port {port} is in use by another program: " +
            "stop it, or choose another port.",
            Assert.Throws<PeerBindException>(() => second.Start()).Message);
    }

    [Fact]
    public async Task An_address_of_another_machine_is_a_sentence_with_the_remedy()
    {
        await using var member = new Member(Member.Configure(2)[0] with
        {
            Listen = new IPEndPoint(IPAddress.Parse("192.0.2.1"), 0),
        });
        Assert.Contains(
            "this machine has no address 192.0.2.1", Assert.Throws<PeerBindException>(() => member.Start()).Message);
    }

    [Fact]
    public void A_forbidden_port_is_a_sentence_with_the_remedy() => Assert.Contains(
        "choose a port above 1023",
        PeerBindException.For(
            new IPEndPoint(IPAddress.Any, 80), new SocketException((int)SocketError.AccessDenied)).Message);

    [Fact]
    public async Task A_transport_that_never_started_drops_what_is_sent_and_stops_without_ado()
    {
        var member = new Member(Member.Configure(2)[0]);
        member.Send(2, "x");
        member.Flush();
        Assert.Equal(1, member.Counters.EnvelopesDropped);
        Assert.Empty(member.Log.Lines);
        await member.Transport.StopAsync();
        await member.DisposeAsync();
    }

    [Fact]
    public async Task What_was_flushed_before_the_stop_still_arrives()
    {
        for (int round = 0; round < 10; round++)
        {
            Member[] members = await Member.StartAllAsync(
                [.. Member.Configure(2).Select(o => o with { StopTimeout = TimeSpan.FromSeconds(30) })]);
            byte[] envelope = new byte[1_000_000];
            for (int i = 0; i < 5; i++)
            {
                members[0].Transport.Send(new ReplicaId(2), envelope);
                members[0].Flush();
            }

            members[0].Send(2, "take over");
            members[0].Flush();
            await members[0].Transport.StopAsync();
            await Eventually.TrueAsync(() => members[1].Observer.Count == 6, "the last word came");
            await members[0].DisposeAsync();
            await members[1].DisposeAsync();
        }
    }

    [Fact]
    public async Task Stopping_signals_nothing_and_does_not_wait_for_a_peer_that_reads_nothing()
    {
        PeerTransportOptions[] options = Member.Configure(2);
        using Socket listener = RawPeer.Listen(options[1].Listen);
        var member = new Member(options[0] with { StopTimeout = TimeSpan.FromMilliseconds(50) });
        member.Start();
        using RawPeer frozen = await RawPeer.AnswerAsync(listener, 2, 7);
        using RawPeer stranger = await RawPeer.DialAsync(member.Transport.EndPoint);
        using RawPeer linked = await RawPeer.DialAsync(member, 2, 7);
        await member.LinkedToAsync(2);
        member.Transport.Send(new ReplicaId(2), new byte[30_000_000]);
        member.Flush();

        await member.Transport.StopAsync().WaitAsync(Eventually.Patience);
        Assert.Equal(0, member.Transport.Connections);
        Assert.Equal(0, member.Observer.UnreachableCount(2));
        Assert.Equal(0, member.Log.Count(221));
        Assert.False(member.Transport.IsLinkedTo(new ReplicaId(2)));
        await linked.ReadToEndAsync();
        await stranger.ReadToEndAsync();

        member.Send(2, "too late");
        member.Flush();
        Assert.Equal(1, member.Counters.EnvelopesDropped);
        await member.Transport.StopAsync();
        await member.DisposeAsync();
    }

    [Fact]
    public async Task A_stopped_transport_leaves_nothing_running_that_holds_it()
    {
        List<WeakReference> gone = await RunAndStopAsync();
        await Eventually.TrueAsync(
            () =>
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                return gone.TrueForAll(r => !r.IsAlive);
            },
            "nothing refers to the transports any more");
    }

    [Theory]
    [MemberData(nameof(Nonsense))]
    public void Settings_without_sense_are_refused_with_a_sentence(string part, object change)
    {
        PeerTransportOptions options = ((Func<PeerTransportOptions, PeerTransportOptions>)change)(
            Member.Configure(2)[0]);
        Assert.Contains(part, Assert.Throws<ArgumentException>(() => new Member(options)).Message);
    }

    public static TheoryData<string, object> Nonsense()
    {
        var data = new TheoryData<string, object>();
        void Add(string part, Func<PeerTransportOptions, PeerTransportOptions> change) => data.Add(part, change);
        Add("id is 1 to 255", o => o with { Self = ReplicaId.None });
        Add("cannot be an ensemble's name", o => o with { Cluster = "" });
        Add("cannot be an ensemble's name", o => o with { Cluster = "a b" });
        Add("cannot be an ensemble's name", o => o with { Cluster = new string('x', 65) });
        Add("must not be 0", o => o with { Incarnation = 0 });
        Add("the other members only", o => o with { Self = new ReplicaId(2) });
        Add("an envelope's limit", o => o with { MaxEnvelopeBytes = 0 });
        Add("a queue's limit", o => o with { MaxQueueBytes = -1 });
        Add("interval of heartbeats", o => o with { HeartbeatInterval = TimeSpan.Zero });
        Add("time to connect", o => o with { HandshakeTimeout = TimeSpan.Zero });
        Add("waits before", o => o with { MaxReconnectDelay = TimeSpan.FromMilliseconds(1) });
        return data;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<List<WeakReference>> RunAndStopAsync()
    {
        Member[] members = await Member.StartAllAsync(Member.Configure(3));
        await members[0].TalkToAsync(members[1]);
        using RawPeer stranger = await RawPeer.DialAsync(members[0].Transport.EndPoint);
        foreach (Member member in members)
        {
            await member.DisposeAsync();
            Assert.Equal(0, member.Transport.Connections);
        }

        return [.. members.SelectMany(m => new[] { new WeakReference(m.Transport), new WeakReference(m.Observer) })];
    }
}
