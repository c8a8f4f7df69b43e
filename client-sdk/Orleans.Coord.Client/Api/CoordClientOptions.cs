using System.Net.Security;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Orleans.Coord.Client;

/// <summary>How a <see cref="CoordClient"/> finds its servers and behaves. Read once, by the constructor.</summary>
public sealed class CoordClientOptions
{
    /// <summary>
    /// Servers and an optional root: <c>host:port,host:port/root</c>. The port may be left out (2181); IPv6
    /// addresses stand in brackets. With a root, all paths of this client are below it.
    /// </summary>
    public string ConnectionString { get; set; } = "localhost:2181";

    /// <summary>
    /// Opens a connection that speaks ZooKeeper's protocol, in place of those to the servers of
    /// <see cref="ConnectionString"/>, of which only the root counts then. The client owns the stream socket it gets.
    /// </summary>
    public Func<CancellationToken, ValueTask<Socket>>? ConnectCallback { get; set; }

    /// <summary>The session time-out to ask for; the server has the last word. Default 10 s.</summary>
    public TimeSpan SessionTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long one attempt to reach one server may take. Default 2 s.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>The wait after a first failed round of attempts; doubles up to the maximum, with jitter.</summary>
    public TimeSpan ReconnectDelay { get; set; } = TimeSpan.FromMilliseconds(50);

    /// <summary>The longest wait between attempts; never more than a quarter of the session time-out.</summary>
    public TimeSpan MaxReconnectDelay { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How long disposing waits for the server to confirm the end of the session. Default 2 s.</summary>
    public TimeSpan CloseTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Whether to try the servers in random order, so that clients spread. Default true.</summary>
    public bool ShuffleServers { get; set; } = true;

    /// <summary>
    /// How to encrypt; null for not at all. The server's certificate must be for the name in the connection string,
    /// unless <see cref="SslClientAuthenticationOptions.TargetHost"/> says otherwise.
    /// </summary>
    public SslClientAuthenticationOptions? Tls { get; set; }

    /// <summary>Credentials to send on every connection. A refused one closes the client.</summary>
    public IList<CoordAuth> Auth { get; } = [];

    /// <summary>The access control list of znodes created without one. Default: open to everyone.</summary>
    public IReadOnlyList<Acl> DefaultAcl { get; set; } = [Acl.Open];

    /// <summary>Requests waiting or under way at most; further calls wait for a place. Default 16,384.</summary>
    public int MaxPendingRequests { get; set; } = 16_384;

    /// <summary>The largest request, bytes; servers close the connection on a larger one.</summary>
    public int MaxRequestBytes { get; set; } = CoordLimits.DefaultMaxFrameBytes - 1;

    /// <summary>The largest answer that the client is ready to hold, bytes. Default 64 MiB.</summary>
    public int MaxReplyBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>Events that one watch stream holds for a slow consumer before it drops to a resync.</summary>
    public int WatchBufferCapacity { get; set; } = 1024;

    /// <summary>Where to log; null for nowhere.</summary>
    public ILoggerFactory? LoggerFactory { get; set; }

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(SessionTimeout, TimeSpan.Zero, nameof(SessionTimeout));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(
            SessionTimeout.TotalMilliseconds, int.MaxValue, nameof(SessionTimeout));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(ConnectTimeout, TimeSpan.Zero, nameof(ConnectTimeout));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(ReconnectDelay, TimeSpan.Zero, nameof(ReconnectDelay));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxReconnectDelay, ReconnectDelay, nameof(MaxReconnectDelay));
        ArgumentOutOfRangeException.ThrowIfLessThan(CloseTimeout, TimeSpan.Zero, nameof(CloseTimeout));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxPendingRequests, 1, nameof(MaxPendingRequests));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxRequestBytes, 64, nameof(MaxRequestBytes));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxReplyBytes, 64, nameof(MaxReplyBytes));
        ArgumentOutOfRangeException.ThrowIfLessThan(WatchBufferCapacity, 1, nameof(WatchBufferCapacity));
        ArgumentNullException.ThrowIfNull(DefaultAcl);
    }
}
