using System.Net;
using System.Net.Sockets;

namespace Orleans.Coord.Tcp.Tests;

/// <summary>How links come, break and come again.</summary>
public sealed class LinkTests
{
    private const ulong Incarnation = 7;

    [Fact]
    public async Task A_member_that_is_not_there_is_unreachable_and_logged_once()
    {
        await using Member member = new Member(Member.Configure(2)[0]).Start();
        await Eventually.TrueAsync(() => member.Observer.UnreachableCount(2) >= 4, "it was tried again and again");
        Assert.Equal(1, member.Log.Count(212));
        Assert.True(member.Log.Has(212, "Connection refused"));

        member.Send(2, "lost");
        member.Flush();
        Assert.Equal(1, member.Counters.EnvelopesDropped);
        Assert.False(member.Transport.IsLinkedTo(new ReplicaId(2)));
    }

    [Fact]
    public async Task A_host_without_an_address_is_unreachable_too()
    {
        PeerTransportOptions options = Member.Configure(2)[0] with
        {
            Peers = new Dictionary<ReplicaId, DnsEndPoint> { [new(2)] = new("no-such-host.invalid", 2888) },
        };
        await using Member member = new Member(options).Start();
        await Eventually.TrueAsync(() => member.Observer.UnreachableCount(2) >= 1, "it cannot be found");
        Assert.True(member.Log.Has(212, "no-such-host.invalid:2888"));
    }

    [Fact]
    public async Task Members_find_each_other_again_after_one_was_away()
    {
        PeerTransportOptions[] options = Member.Configure(2);
        Member[] members = await Member.StartAllAsync(options);
        await members[1].DisposeAsync();
        await Eventually.TrueAsync(() => members[0].Observer.UnreachableCount(2) >= 1, "the loss is noticed");
        await members[0].NotLinkedToAsync(2);
        Assert.Equal(1, members[0].Log.Count(211));

        await using Member again = new Member(options[1]).Start();
        await members[0].TalkToAsync(again);
        await again.TalkToAsync(members[0]);
        await members[0].DisposeAsync();
    }

