using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree;

/// <summary>
/// Writes commands as payloads of log entries. Each method appends one command to the writer, at the newest feature
/// level: the leader sets the group's.
/// </summary>
public static class CommandCodec
{
    private const int OptionsOffset = 1;

    // After kind and options.
    private const int TimeOffset = 2;

    /// <summary>Appends a client's request, or an internal one (session, generation and position 0).</summary>
    /// <param name="output">Where to append.</param>
    /// <param name="options">Settings of this replica.</param>
    /// <param name="time">The leader's clock, milliseconds since 1970.</param>
    /// <param name="sessionId">The session, or 0.</param>
    /// <param name="generation">The session's generation as its owner knows it.</param>
    /// <param name="position">1 for the first request of a generation, then one more each.</param>
    /// <param name="op">The operation.</param>
    /// <param name="identities">See <see cref="CallerIdentities.Encoded"/>; empty for internal requests.</param>
    /// <param name="body">The client's request, without its header.</param>
    public static void WriteRequest(
        JuteWriter output,
        CommandOptions options,
        long time,
        long sessionId,
        int generation,
        long position,
        OpCode op,
        ReadOnlySpan<byte> identities,
        ReadOnlySpan<byte> body)
    {
        WriteHeader(output, CommandKind.Request, options, time, sessionId);
        output.WriteInt(generation);
        output.WriteLong(position);
        output.WriteInt((int)op);
        output.WriteBuffer(identities);
        output.WriteRaw(body);
    }

    /// <summary>Appends the creation of a session.</summary>
    public static void WriteCreateSession(
        JuteWriter output, long time, long sessionId, ulong ticket, ReadOnlySpan<byte> passwordHash, int timeoutMs)
    {
        WriteHeader(output, CommandKind.CreateSession, CommandOptions.None, time, sessionId);
        output.WriteLong((long)ticket);
        output.WriteInt(timeoutMs);
        output.WriteBuffer(passwordHash);
    }

    /// <summary>Appends the attachment of a connection to a session.</summary>
    public static void WriteAttachSession(
        JuteWriter output, long time, long sessionId, ulong ticket, ReadOnlySpan<byte> passwordHash, int timeoutMs)
    {
        WriteHeader(output, CommandKind.AttachSession, CommandOptions.None, time, sessionId);
        output.WriteLong((long)ticket);
        output.WriteInt(timeoutMs);
        output.WriteBuffer(passwordHash);
    }

    /// <summary>Appends the expiry of a session, void if it is attached again before.</summary>
    public static void WriteExpireSession(JuteWriter output, long time, long sessionId, int generation)
    {
        WriteHeader(output, CommandKind.ExpireSession, CommandOptions.None, time, sessionId);
        output.WriteInt(generation);
    }

    /// <summary>Appends a part of a snapshot that is to take the tree's place.</summary>
    /// <param name="output">Where to append.</param>
    /// <param name="time">The leader's clock, milliseconds since 1970.</param>
    /// <param name="restoreId">The same for all parts; those of another restore are dropped for them.</param>
    /// <param name="part">Its number from 1, or 0 to give the restore up.</param>
    /// <param name="parts">How many there are.</param>
    /// <param name="bytes">Its bytes: a piece of the snapshot's chunks, each behind its length (big-endian).</param>
    public static void WriteRestorePart(
        JuteWriter output, long time, long restoreId, int part, int parts, ReadOnlySpan<byte> bytes)
    {
        WriteHeader(output, CommandKind.RestorePart, CommandOptions.None, time, restoreId);
        output.WriteInt(part);
        output.WriteInt(parts);
        output.WriteRaw(bytes);
    }

    /// <summary>Replaces the time in a command that another member wrote: only the leader's clock counts.</summary>
    /// <param name="command">One command, from its first byte.</param>
    /// <param name="time">The leader's clock, milliseconds since 1970.</param>
    public static void Stamp(JuteWriter command, long time) => command.PatchLong(TimeOffset, time);

    /// <summary>Replaces the options of a command.</summary>
    /// <param name="command">One command, from its first byte.</param>
    /// <param name="options">All options that it is to have.</param>
    public static void SetOptions(JuteWriter command, CommandOptions options) =>
        command.PatchByte(OptionsOffset, (byte)options);

    /// <summary>Replaces the feature level of a command.</summary>
    /// <param name="command">One command, from its first byte.</param>
    /// <param name="level">The level at which all replicas are to apply it.</param>
    public static void SetLevel(Span<byte> command, byte level) => command[0] = First((CommandKind)command[0], level);

    private static byte First(CommandKind kind, byte level) => (byte)(((byte)kind & 0xF) | (level << 4));

    private static void WriteHeader(
        JuteWriter output, CommandKind kind, CommandOptions options, long time, long sessionId)
    {
        output.WriteByte(First(kind, FeatureLevels.Newest));
        output.WriteByte((byte)options);
        output.WriteLong(time);
        output.WriteLong(sessionId);
    }
}
