using System.Net;

namespace Orleans.Coord.Tcp.Tests;

/// <summary>Who is let in, and what the log says of the others.</summary>
public sealed class HandshakeTests
{
    private const ulong Incarnation = 7;

    [Fact]
    public async Task Members_of_different_ensembles_refuse_each_other()
    {
        PeerTransportOptions[] options = Member.Configure(2);
        await using Member second = new Member(options[1] with { Cluster = "other" }).Start();
        await using Member first = new Member(options[0]).Start();
        await Eventually.TrueAsync(
            () => first.Log.Has(212, "it belongs to the ensemble 'other', this member to 'test-ensemble'"),
            "the first one says why");
        await Eventually.TrueAsync(
            () => second.Log.Has(220, "it belongs to the ensemble 'test-ensemble', this member to 'other'"),
            "the second one says why");
        await Eventually.TrueAsync(() => first.Observer.UnreachableCount(2) >= 3, "it is tried again");
        Assert.Equal(1, first.Log.Count(212));
        Assert.Equal(0, first.Registry.Calls + second.Registry.Calls);
    }

    [Fact]
    public async Task Another_incarnation_under_a_known_id_is_refused_by_both_sides()
    {
        PeerTransportOptions[] options = Member.Configure(2);
        Member[] members = await Member.StartAllAsync(options);
        Assert.Equal(options[1].Incarnation, members[0].Registry.Find(2));
        Assert.Equal(options[0].Incarnation, members[1].Registry.Find(1));
        await members[1].DisposeAsync();
        await members[0].NotLinkedToAsync(2);

        await using Member wiped = new Member(options[1] with { Incarnation = 4711 }).Start();
        await Eventually.TrueAsync(
            () => members[0].Log.Has(220, "member 2 was known with another data directory"), "its call is refused");
        await Eventually.TrueAsync(
            () => wiped.Log.Has(212, "it knows this member with another data directory"), "it is told why");
        await Eventually.TrueAsync(
            () => members[0].Log.Has(212, "member 2 was known with another data directory"), "it is not called");
        Assert.False(members[0].Transport.IsLinkedTo(new ReplicaId(2)));
        Assert.False(wiped.Transport.IsLinkedTo(new ReplicaId(1)));
        Assert.Equal(options[1].Incarnation, members[0].Registry.Find(2));
        await members[0].DisposeAsync();
    }

    [Fact]
    public async Task A_registry_that_fails_lets_nobody_in_and_harms_nobody()
    {
        PeerTransportOptions[] options = Member.Configure(2);
        var registry = new MemoryRegistry { Failure = new InvalidOperationException("no space") };
        await using Member first = new Member(options[0], registry).Start();
        await using Member second = new Member(options[1]).Start();
        await Eventually.TrueAsync(() => first.Log.Has(222, "no space"), "the fault is logged");
        Assert.False(first.Transport.IsLinkedTo(new ReplicaId(2)));

        registry.Failure = null;
        await first.TalkToAsync(second);
        await second.TalkToAsync(first);
    }

    [Fact]
    public async Task Another_version_is_refused_with_both_numbers()
    {
        await using Member member = new Member(Member.Configure(2)[0]).Start();
        using RawPeer peer = await RawPeer.DialAsync(member.Transport.EndPoint);
        await peer.SendAsync((RawPeer.HelloOf(2, 1, Incarnation) with { Version = 9 }).Encode());
        Hello answer = await peer.ReadHelloAsync();
        Assert.Equal(Verdict.OtherVersion, answer.Verdict);
        await peer.ReadToEndAsync();
        await Eventually.TrueAsync(
            () => member.Log.Has(220, "it speaks version 9 of the peer protocol, this member speaks 2"), "it is said");
        Assert.Equal(1, member.Counters.ConnectionsRefused);
    }

    [Fact]
    public async Task A_dialled_member_of_another_version_is_refused_as_well()
    {
        PeerTransportOptions[] options = Member.Configure(2);
        using System.Net.Sockets.Socket listener = RawPeer.Listen(options[1].Listen);
        await using Member member = new Member(options[0]).Start();
        using var peer = new RawPeer(await listener.AcceptAsync().WaitAsync(Eventually.Patience));
        await peer.ReadHelloAsync();
        await peer.SendAsync((RawPeer.HelloOf(2, 1, Incarnation) with { Version = 3 }).Encode());
        await Eventually.TrueAsync(
            () => member.Log.Has(212, "it speaks version 3 of the peer protocol, this member speaks 2"), "it is said");
    }

