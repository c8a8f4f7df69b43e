namespace Orleans.Coord.Gateway;

/// <summary>
/// What the gateway counts for all of its connections. Raised once a batch or a turn, never once a request, so that
/// counting costs next to nothing.
/// </summary>
public sealed class GatewayCounters
{
    private long _received;
    private long _sent;
    private long _socketWrites;
    private long _refused;
    private long _malformed;
    private long _failedHandshakes;

    /// <summary>Frames that came from clients.</summary>
    public long PacketsReceived => Volatile.Read(ref _received);

    /// <summary>Frames that were handed to sockets.</summary>
    public long PacketsSent => Volatile.Read(ref _sent);

    /// <summary>Socket writes that carried them.</summary>
    public long SocketWrites => Volatile.Read(ref _socketWrites);

    /// <summary>Connections turned away because a limit was reached.</summary>
    public long ConnectionsRefused => Volatile.Read(ref _refused);

    /// <summary>Connections closed because of what the client sent or did not send.</summary>
    public long ConnectionsMalformed => Volatile.Read(ref _malformed);

    /// <summary>TLS handshakes that failed.</summary>
    public long FailedHandshakes => Volatile.Read(ref _failedHandshakes);

    /// <summary>How long requests took from arrival to execution.</summary>
    public LatencyMeter Latency { get; } = new();

    /// <summary>Starts counting and measuring anew, as the four-letter word <c>srst</c> asks.</summary>
    public void Reset()
    {
        Volatile.Write(ref _received, 0);
        Volatile.Write(ref _sent, 0);
        Latency.Reset();
    }

    internal void AddReceived(int frames) => Interlocked.Add(ref _received, frames);

    internal void AddSent(int frames) => Interlocked.Add(ref _sent, frames);

    internal void AddSocketWrite() => Interlocked.Increment(ref _socketWrites);

    internal void AddFailedHandshake() => Interlocked.Increment(ref _failedHandshakes);

    internal void AddRefused() => Interlocked.Increment(ref _refused);

    internal void AddMalformed() => Interlocked.Increment(ref _malformed);
}
