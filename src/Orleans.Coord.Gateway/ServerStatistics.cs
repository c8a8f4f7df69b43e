namespace Orleans.Coord.Gateway;

/// <summary>The replica's figures at one moment.</summary>
public sealed record ServerStatistics
{
    /// <summary><c>standalone</c>, <c>leader</c>, <c>follower</c>, <c>observer</c> or <c>read-only</c>.</summary>
    public required string Mode { get; init; }

    /// <summary>The newest write applied.</summary>
    public long LastZxid { get; init; }

    /// <summary>Znodes, the root and <c>/zookeeper</c> included.</summary>
    public long ZnodeCount { get; init; }

    /// <summary>Ephemeral znodes.</summary>
    public long EphemeralCount { get; init; }

    /// <summary>Bytes of all paths and data.</summary>
    public long ApproximateDataBytes { get; init; }

    /// <summary>Live sessions of the whole group.</summary>
    public int SessionCount { get; init; }

    /// <summary>Watches set at this replica.</summary>
    public long WatchCount { get; init; }

    /// <summary>Paths with a watch.</summary>
    public int WatchedPaths { get; init; }

    /// <summary>Sessions with a watch.</summary>
    public int WatchingSessions { get; init; }

    /// <summary>Settings and sizes on disk.</summary>
    public ServerConfiguration Configuration { get; init; } = new();

    /// <summary>Further lines of <c>mntr</c>: keys without their <c>zk_</c>, and values.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Metrics { get; init; } = [];

    /// <summary>The leader's number, or −1 while there is none known.</summary>
    public long LeaderId { get; init; } = -1;

    /// <summary>The ensemble's members as they are now; empty for a silo alone.</summary>
    public IReadOnlyList<MemberReport> Members { get; init; } = [];

    /// <summary>The newest durable snapshot.</summary>
    public SnapshotReport? LastSnapshot { get; init; }

    /// <summary>Zxids and the tree's digests after them, oldest first, if asked for.</summary>
    public IReadOnlyList<KeyValuePair<long, ulong>> Digests { get; init; } = [];

    /// <summary>The live sessions that all members know, if asked for.</summary>
    public IReadOnlyList<SessionReport> Sessions { get; init; } = [];

    /// <summary>The live sessions that only this member knows, if asked for; null where it takes none.</summary>
    public IReadOnlyList<SessionReport>? LocalSessions { get; init; }

    /// <summary>Who watches what at this replica, if asked for.</summary>
    public IReadOnlyList<WatchReport> Watches { get; init; } = [];
}

/// <summary>A snapshot on disk.</summary>
/// <param name="Zxid">The newest write in it.</param>
/// <param name="TimestampMs">When it was finished, milliseconds since 1970.</param>
public sealed record SnapshotReport(long Zxid, long TimestampMs);

/// <summary>A member of the ensemble.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Host">Its name or address.</param>
/// <param name="PeerPort">Where it listens for the others.</param>
/// <param name="ElectionPort">ZooKeeper's second port.</param>
/// <param name="ClientAddress">Where clients connect; may be empty.</param>
/// <param name="IsObserver">Whether it never votes.</param>
public sealed record MemberReport(
    long Id, string Host, int PeerPort, int ElectionPort, string ClientAddress, bool IsObserver);

/// <summary>One live session.</summary>
/// <param name="Id">Its id.</param>
/// <param name="TimeoutMs">Its negotiated time-out, milliseconds.</param>
/// <param name="ExpiresAt">When it expires unless it is heard of; null where only the leader knows.</param>
/// <param name="Ephemerals">The paths of its ephemeral znodes.</param>
public sealed record SessionReport(
    long Id, int TimeoutMs, DateTimeOffset? ExpiresAt, IReadOnlyList<string> Ephemerals);

/// <summary>A session that watches a path.</summary>
/// <param name="Path">The path.</param>
/// <param name="SessionId">The session.</param>
public readonly record struct WatchReport(string Path, long SessionId);

/// <summary>What <c>conf</c> and <c>dirs</c> tell.</summary>
public sealed record ServerConfiguration
{
    /// <summary>Where snapshots are.</summary>
    public string DataDirectory { get; init; } = "";

    /// <summary>Bytes of the snapshots.</summary>
    public long DataDirectoryBytes { get; init; }

    /// <summary>Where the log is.</summary>
    public string LogDirectory { get; init; } = "";

    /// <summary>Bytes of the log.</summary>
    public long LogDirectoryBytes { get; init; }

    /// <summary>The unit of session time-outs, milliseconds.</summary>
    public int TickTimeMs { get; init; } = 2000;

    /// <summary>The shortest session time-out granted, milliseconds.</summary>
    public int MinSessionTimeoutMs { get; init; } = 4000;

    /// <summary>The longest session time-out granted, milliseconds.</summary>
    public int MaxSessionTimeoutMs { get; init; } = 40000;

    /// <summary>The replica's number; 0 for a standalone server.</summary>
    public long ServerId { get; init; }

    /// <summary>
    /// The members it was started with, <c>1=host:2888,2=host:2888</c>; empty for a standalone server.
    /// </summary>
    public string Members { get; init; } = "";

    /// <summary>Further lines of <c>conf</c>, such as the members of the group.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> More { get; init; } = [];
}
