using System.Net;

namespace Orleans.Coord.Tcp.Tests;

/// <summary>Members that join, leave and move while the transport runs.</summary>
public sealed class MembershipTests
{
    private static readonly HashSet<ReplicaId> Nobody = [];

    [Fact]
    public async Task A_member_that_joins_is_linked_both_ways_and_the_others_links_go_on()
    {
        PeerTransportOptions[] options = Member.Configure(3);
        Member[] pair = await Member.StartAllAsync(WithPeers(options[0], 2), WithPeers(options[1], 1));
        await using Member third = new Member(options[2]).Start();
        await Eventually.TrueAsync(
            () => third.Log.Has(212, "it was removed, or is not yet added"), "the third is told why it is refused");

        int[] broken = [pair[0].Observer.UnreachableCount(2), pair[1].Observer.UnreachableCount(1)];
        pair[0].Transport.SetPeers(options[0].Peers, Nobody);
        pair[1].Transport.SetPeers(options[1].Peers, Nobody);
        await pair[0].TalkToAsync(third);
        await third.TalkToAsync(pair[0]);
        await third.TalkToAsync(pair[1]);
        int[] now = [pair[0].Observer.UnreachableCount(2), pair[1].Observer.UnreachableCount(1)];
        Assert.Equal(broken, now);
        await pair[0].DisposeAsync();
        await pair[1].DisposeAsync();
    }

    [Fact]
    public async Task A_member_that_leaves_gets_what_was_sent_and_is_refused_from_then_on()
    {
        PeerTransportOptions[] options = Member.Configure(3);
        Member[] members = await Member.StartAllAsync(options);
        await members[0].TalkToAsync(members[2]);
        int broken = members[0].Observer.UnreachableCount(2);
        members[0].Send(3, "you are no member any more");
        members[0].Flush();
        members[0].Transport.SetPeers(WithPeers(options[0], 2).Peers, Nobody);
        members[0].Send(3, "and this is for nobody");
        members[0].Flush();
        members[1].Transport.SetPeers(WithPeers(options[1], 1).Peers, Nobody);

        await Eventually.TrueAsync(
            () => members[2].Observer.All.Any(e => e.Envelope.Span.SequenceEqual("you are no member any more"u8)),
            "its last envelope");
        await members[2].NotLinkedToAsync(1);
        await members[2].NotLinkedToAsync(2);
        await Eventually.TrueAsync(
            () => members[2].Log.Has(212, "this member is not in its configuration"), "it is told why");
        Assert.False(members[0].Transport.IsLinkedTo(new ReplicaId(3)));
        Assert.Equal(1, members[0].Counters.EnvelopesDropped);
        await members[0].TalkToAsync(members[1]);
        Assert.Equal(broken, members[0].Observer.UnreachableCount(2));
        foreach (Member member in members)
        {
            await member.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_member_with_a_new_address_is_found_there()
    {
        PeerTransportOptions[] options = Member.Configure(2);
        Member[] members = await Member.StartAllAsync(options);
        await members[1].DisposeAsync();
        int port = Member.FreePort();
        await using Member moved = new Member(
            options[1] with { Listen = new IPEndPoint(IPAddress.Loopback, port) }).Start();
        members[0].Transport.SetPeers(new Dictionary<ReplicaId, DnsEndPoint>
        {
            [new ReplicaId(2)] = new("127.0.0.1", port),
        }, Nobody);
        await members[0].TalkToAsync(moved);
        await moved.TalkToAsync(members[0]);
        await members[0].DisposeAsync();
    }

    [Fact]
    public async Task Peers_named_before_the_start_are_those_that_count()
    {
        PeerTransportOptions[] options = Member.Configure(2);
        var first = new Member(options[0] with { Peers = new Dictionary<ReplicaId, DnsEndPoint>() });
        first.Transport.SetPeers(options[0].Peers, Nobody);
        first.Start();
        await using Member second = new Member(options[1]).Start();
        await first.TalkToAsync(second);
        await first.DisposeAsync();
        first.Transport.SetPeers(options[0].Peers, Nobody);
        Assert.False(first.Transport.IsLinkedTo(new ReplicaId(2)));
    }

    [Fact]
    public async Task Changes_while_links_are_being_made_leave_nothing_behind()
    {
        PeerTransportOptions[] options = Member.Configure(2);
        Member[] members = await Member.StartAllAsync(options);
        var none = new Dictionary<ReplicaId, DnsEndPoint>();
        for (int i = 0; i < 50; i++)
        {
            members[0].Transport.SetPeers(i % 2 == 0 ? none : options[0].Peers, Nobody);
        }

        await members[0].TalkToAsync(members[1]);
        members[0].Transport.SetPeers(none, Nobody);
        await members[1].NotLinkedToAsync(1);
        await Eventually.TrueAsync(() => members[0].Transport.Connections == 0, "its connections are closed");
        await members[0].DisposeAsync();
        await members[1].DisposeAsync();
        Assert.Equal(0, members[0].Log.Count(222));
    }

    [Fact]
    public async Task A_member_that_is_new_here_is_linked_for_the_time_being_and_not_remembered()
    {
        PeerTransportOptions[] options = [.. Member.Configure(3).Select(o => o with { AdmitGuests = true })];
        await using Member behind = new Member(WithPeers(options[0], 2)).Start();
        await using Member newcomer = new Member(options[2]).Start();
        await newcomer.TalkToAsync(behind);
        await behind.TalkToAsync(newcomer);
        Assert.Null(behind.Registry.Find(3));

        behind.Transport.SetPeers(options[0].Peers, Nobody);
        await behind.TalkToAsync(newcomer);
        await newcomer.TalkToAsync(behind);
        Assert.Equal(options[2].Incarnation, behind.Registry.Find(3));

        behind.Transport.SetPeers(WithPeers(options[0], 2).Peers, new HashSet<ReplicaId> { new(3) });
        await newcomer.NotLinkedToAsync(1);
        await Eventually.TrueAsync(() => newcomer.Log.Has(212, "it was removed"), "it is told why");
        Assert.False(behind.Transport.IsLinkedTo(new ReplicaId(3)));
    }

    private static PeerTransportOptions WithPeers(PeerTransportOptions options, byte peer) => options with
    {
        Peers = options.Peers.Where(p => p.Key.Value == peer).ToDictionary(p => p.Key, p => p.Value),
    };
}
