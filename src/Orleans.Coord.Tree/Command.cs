using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree;

/// <summary>A log entry's payload, parsed in place.</summary>
public readonly ref struct Command
{
    /// <summary>What is asked.</summary>
    public CommandKind Kind { get; private init; }

    /// <summary>The feature level at which it is to be applied, see <see cref="FeatureLevels"/>.</summary>
    public byte Level { get; private init; }

    /// <summary>Settings of the replica that proposed it.</summary>
    public CommandOptions Options { get; private init; }

    /// <summary>The leader's clock at proposal, milliseconds since 1970.</summary>
    public long Time { get; private init; }

    /// <summary>The session concerned, or the restore; 0 for an internal request.</summary>
    public long SessionId { get; private init; }

    /// <summary>The session generation the sender believes in (requests and expiry).</summary>
    public int Generation { get; private init; }

    /// <summary>The request's position in its session generation, from 1.</summary>
    public long Position { get; private init; }

    /// <summary>What the proposer recognises its attempt by (creation and attachment); means nothing here.</summary>
    public ulong Ticket { get; private init; }

    /// <summary>The requested operation.</summary>
    public OpCode Op { get; private init; }

    /// <summary>The time-out asked for (creation and attachment), milliseconds.</summary>
    public int TimeoutMs { get; private init; }

    /// <summary>A snapshot's part: its number from 1; 0 gives the restore up.</summary>
    public int Part { get; private init; }

    /// <summary>How many parts the snapshot has.</summary>
    public int Parts { get; private init; }

    /// <summary>The encoded identities of the caller, see <see cref="CallerIdentities.Encoded"/>.</summary>
    public ReadOnlySpan<byte> Identities { get; private init; }

    /// <summary>The hash of the session's password, see <see cref="SessionTable.HashPassword"/>.</summary>
    public ReadOnlySpan<byte> PasswordHash { get; private init; }

    /// <summary>The client's request, without its header; or a part's bytes.</summary>
    public ReadOnlySpan<byte> Body { get; private init; }

    /// <summary>The same caller's request for what this one wraps.</summary>
    internal Command With(OpCode op, ReadOnlySpan<byte> body) => this with { Op = op, Body = body };

    /// <summary>
    /// The feature level of a payload, which holds a command of any version: the upper half of its first byte. In logs
    /// from before levels were kept it is 0, and <see cref="FeatureLevels.Extensions"/> is meant.
    /// </summary>
    public static byte LevelOf(ReadOnlySpan<byte> payload) =>
        payload.IsEmpty || payload[0] >> 4 == 0 ? FeatureLevels.Extensions : (byte)(payload[0] >> 4);

    /// <summary>Parses a payload; false if it holds no command that this version knows.</summary>
    public static bool TryRead(ReadOnlySpan<byte> payload, out Command command)
    {
        var reader = new JuteReader(payload);
        byte level = LevelOf(payload);
        var kind = (CommandKind)(reader.ReadByte() & 0xF);
        var options = (CommandOptions)reader.ReadByte();
        long time = reader.ReadLong();
        long session = reader.ReadLong();
        command = kind switch
        {
            CommandKind.Request => new Command
            {
                Kind = kind,
                Level = level,
                Options = options,
                Time = time,
                SessionId = session,
                Generation = reader.ReadInt(),
                Position = reader.ReadLong(),
                Op = (OpCode)reader.ReadInt(),
                Identities = reader.ReadBuffer(),
                Body = reader.Rest,
            },
            CommandKind.CreateSession or CommandKind.AttachSession => new Command
            {
                Kind = kind,
                Level = level,
                Options = options,
                Time = time,
                SessionId = session,
                Ticket = (ulong)reader.ReadLong(),
                TimeoutMs = reader.ReadInt(),
                PasswordHash = reader.ReadBuffer(),
            },
            CommandKind.ExpireSession => new Command
            {
                Kind = kind,
                Level = level,
                Options = options,
                Time = time,
                SessionId = session,
                Generation = reader.ReadInt(),
            },
            CommandKind.RestorePart => new Command
            {
                Kind = kind,
                Level = level,
                Options = options,
                Time = time,
                SessionId = session,
                Part = reader.ReadInt(),
                Parts = reader.ReadInt(),
                Body = reader.Rest,
            },
            _ => default,
        };
        return command.Kind != 0 && level <= FeatureLevels.Newest && !reader.Failed;
    }
}
