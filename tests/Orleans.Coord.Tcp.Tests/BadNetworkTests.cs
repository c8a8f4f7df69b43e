using System.Buffers.Binary;
using System.Net;

namespace Orleans.Coord.Tcp.Tests;

/// <summary>Links over a network that cuts, changes and swallows.</summary>
public sealed class BadNetworkTests
{
    [Fact]
    public async Task Envelopes_may_be_lost_but_never_changed_or_repeated()
    {
        PeerTransportOptions[] options = Member.Configure(2);
        await using var network = new BadNetwork(options[0].Peers[new ReplicaId(2)]);
        await using Member first = new Member(Through(options[0], network)).Start();
        await using Member second = new Member(options[1]).Start();
        var seen = new HashSet<int>();
        second.Observer.Intercept = (from, envelope) =>
        {
            lock (seen)
            {
                int number = Check(envelope.Span);
                Assert.True(number < 0 || seen.Add(number), $"{number} came twice");
            }

            return false;
        };

        var random = new Random(6);
        int sent = 0;
        for (int round = 0; round < 40; round++)
        {
            await first.LinkedToAsync(2);
            for (int i = 0; i < 50; i++)
            {
                first.Transport.Send(new ReplicaId(2), Make(sent++, random.Next(5) == 0 ? 50_000 : 30));
                if (random.Next(3) == 0)
                {
                    first.Flush();
                }
            }

            first.Flush();
            if (round % 3 == 1)
            {
                network.FlipBit();
            }
            else if (round % 3 == 2)
            {
                await CutAsync(network, first);
            }
        }

        await first.TalkToAsync(second);
        Assert.Equal(0, second.Log.Count(222));
        Assert.Equal(0, first.Log.Count(222));
        Assert.True(first.Log.Count(211) > 10, "links were cut");
        Assert.NotEmpty(seen);
        Assert.All(seen, number => Assert.InRange(number, 0, sent - 1));
    }

    [Fact]
    public async Task A_changed_bit_costs_the_link_and_no_more()
    {
        PeerTransportOptions[] options = Member.Configure(2);
        await using var network = new BadNetwork(options[0].Peers[new ReplicaId(2)]);
        await using Member first = new Member(Through(options[0], network)).Start();
        await using Member second = new Member(options[1]).Start();
        await first.LinkedToAsync(2);
        network.FlipBit();
        first.Transport.Send(new ReplicaId(2), Make(1, 1000));
        first.Flush();
        await Eventually.TrueAsync(() => second.Log.Has(221, "a frame of 1000 bytes fails its checksum"), "it is seen");
        await Eventually.TrueAsync(() => first.Observer.UnreachableCount(2) >= 1, "the sender learns of it");
        Assert.Equal(0, network.Flips);
        Assert.Empty(second.Observer.All);
        await first.TalkToAsync(second);
    }

    [Fact]
    public async Task A_pulled_cable_is_noticed_by_both_and_forgotten_when_it_is_back()
    {
        PeerTransportOptions[] options =
            [.. Member.Configure(2).Select(o => o with
            {
                SilenceTimeout = TimeSpan.FromMilliseconds(400),
                HandshakeTimeout = TimeSpan.FromMilliseconds(400),
            })];
        await using var there = new BadNetwork(options[0].Peers[new ReplicaId(2)]);
        await using var back = new BadNetwork(options[1].Peers[new ReplicaId(1)]);
        await using Member first = new Member(Through(options[0], there)).Start();
        await using Member second = new Member(Through(options[1], back)).Start();
        await first.TalkToAsync(second);
        await second.TalkToAsync(first);

        there.IsSwallowing = back.IsSwallowing = true;
        await Eventually.TrueAsync(
            () => first.Observer.UnreachableCount(2) >= 2 && second.Observer.UnreachableCount(1) >= 2,
            "each has lost the other, and did not find it again");
        foreach (Member member in (Member[])[first, second])
        {
            await Eventually.TrueAsync(() => member.Log.Count(211) > 0, "the way out is closed");
            await Eventually.TrueAsync(() => member.Log.Count(214) > 0, "the way in is closed");
        }

        // Whoever closes first closes the other's end with it: this cable passes on the end.
        Assert.Contains(
            first.Log.Lines.Concat(second.Log.Lines), line => line.Text.EndsWith("nothing came for too long"));

        there.IsSwallowing = back.IsSwallowing = false;
        await first.TalkToAsync(second);
        await second.TalkToAsync(first);
    }

    private static PeerTransportOptions Through(PeerTransportOptions options, BadNetwork network) => options with
    {
        Peers = options.Peers.ToDictionary(peer => peer.Key, _ => network.Address),
        MaxReconnectDelay = TimeSpan.FromMilliseconds(20),
    };

    private static async Task CutAsync(BadNetwork network, Member member)
    {
        int before = member.Observer.UnreachableCount(2);
        await Eventually.TrueAsync(
            () =>
            {
                network.Cut();
                return member.Observer.UnreachableCount(2) > before;
            },
            "the cut is noticed");
    }

    private static byte[] Make(int number, int bytes)
    {
        byte[] envelope = new byte[bytes];
        envelope.AsSpan().Fill((byte)number);
        BinaryPrimitives.WriteInt32BigEndian(envelope, number);
        return envelope;
    }

    // Returns the envelope's number; −1 if it is one that only looks for the other side.
    private static int Check(ReadOnlySpan<byte> envelope)
    {
        if (envelope.StartsWith("are you there?"u8))
        {
            return -1;
        }

        int number = BinaryPrimitives.ReadInt32BigEndian(envelope);
        Assert.False(envelope[sizeof(int)..].ContainsAnyExcept((byte)number));
        return number;
    }
}