    [Theory]
    [InlineData(2, 3, Verdict.OtherMember, "member 2 looks for 3, this is 1")]
    [InlineData(9, 1, Verdict.UnknownMember, "member 9 is not in this member's configuration")]
    [InlineData(1, 1, Verdict.UnknownMember, "member 1 is not in this member's configuration")]
    [InlineData(0, 1, Verdict.UnknownMember, "member 0 is not in this member's configuration")]
    internal async Task A_member_that_does_not_belong_here_is_refused(
        byte from, byte to, Verdict verdict, string reason)
    {
        await using Member member = new Member(Member.Configure(2)[0]).Start();
        using RawPeer peer = await RawPeer.DialAsync(member.Transport.EndPoint);
        await peer.SendAsync(RawPeer.HelloOf(from, to, Incarnation).Encode());
        Assert.Equal(verdict, (await peer.ReadHelloAsync()).Verdict);
        await peer.ReadToEndAsync();
        await Eventually.TrueAsync(() => member.Log.Has(220, reason), "it is said");
        Assert.Equal(0, member.Registry.Calls);
    }

    [Fact]
    public async Task A_wrong_address_is_noticed_by_the_one_who_dials()
    {
        PeerTransportOptions[] options = Member.Configure(3);
        DnsEndPoint third = options[0].Peers[new ReplicaId(3)];
        await using Member first = new Member(options[0] with
        {
            Peers = new Dictionary<ReplicaId, DnsEndPoint> { [new ReplicaId(2)] = third },
        }).Start();
        await using Member other = new Member(options[2]).Start();
        await Eventually.TrueAsync(
            () => first.Log.Has(212, "an address is wrong: member 3 is there"), "it is said");
    }

    [Fact]
    public async Task A_member_without_this_one_in_its_configuration_says_so()
    {
        PeerTransportOptions[] options = Member.Configure(2);
        await using Member first = new Member(options[0]).Start();
        await using Member second = new Member(options[1] with
        {
            Peers = new Dictionary<ReplicaId, DnsEndPoint>(),
        }).Start();
        await Eventually.TrueAsync(
            () => first.Log.Has(212, "this member is not in its configuration"), "the first one is told");
    }

    [Fact]
    public async Task Who_does_not_say_hello_in_time_is_closed()
    {
        await using Member member = new Member(Member.Configure(2)[0] with
        {
            HandshakeTimeout = TimeSpan.FromMilliseconds(100),
        }).Start();
        using RawPeer mute = await RawPeer.DialAsync(member.Transport.EndPoint);
        using RawPeer slow = await RawPeer.DialAsync(member.Transport.EndPoint);
        await slow.SendAsync(RawPeer.HelloOf(2, 1, Incarnation).Encode()[..12]);
        Assert.Equal(0, await mute.ReadToEndAsync());
        Assert.Equal(0, await slow.ReadToEndAsync());
        await Eventually.TrueAsync(() => member.Log.Count(221) == 2, "two lines");
        Assert.True(member.Log.Has(221, "it did not say who it is within 0.1 s"));
    }

    [Fact]
    public async Task A_member_that_does_not_answer_in_time_is_unreachable()
    {
        PeerTransportOptions[] options = Member.Configure(2);
        using System.Net.Sockets.Socket listener = RawPeer.Listen(options[1].Listen);
        await using Member member = new Member(options[0] with
        {
            HandshakeTimeout = TimeSpan.FromMilliseconds(100),
        }).Start();
        await Eventually.TrueAsync(() => member.Observer.UnreachableCount(2) >= 2, "it is given up, twice");
        Assert.True(member.Log.Has(212, "no answer within 0.1 s"));
    }

    [Fact]
    public async Task Strangers_are_limited()
    {
        await using Member member = new Member(Member.Configure(2)[0] with { MaxStrangers = 2 }).Start();
        using RawPeer first = await RawPeer.DialAsync(member.Transport.EndPoint);
        RawPeer second = await RawPeer.DialAsync(member.Transport.EndPoint);
        await Eventually.TrueAsync(() => member.Transport.Connections == 2, "both are there");
        using RawPeer third = await RawPeer.DialAsync(member.Transport.EndPoint);
        Assert.Equal(0, await third.ReadToEndAsync());
        await Eventually.TrueAsync(() => member.Log.Has(220, "2 connections have not said yet"), "it is said");

        second.Dispose();
        await Eventually.TrueAsync(() => member.Transport.Connections == 1, "the second is gone");
        (await RawPeer.DialAsync(member, 2, Incarnation)).Dispose();
    }
}
