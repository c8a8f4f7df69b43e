using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Orleans.Coord.Tcp.Tests;

/// <summary>One member of a test's ensemble: a transport and all that it talks to.</summary>
internal sealed class Member : IAsyncDisposable
{
    public const string Cluster = "test-ensemble";

    // Below the ports that the kernel gives to dialling sockets, so that none of those takes one of ours.
    private static int _nextPort = 21_000 + (Environment.ProcessId % 10_000);

    public Member(PeerTransportOptions options, MemoryRegistry? registry = null)
    {
        Options = options;
        Registry = registry ?? new MemoryRegistry();
        Transport = new TcpPeerTransport(options, Registry, Log);
    }

    public PeerTransportOptions Options { get; }

    public TcpPeerTransport Transport { get; }

    public FakeObserver Observer { get; } = new();

    public MemoryRegistry Registry { get; }

    public TestLog Log { get; } = new();

    public PeerCounters Counters => Transport.Counters;

    public static int FreePort()
    {
        while (true)
        {
            int port = Interlocked.Increment(ref _nextPort);
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
                return port;
            }
            catch (SocketException)
            {
                // Somebody else's.
            }
        }
    }

    /// <summary>Settings of members 1, 2, ..., that know each other.</summary>
    public static PeerTransportOptions[] Configure(int count)
    {
        int[] ports = [.. Enumerable.Range(0, count).Select(_ => FreePort())];
        return
        [
            .. Enumerable.Range(0, count).Select(self => new PeerTransportOptions
            {
                Self = new ReplicaId((byte)(self + 1)),
                Cluster = Cluster,
                Incarnation = 1000UL + (ulong)self,
                Listen = new IPEndPoint(IPAddress.Loopback, ports[self]),
                Peers = Enumerable.Range(0, count).Where(peer => peer != self).ToDictionary(
                    peer => new ReplicaId((byte)(peer + 1)), peer => new DnsEndPoint("127.0.0.1", ports[peer])),
                HeartbeatInterval = TimeSpan.FromMilliseconds(50),
                SilenceTimeout = TimeSpan.FromSeconds(20),
                HandshakeTimeout = TimeSpan.FromSeconds(20),
            }),
        ];
    }

    public Member Start()
    {
        Transport.Start(Observer);
        return this;
    }

    /// <summary>Starts members, and waits until each can send to each.</summary>
    public static async Task<Member[]> StartAllAsync(params PeerTransportOptions[] options)
    {
        Member[] members = [.. options.Select(o => new Member(o).Start())];
        foreach (Member member in members)
        {
            foreach (Member other in members.Where(m => m != member))
            {
                await member.LinkedToAsync(other.Options.Self.Value);
            }
        }

        return members;
    }

    public Task LinkedToAsync(byte peer) =>
        Eventually.TrueAsync(() => Transport.IsLinkedTo(new ReplicaId(peer)), $"{Options.Self} is linked to {peer}");

    public Task NotLinkedToAsync(byte peer) =>
        Eventually.TrueAsync(() => !Transport.IsLinkedTo(new ReplicaId(peer)), $"{Options.Self} lost {peer}");

    public void Send(byte to, string text) => Transport.Send(new ReplicaId(to), Encoding.UTF8.GetBytes(text));

    public void Flush() => Transport.Flush();

    /// <summary>Sends until something arrives: a new link's first envelopes may be lost.</summary>
    public async Task TalkToAsync(Member other)
    {
        int before = other.Observer.Count;
        await Eventually.TrueAsync(
            () =>
            {
                Send(other.Options.Self.Value, "are you there?");
                Flush();
                return other.Observer.Count > before;
            },
            $"{Options.Self} reaches {other.Options.Self}");
    }

    public ValueTask DisposeAsync() => Transport.DisposeAsync();
}
