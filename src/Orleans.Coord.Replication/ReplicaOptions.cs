using Orleans.Coord.Consensus;

namespace Orleans.Coord.Replication;

/// <summary>What a host decides about its replica.</summary>
public sealed record ReplicaOptions
{
    /// <summary>This member.</summary>
    public ReplicaId Id { get; init; } = new(1);

    /// <summary>The group's voters at its first start, this member among them. Later the log knows them.</summary>
    public IReadOnlyList<ReplicaId> Voters { get; init; } = [new(1)];

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

    /// <summary>How clients show who they are.</summary>
    public AuthenticationOptions Authentication { get; init; } = new();

    /// <summary>Whether znodes with a time to live may be created.</summary>
    public bool ExtendedTypes { get; init; }

    /// <summary>Whether writes beyond a hard quota are refused.</summary>
    public bool EnforceQuota { get; init; }

    /// <summary>How often containers and TTL znodes are looked through, milliseconds.</summary>
    public int ContainerCheckMs { get; init; } = 60_000;

    /// <summary>Log bytes after which a snapshot is taken, or the last snapshot's size if that is larger.</summary>
    public long SnapshotLogBytes { get; init; } = 64L << 20;

    /// <summary>A gap between two ticks from which on the host counts as having been away, milliseconds.</summary>
    public int LateTickMs { get; init; } = 1000;
}
