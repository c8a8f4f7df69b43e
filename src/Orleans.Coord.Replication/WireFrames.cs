using Orleans.Coord.Jute;

namespace Orleans.Coord.Replication;

/// <summary>The frames that a server sends: welcome, reply, watch event (ZooKeeper's wire protocol).</summary>
internal static class WireFrames
{
    /// <summary>Length, xid, zxid and error code.</summary>
    public const int ReplyHeaderBytes = 20;

    private const int ErrorOffset = 16;
    private const int NotificationXid = -1;
    private const int SyncConnected = 3;

    /// <summary>Starts a reply; the body is appended to the writer, then <see cref="EndReply"/> closes it.</summary>
    /// <returns>Where the frame starts.</returns>
    public static int BeginReply(JuteWriter output, int xid, long zxid)
    {
        int start = output.Length;
        output.WriteInt(0);
        output.WriteInt(xid);
        output.WriteLong(zxid);
        output.WriteInt(0);
        return start;
    }

    /// <summary>Fills in the reply's length and code. A code other than 0 takes the body away.</summary>
    public static void EndReply(JuteWriter output, int start, CoordErrorCode code)
    {
        if (code != CoordErrorCode.Ok)
        {
            output.Truncate(start + ReplyHeaderBytes);
            output.PatchInt(start + ErrorOffset, (int)code);
        }

        output.PatchInt(start, output.Length - start - sizeof(int));
    }

    /// <summary>Writes a whole reply.</summary>
    public static void Reply(
        JuteWriter output, int xid, long zxid, CoordErrorCode code, ReadOnlySpan<byte> body = default)
    {
        int start = BeginReply(output, xid, zxid);
        output.WriteRaw(body);
        EndReply(output, start, code);
    }

    /// <summary>Writes a watch event.</summary>
    public static void Event(JuteWriter output, int type, ReadOnlySpan<byte> path)
    {
        int start = BeginReply(output, NotificationXid, -1);
        output.WriteInt(type);
        output.WriteInt(SyncConnected);
        output.WriteBuffer(path);
        EndReply(output, start, CoordErrorCode.Ok);
    }

    /// <summary>Writes the answer to a <see cref="ConnectRequest"/>; all zero turns the client away.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="timeoutMs">The negotiated time-out, milliseconds.</param>
    /// <param name="sessionId">The session.</param>
    /// <param name="password">Its password.</param>
    /// <param name="readOnly">Whether writes will be refused; null for a client that knows no such servers.</param>
    public static void Welcome(
        JuteWriter output, int timeoutMs, long sessionId, ReadOnlySpan<byte> password, bool? readOnly)
    {
        int start = output.Length;
        output.WriteInt(0);
        output.WriteInt(0);
        output.WriteInt(timeoutMs);
        output.WriteLong(sessionId);
        output.WriteBuffer(password);
        if (readOnly is { } isReadOnly)
        {
            output.WriteBool(isReadOnly);
        }

        output.PatchInt(start, output.Length - start - sizeof(int));
    }
}