    [Fact]
    public async Task A_member_heard_of_is_dialled_at_once()
    {
        PeerTransportOptions[] options = Member.Configure(2);
        await using Member first = new Member(options[0] with
        {
            // Never again by itself within the life of this test.
            MinReconnectDelay = TimeSpan.FromHours(1),
            MaxReconnectDelay = TimeSpan.FromHours(1),
        }).Start();
        await Eventually.TrueAsync(() => first.Observer.UnreachableCount(2) == 1, "it is tried, in vain");

        await using Member second = new Member(options[1]).Start();
        await first.LinkedToAsync(2);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_end_of_a_process_is_noticed_by_its_connection(bool reset)
    {
        PeerTransportOptions[] options = Member.Configure(2);
        using Socket listener = RawPeer.Listen(options[1].Listen);
        await using Member member = new Member(options[0] with
        {
            HeartbeatInterval = TimeSpan.FromHours(1),
            SilenceTimeout = TimeSpan.FromHours(8),
        }).Start();
        using RawPeer peer = await RawPeer.AnswerAsync(listener, 2, Incarnation);
        await member.LinkedToAsync(2);
        Assert.Equal(0, member.Observer.UnreachableCount(2));

        // No time-out can be at work here: they are hours away.
        listener.Dispose();
        if (reset)
        {
            peer.Reset();
        }
        else
        {
            peer.Dispose();
        }

        await Eventually.TrueAsync(() => member.Observer.UnreachableCount(2) >= 1, "it is unreachable");
        Assert.Equal(1, member.Log.Count(211));
    }

    [Fact]
    public async Task A_silent_link_is_closed_and_made_anew()
    {
        PeerTransportOptions[] options = Member.Configure(2);
        using Socket listener = RawPeer.Listen(options[1].Listen);
        await using Member member = new Member(options[0] with
        {
            SilenceTimeout = TimeSpan.FromMilliseconds(200),
        }).Start();
        using RawPeer silent = await RawPeer.AnswerAsync(listener, 2, Incarnation);
        await Eventually.TrueAsync(() => member.Observer.UnreachableCount(2) == 1, "its silence is noticed");
        Assert.True(member.Log.Has(211, "nothing came for too long"));

        using RawPeer second = await RawPeer.AnswerAsync(listener, 2, Incarnation);
        await Eventually.TrueAsync(() => member.Log.Count(210) == 2, "it is linked anew");
    }

    [Fact]
    public async Task A_silent_member_that_linked_is_closed_too()
    {
        await using Member member = new Member(Member.Configure(2)[0] with
        {
            SilenceTimeout = TimeSpan.FromMilliseconds(200),
        }).Start();
        using RawPeer silent = await RawPeer.DialAsync(member, 2, Incarnation);
        await silent.ReadToEndAsync();
        await Eventually.TrueAsync(() => member.Log.Has(214, "nothing came for too long"), "its silence is noticed");
    }

    [Fact]
    public async Task Idle_links_live_on_heartbeats()
    {
        Member[] members = await Member.StartAllAsync(
            [.. Member.Configure(2).Select(o => o with { SilenceTimeout = TimeSpan.FromSeconds(5) })]);
        await Eventually.TrueAsync(
            () => members.All(m => m.Counters.HeartbeatsSent >= 20), "both ends of both links send heartbeats");
        Assert.All(members, m => Assert.Equal(0, m.Counters.SocketWrites));
        Assert.All(members, m => Assert.Equal(0, m.Log.Count(211)));
        Assert.All(members, m => Assert.Empty(m.Observer.All));
        foreach (Member member in members)
        {
            await member.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_members_newer_link_replaces_its_older_one()
    {
        await using Member member = new Member(Member.Configure(2)[0]).Start();
        using RawPeer older = await RawPeer.DialAsync(member, 2, Incarnation);
        using RawPeer newer = await RawPeer.DialAsync(member, 2, Incarnation);
        await older.ReadToEndAsync();
        await newer.SendAsync(RawPeer.Frame(65));
        await Eventually.TrueAsync(() => member.Observer.Count == 1, "the newer one works");
        Assert.True(member.Log.Has(214, "the member has linked anew"));
    }

    [Fact]
    public async Task A_full_queue_drops_envelopes_and_says_so_once()
    {
        PeerTransportOptions[] options = Member.Configure(2);
        using Socket listener = RawPeer.Listen(options[1].Listen);
        await using Member member = new Member(options[0] with { MaxQueueBytes = 1024 * 1024 }).Start();
        using RawPeer peer = await RawPeer.AnswerAsync(listener, 2, Incarnation);
        await member.LinkedToAsync(2);

        // The peer reads nothing: first the kernels' buffers fill, then the queue.
        byte[] envelope = new byte[100_000];
        await Eventually.TrueAsync(
            () =>
            {
                member.Transport.Send(new ReplicaId(2), envelope);
                member.Flush();
                return member.Counters.EnvelopesDropped >= 5;
            },
            "the queue is full");
        Assert.Equal(1, member.Observer.UnreachableCount(2));
        Assert.Equal(1, member.Log.Count(215));
        Assert.True(member.Transport.IsLinkedTo(new ReplicaId(2)));

        // What is queued is not lost, and once it has gone there is room again.
        Task<long> reading = peer.ReadToEndAsync();
        long dropped = member.Counters.EnvelopesDropped;
        await Eventually.TrueAsync(
            () => member.Counters.BytesSent >= member.Counters.EnvelopesSent * envelope.Length, "the queue is sent");
        member.Transport.Send(new ReplicaId(2), envelope);
        member.Flush();
        Assert.Equal(dropped, member.Counters.EnvelopesDropped);
        await member.Transport.StopAsync();
        Assert.Equal(member.Counters.BytesSent, await reading);
    }

    [Fact]
    public async Task An_envelope_larger_than_the_queue_goes_out_when_the_queue_is_empty()
    {
        PeerTransportOptions[] options = Member.Configure(2);
        Member[] members = await Member.StartAllAsync(options[0] with { MaxQueueBytes = 1000 }, options[1]);

        // The first may have dialled before the second listened.
        int before = members[0].Observer.UnreachableCount(2);
        members[0].Transport.Send(new ReplicaId(2), new byte[5000]);
        members[0].Transport.Send(new ReplicaId(2), new byte[10]);
        members[0].Flush();
        await Eventually.TrueAsync(() => members[1].Observer.Count == 1, "the large one came");
        Assert.Equal(1, members[0].Counters.EnvelopesDropped);
        Assert.Equal(before + 1, members[0].Observer.UnreachableCount(2));
        foreach (Member member in members)
        {
            await member.DisposeAsync();
        }
    }
}
