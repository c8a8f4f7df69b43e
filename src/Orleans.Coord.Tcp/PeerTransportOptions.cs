using System.Net;

namespace Orleans.Coord.Tcp;

/// <summary>Settings of a member's links to the others. The defaults suit a local network.</summary>
public sealed record PeerTransportOptions
{
    /// <summary>Who this member is.</summary>
    public required ReplicaId Self { get; init; }

    /// <summary>
    /// The ensemble's name: up to 64 letters, digits, dots, dashes and underscores. Members of other ensembles are
    /// refused.
    /// </summary>
    public required string Cluster { get; init; }

    /// <summary>This member's incarnation, drawn when its data directory was made; never 0.</summary>
    public required ulong Incarnation { get; init; }

    /// <summary>Where the others connect. Port 0 takes a free one.</summary>
    public required IPEndPoint Listen { get; init; }

    /// <summary>
    /// The other members' addresses at the start, until <see cref="TcpPeerTransport.SetPeers"/> gives others; names are
    /// looked up anew for each attempt to connect.
    /// </summary>
    public required IReadOnlyDictionary<ReplicaId, DnsEndPoint> Peers { get; init; }

    /// <summary>
    /// Whether a member that is not among the peers is linked where it says that it listens: it may have become one
    /// while this member was away. Not if it is refused by <see cref="TcpPeerTransport.SetPeers"/>.
    /// </summary>
    public bool AdmitGuests { get; init; }

    /// <summary>Mutual TLS; null for none, which only a network of trusted machines allows.</summary>
    public PeerTlsOptions? Tls { get; init; }

    /// <summary>Bytes of the largest envelope. A larger one that comes closes its link.</summary>
    public int MaxEnvelopeBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>
    /// Envelopes for a member are dropped while more than so many bytes wait for it. One envelope may always wait.
    /// </summary>
    public int MaxQueueBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>Connections that have not said yet who they are; one more is closed at once.</summary>
    public int MaxStrangers { get; init; } = 64;

    /// <summary>An idle link carries a heartbeat this often, both ways.</summary>
    public TimeSpan HeartbeatInterval { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// A link on which nothing came for so long is closed. Counted in heartbeats that this member had the chance to
    /// send itself: its own pauses do not count against the others.
    /// </summary>
    public TimeSpan SilenceTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long connecting may take, TLS and greeting included.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The first wait before connecting again; doubled with each failure.</summary>
    public TimeSpan MinReconnectDelay { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>The longest wait before connecting again.</summary>
    public TimeSpan MaxReconnectDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a stopping transport waits for its last envelopes to be taken.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Lines a second about closed connections; the rest is counted, so nobody floods the log.</summary>
    public int MaxLogLinesPerSecond { get; init; } = 20;

    internal int SilentTicks => Math.Max(2, (int)Math.Ceiling(SilenceTimeout / HeartbeatInterval));

    internal void Validate()
    {
        Require(Self != ReplicaId.None, "a member's id is 1 to 255");
        Require(Hello.IsClusterName(Cluster), $"'{Cluster}' cannot be an ensemble's name: use 1 to 64 of A-Za-z0-9._-");
        Require(Incarnation != 0, "the incarnation must not be 0");
        Require(!Peers.ContainsKey(Self) && !Peers.ContainsKey(ReplicaId.None), "the peers are the other members only");
        Require(MaxEnvelopeBytes is > 0 and <= 1 << 30, "an envelope's limit is 1 byte to 1 GiB");
        Require(MaxQueueBytes is > 0 and <= 1 << 30, "a queue's limit is 1 byte to 1 GiB");
        Require(HeartbeatInterval > TimeSpan.Zero, "the interval of heartbeats must be above 0");
        Require(HandshakeTimeout > TimeSpan.Zero, "the time to connect must be above 0");
        Require(
            MinReconnectDelay > TimeSpan.Zero && MaxReconnectDelay >= MinReconnectDelay,
            "the waits before connecting again must be above 0, the longest no shorter than the first");
    }

    private static void Require(bool condition, string sentence)
    {
        if (!condition)
        {
            throw new ArgumentException($"Cannot link the members: {sentence}.");
        }
    }
}
