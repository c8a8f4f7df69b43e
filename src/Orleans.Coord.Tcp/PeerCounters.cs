namespace Orleans.Coord.Tcp;

/// <summary>What a transport has counted since it was made. Raised once a batch, not once an envelope.</summary>
public sealed class PeerCounters
{
    private long _sent;
    private long _received;
    private long _dropped;
    private long _bytesSent;
    private long _bytesReceived;
    private long _writes;
    private long _reads;
    private long _heartbeats;
    private long _refused;
    private long _malformed;

    /// <summary>Envelopes handed to links.</summary>
    public long EnvelopesSent => Volatile.Read(ref _sent);

    /// <summary>Envelopes that came.</summary>
    public long EnvelopesReceived => Volatile.Read(ref _received);

    /// <summary>Envelopes dropped: the link was down, or its queue full.</summary>
    public long EnvelopesDropped => Volatile.Read(ref _dropped);

    /// <summary>Bytes written, framing included.</summary>
    public long BytesSent => Volatile.Read(ref _bytesSent);

    /// <summary>Bytes read, framing included.</summary>
    public long BytesReceived => Volatile.Read(ref _bytesReceived);

    /// <summary>Writes that carried envelopes; those of heartbeats are counted by themselves.</summary>
    public long SocketWrites => Volatile.Read(ref _writes);

    /// <summary>Reads that brought something.</summary>
    public long SocketReads => Volatile.Read(ref _reads);

    /// <summary>Heartbeats sent on idle links.</summary>
    public long HeartbeatsSent => Volatile.Read(ref _heartbeats);

    /// <summary>Connections of others that were refused: wrong ensemble, member, incarnation or version.</summary>
    public long ConnectionsRefused => Volatile.Read(ref _refused);

    /// <summary>Connections closed because of what came, or because nothing came in time.</summary>
    public long ConnectionsMalformed => Volatile.Read(ref _malformed);

    internal void AddSent(int envelopes) => Interlocked.Add(ref _sent, envelopes);

    internal void AddDropped(int envelopes) => Interlocked.Add(ref _dropped, envelopes);

    internal void AddWrite(int bytes)
    {
        Interlocked.Increment(ref _writes);
        Interlocked.Add(ref _bytesSent, bytes);
    }

    internal void AddHeartbeat(int bytes)
    {
        Interlocked.Increment(ref _heartbeats);
        Interlocked.Add(ref _bytesSent, bytes);
    }

    internal void AddRead(int bytes)
    {
        Interlocked.Increment(ref _reads);
        Interlocked.Add(ref _bytesReceived, bytes);
    }

    internal void AddReceived(int envelopes) => Interlocked.Add(ref _received, envelopes);

    internal void AddRefused() => Interlocked.Increment(ref _refused);

    internal void AddMalformed() => Interlocked.Increment(ref _malformed);
}
