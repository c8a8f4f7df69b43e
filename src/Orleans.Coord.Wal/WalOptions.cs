namespace Orleans.Coord.Wal;

/// <summary>Settings of a data directory. The defaults suit production; tests take small segments.</summary>
public sealed record WalOptions
{
    /// <summary>Size of a log segment; a single batch larger than this gets a segment of its own.</summary>
    public long SegmentBytes { get; init; } = 64L << 20;

    /// <summary>
    /// Size of a segment made in haste: the very first one, and any that is needed before the next full one has been
    /// zeroed in the background.
    /// </summary>
    public long QuickSegmentBytes { get; init; } = 4L << 20;

    /// <summary>Entries are gathered into one batch, hence one sync, until it holds about this many bytes.</summary>
    public int MaxBatchBytes { get; init; } = 4 << 20;

    /// <summary>
    /// Below this much free space, beside the room for another snapshot, the observer is told that the disk is low.
    /// </summary>
    public long ReserveBytes { get; init; } = 64L << 20;

    /// <summary>Snapshots kept, at least 1. The log reaches back to the oldest, so a damaged one is survived.</summary>
    public int SnapshotsKept { get; init; } = 2;

    /// <summary>
    /// Start although the last batch is damaged and may have been acknowledged: it is cut off. For a group of one
    /// only, where no other replica has a copy, and only by the operator's explicit word (--accept-tail-loss).
    /// </summary>
    public bool AcceptTailLoss { get; init; }

    /// <summary>
    /// Whether the directory runs its own two threads. Without them the owner calls
    /// <see cref="DataDirectory.RunOnce"/>, as the simulator does.
    /// </summary>
    public bool OwnThreads { get; init; } = true;

    /// <summary>Where a new directory's incarnation comes from; the simulator's comes from its seed.</summary>
    internal Func<ulong> DrawIncarnation { get; init; } = Manifest.DrawIncarnation;

    /// <summary>Bugs to plant; for tests only.</summary>
    internal WalFaults Faults { get; init; }
}
