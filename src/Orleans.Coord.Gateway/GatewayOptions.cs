using System.Net;

namespace Orleans.Coord.Gateway;

/// <summary>Settings of the client gateway. The defaults suit a server with thousands of clients.</summary>
public sealed record GatewayOptions
{
    /// <summary>Where clients connect. Port 0 takes a free one; see <see cref="GatewayServer.EndPoint"/>.</summary>
    public IPEndPoint EndPoint { get; init; } = new(IPAddress.Any, 2181);

    /// <summary>Listens on ::1 as well, with the same port; not having it is no error.</summary>
    public bool AlsoOnIPv6Loopback { get; init; }

    /// <summary>TLS for clients; null for none.</summary>
    public ClientTlsOptions? Tls { get; init; }

    /// <summary>Where the admin server listens; null for none.</summary>
    public IPEndPoint? AdminEndPoint { get; init; }

    /// <summary>
    /// The admin server takes one snapshot in this time, and restores one (ZooKeeper's
    /// <c>admin.rateLimiterIntervalInMS</c>); zero for no limit.
    /// </summary>
    public TimeSpan AdminSnapshotInterval { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How many clients may wait in the kernel to be accepted.</summary>
    public int Backlog { get; init; } = 1024;

    /// <summary>Connections served at a time; 0 for no limit. One more is closed at once.</summary>
    public int MaxConnections { get; init; }

    /// <summary>The same for one client address (ZooKeeper's <c>maxClientCnxns</c>); 0 for no limit.</summary>
    public int MaxConnectionsPerAddress { get; init; }

    /// <summary>Frames of this many bytes or more close the connection.</summary>
    public int MaxFrameBytes { get; init; } = CoordLimits.DefaultMaxFrameBytes;

    /// <summary>
    /// A connection is not read on while so many bytes of its requests wait to be executed (one frame may exceed it).
    /// </summary>
    public int MaxOutstandingBytes { get; init; } = 1024 * 1024;

    /// <summary>The same as a number of requests. Fewer are taken in while replies are large.</summary>
    public int MaxOutstandingRequests { get; init; } = 4096;

    /// <summary>
    /// No connection is read on while so many requests of all connections together wait to be executed (ZooKeeper's
    /// <c>globalOutstandingLimit</c>); 0 for no limit.
    /// </summary>
    public int MaxOutstandingRequestsOfAll { get; init; } = 65_536;

    /// <summary>Requests of more bytes are large; at least <see cref="MinLargeRequestBytes"/>, or 0 for none.</summary>
    public int LargeRequestBytes { get; init; }

    /// <summary>Bytes of all large requests under way; one for which there is no room closes its connection.</summary>
    public long MaxLargeRequestsBytes { get; init; } = 100 * 1024 * 1024;

    /// <summary>Clients that may connect in a second, or at once after a quiet one; 0 for no limit.</summary>
    public int MaxConnectsPerSecond { get; init; }

    /// <summary>The least that <see cref="LargeRequestBytes"/> may be: such requests travel alone.</summary>
    public const int MinLargeRequestBytes = 64 * 1024;

    /// <summary>A connection is not read on while so many bytes of replies to it are unsent.</summary>
    public int UnsentBytesToPause { get; init; } = 1024 * 1024;

    /// <summary>A client that lets so many bytes of replies and events pile up unread is disconnected.</summary>
    public int UnsentBytesToClose { get; init; } = 64 * 1024 * 1024;

    /// <summary>How long a client may take to send its first frame.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a closing connection may take to read its last replies and to close its own end.</summary>
    public TimeSpan CloseTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Lines a second about closed connections; the rest is counted, so nobody floods the log.</summary>
    public int MaxLogLinesPerSecond { get; init; } = 20;

    /// <summary>The four-letter words that are answered; <c>*</c> stands for all.</summary>
    public IReadOnlyList<string> FourLetterWords { get; init; } =
        ["ruok", "srvr", "stat", "mntr", "conf", "cons", "envi", "isro", "wchs", "dump"];
}
