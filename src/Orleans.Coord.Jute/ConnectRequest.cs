namespace Orleans.Coord.Jute;

/// <summary>A client's first frame: it asks for a new session, or for one it has.</summary>
/// <param name="ProtocolVersion">0.</param>
/// <param name="LastZxidSeen">The newest zxid the client has seen; a server behind it must turn it away.</param>
/// <param name="TimeoutMs">The session time-out it wishes for, milliseconds.</param>
/// <param name="SessionId">0 for a new session.</param>
/// <param name="Password">The session's password, 16 bytes; anything for a new one.</param>
/// <param name="CanBeReadOnly">Whether a read-only server will do; false where the client left it out.</param>
/// <param name="HasReadOnlyByte">Whether the client sent that byte; if so the answer carries one too.</param>
public sealed record ConnectRequest(
    int ProtocolVersion,
    long LastZxidSeen,
    int TimeoutMs,
    long SessionId,
    ReadOnlyMemory<byte> Password,
    bool CanBeReadOnly,
    bool HasReadOnlyByte)
{
    /// <summary>Reads the record from a frame's body; null when the bytes do not hold one.</summary>
    public static ConnectRequest? TryRead(ReadOnlySpan<byte> body)
    {
        var reader = new JuteReader(body);
        int version = reader.ReadInt();
        long zxid = reader.ReadLong();
        int timeout = reader.ReadInt();
        long session = reader.ReadLong();
        byte[] password = reader.ReadBuffer().ToArray();
        bool hasReadOnly = !reader.Rest.IsEmpty;
        bool readOnly = hasReadOnly && reader.ReadBool();
        return reader.Failed ? null : new(version, zxid, timeout, session, password, readOnly, hasReadOnly);
    }
}
