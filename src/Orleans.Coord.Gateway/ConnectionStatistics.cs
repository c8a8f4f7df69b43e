using System.Buffers.Binary;
using System.Diagnostics;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Gateway;

/// <summary>
/// What <c>cons</c> tells of one connection. All of it is read off the wire, once a batch or a turn: the replica
/// need not help, and no request costs anything.
/// </summary>
internal sealed class ConnectionStatistics
{
    private const int ReplyHeaderBytes = 16;
    private bool _welcomed;

    /// <summary>Frames received.</summary>
    public long Received { get; private set; }

    /// <summary>Frames sent.</summary>
    public long Sent { get; private set; }

    /// <summary>The session; 0 before the welcome.</summary>
    public long SessionId { get; private set; }

    /// <summary>The session's negotiated time-out, milliseconds.</summary>
    public int TimeoutMs { get; private set; }

    /// <summary>When the client connected.</summary>
    public DateTimeOffset Established { get; } = DateTimeOffset.UtcNow;

    /// <summary>The newest operation; <see cref="OpCode.CreateSession"/> before the first request.</summary>
    public OpCode LastOperation { get; private set; } = OpCode.CreateSession;

    /// <summary>The newest request's number, pings and the like apart.</summary>
    public int LastXid { get; private set; }

    /// <summary>The newest reply's zxid.</summary>
    public long LastZxid { get; private set; } = -1;

    /// <summary>When the newest request was executed, on the clock of <see cref="Environment.TickCount64"/>.</summary>
    public long LastResponseMs { get; private set; }

    /// <summary>How long requests took from arrival to execution.</summary>
    public LatencyMeter Latency { get; } = new();

    /// <summary>Counts anew, as <c>crst</c> asks.</summary>
    public void Reset()
    {
        Received = 0;
        Sent = 0;
        LastOperation = OpCode.Notification;
        LastXid = -1;
        LastZxid = -1;
        LastResponseMs = 0;
        Latency.Reset();
    }

    /// <summary>The first frame, or a four-letter word, came.</summary>
    public void NoteFirstFrame() => Received++;

    /// <summary>Requests came.</summary>
    /// <param name="frames">How many.</param>
    /// <param name="last">The last of them, without its length; at least a request header long.</param>
    public void NoteReceived(int frames, ReadOnlySpan<byte> last)
    {
        Received += frames;
        int xid = BinaryPrimitives.ReadInt32BigEndian(last);
        if (xid >= 0)
        {
            LastXid = xid;
        }

        LastOperation = (OpCode)BinaryPrimitives.ReadInt32BigEndian(last[sizeof(int)..]);
    }

    /// <summary>Requests were executed.</summary>
    public void NoteExecuted(long now, long ticks, int requests)
    {
        LastResponseMs = now / (Stopwatch.Frequency / 1000);
        Latency.Add(ticks, requests);
    }

    /// <summary>Replies and events leave.</summary>
    /// <param name="frames">How many.</param>
    /// <param name="bytes">All of them, each with its length.</param>
    /// <param name="last">Where the last of them begins.</param>
    public void NoteSent(int frames, ReadOnlySpan<byte> bytes, int last)
    {
        Sent += frames;
        var reader = new JuteReader(bytes[(last + FrameDecoder.PrefixBytes)..]);
        if (!_welcomed)
        {
            _welcomed = true;
            reader = new JuteReader(bytes[FrameDecoder.PrefixBytes..]);
            _ = reader.ReadInt();
            TimeoutMs = reader.ReadInt();
            SessionId = reader.ReadLong();
            LastResponseMs = Environment.TickCount64;
        }
        else if (reader.Rest.Length >= ReplyHeaderBytes && reader.ReadInt() != -1)
        {
            LastZxid = reader.ReadLong();
        }
    }
}
