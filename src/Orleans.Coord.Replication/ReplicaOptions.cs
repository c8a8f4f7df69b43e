using System.Net;
using Orleans.Coord.Consensus;

namespace Orleans.Coord.Replication;

/// <summary>What a host decides about its replica.</summary>
public sealed record ReplicaOptions
{
    /// <summary>This member.</summary>
    public ReplicaId Id { get; init; } = new(1);

    /// <summary>
    /// The group's voters at its first start, this member among them; empty for a member that waits until the others
    /// add it. Later the log knows them.
    /// </summary>
    public IReadOnlyList<ReplicaId> Voters { get; init; } = [new(1)];

    /// <summary>
    /// The group's first configuration in ZooKeeper's text, a line or an item for each member, which its first leader
    /// writes to <c>/zookeeper/config</c>; null where nobody is to ask for it or to change it.
    /// </summary>
    public string? FirstMembers { get; init; }

    /// <summary>
    /// Where the other members listen, as the operator said at this start; counts until a member is moved while this
    /// one runs. Members that are not named here are where the configuration says.
    /// </summary>
    public IReadOnlyDictionary<ReplicaId, DnsEndPoint> Peers { get; init; } = new Dictionary<ReplicaId, DnsEndPoint>();

    /// <summary>Whether clients of this member may change the membership (ZooKeeper's reconfigEnabled).</summary>
    public bool ReconfigEnabled { get; init; }

    /// <summary>Settings of the consensus core.</summary>
    public RaftOptions Raft { get; init; } = new();

    /// <summary>
    /// Secret from which session passwords are made, at least 16 bytes; hosts draw it from the operating system's
    /// generator at each start.
    /// </summary>
    public required ReadOnlyMemory<byte> PasswordSecret { get; init; }

    /// <summary>Resolution of session expiry, milliseconds.</summary>
    public int TickTimeMs { get; init; } = 2000;

    /// <summary>Shortest session time-out granted, milliseconds.</summary>
    public int MinSessionTimeoutMs { get; init; } = 4000;

    /// <summary>Longest session time-out granted, milliseconds.</summary>
    public int MaxSessionTimeoutMs { get; init; } = 40_000;

    /// <summary>
    /// Whether a member without a quorum serves reads to clients that agree to it (ZooKeeper's readonlymode.enabled).
    /// </summary>
    public bool ReadOnlyMode { get; init; }

    /// <summary>
    /// Whether new sessions stay with the member they connect to until they write (ZooKeeper's localSessionsEnabled).
    /// </summary>
    public bool LocalSessions { get; init; }

    /// <summary>
    /// Whether such sessions may have ephemeral znodes (ZooKeeper's localSessionsUpgradingEnabled).
    /// </summary>
    public bool LocalSessionsUpgrading { get; init; }

    /// <summary>How clients show who they are.</summary>
    public AuthenticationOptions Authentication { get; init; } = new();

    /// <summary>Whether znodes with a time to live may be created.</summary>
    public bool ExtendedTypes { get; init; }

    /// <summary>Whether writes beyond a hard quota are refused.</summary>
    public bool EnforceQuota { get; init; }

    /// <summary>
    /// The highest feature level in which this member takes part (<see cref="Tree.FeatureLevels"/>); the group does not
    /// go beyond it, and a member of a group that is beyond it stops.
    /// </summary>
    public byte FeatureLevel { get; init; } = Tree.FeatureLevels.Newest;

    /// <summary>How often containers and TTL znodes are looked through, milliseconds.</summary>
    public int ContainerCheckMs { get; init; } = 60_000;

    /// <summary>Log bytes after which a snapshot is taken, or the last snapshot's size if that is larger.</summary>
    public long SnapshotLogBytes { get; init; } = 64L << 20;

    /// <summary>Members compare their states after every so many entries.</summary>
    internal int DigestEvery { get; init; } = 128;

    /// <summary>Bugs to plant; for tests only.</summary>
    internal ReplicaFaults Faults { get; init; }

    /// <summary>Znodes that a snapshot takes in one slice.</summary>
    internal int SnapshotSliceZnodes { get; init; } = 200;

    /// <summary>A gap between two ticks from which on the host counts as having been away, milliseconds.</summary>
    public int LateTickMs { get; init; } = 1000;
}
