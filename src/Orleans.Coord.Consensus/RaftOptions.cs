namespace Orleans.Coord.Consensus;

/// <summary>
/// Settings of a <see cref="RaftNode"/>. Time is counted in ticks; the host decides how long a tick is.
/// </summary>
public sealed record RaftOptions
{
    /// <summary>
    /// Ticks without a leader's word after which a follower may campaign. The timeout actually used is drawn anew each
    /// time from this number to one less than its double (Raft paper, section 5.2).
    /// </summary>
    public int ElectionTicks { get; init; } = 10;

    /// <summary>Ticks between two heartbeats of a leader; well below <see cref="ElectionTicks"/>.</summary>
    public int HeartbeatTicks { get; init; } = 2;

    /// <summary>About how many bytes of entries one Append message carries; at least one entry always fits.</summary>
    public int MaxAppendBytes { get; init; } = 256 * 1024;

    /// <summary>Bytes of Append messages that may be under way to one follower, unacknowledged.</summary>
    public long MaxInflightBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>Append messages that may be under way to one follower, unacknowledged.</summary>
    public int MaxInflightMessages { get; init; } = 256;

    /// <summary>Bytes of proposed and not yet committed entries above which a leader refuses proposals.</summary>
    public long MaxUncommittedBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>About how many bytes of a snapshot the host supplies for one message.</summary>
    public int SnapshotChunkBytes { get; init; } = 256 * 1024;

    /// <summary>Bytes of applied entries kept in memory for followers that are a little behind.</summary>
    public long MaxWindowBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>
    /// Whether a member confirms a leader, itself included, to waiting reads only once a write of its own has come
    /// through that began after it was asked. Needed where its store may have got another owner meanwhile, who votes
    /// in its name: only a write tells. Reads then cost a write of a quorum, shared by all that wait.
    /// </summary>
    public bool ConfirmReadsByWrite { get; init; }

    /// <summary>Bugs to plant; for tests only.</summary>
    internal RaftFaults Faults { get; init; }

    internal void Validate()
    {
        Invariant.Check(HeartbeatTicks >= 1 && ElectionTicks > HeartbeatTicks);
        Invariant.Check(MaxAppendBytes > 0 && SnapshotChunkBytes > 0 && MaxWindowBytes >= 0);
        Invariant.Check(MaxInflightBytes > 0 && MaxInflightMessages > 0 && MaxUncommittedBytes > 0);
    }
}

/// <summary>
/// Reads entries from the durable log: those from <paramref name="from"/> to <paramref name="to"/>, both included, into
/// <paramref name="entries"/>, stopping early after about <paramref name="maxBytes"/> of payload, but at least one.
/// Entries handed out for persistence and not yet synced can be read too.
/// </summary>
public delegate void EntryReader(LogIndex from, LogIndex to, int maxBytes, List<Entry> entries);

/// <summary>What a member finds in its own storage when it starts.</summary>
public sealed record RaftStart
{
    /// <summary>The member's own id.</summary>
    public required ReplicaId Id { get; init; }

    /// <summary>The durable hard state; all zero in an empty store.</summary>
    public HardState HardState { get; init; }

    /// <summary>
    /// The newest durable snapshot. A new group starts every member from the same one, usually index 0 and term 0, with
    /// the group's first configuration; a member to be added later starts with an empty configuration.
    /// </summary>
    public required SnapshotMetadata Snapshot { get; init; }

    /// <summary>The oldest entry that can be read; may lie below the snapshot.</summary>
    public LogIndex FirstIndex { get; init; } = new(1);

    /// <summary>The newest entry in the store.</summary>
    public LogIndex LastIndex { get; init; }

    /// <summary>Reads the store's entries.</summary>
    public required EntryReader ReadEntries { get; init; }
}
