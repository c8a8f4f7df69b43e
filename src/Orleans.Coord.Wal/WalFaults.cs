namespace Orleans.Coord.Wal;

/// <summary>
/// Bugs that tests plant in a log, to prove that their checkers would see them. Never set in production.
/// </summary>
[Flags]
internal enum WalFaults
{
    None = 0,

    /// <summary>Reports batches as durable without a sync.</summary>
    SkipSync = 1 << 0,

    /// <summary>After a restart cuts whatever fails its checksum, acknowledged or not.</summary>
    CutDamagedTail = 1 << 1,

    /// <summary>Gives a snapshot its name before its content is durable.</summary>
    RenameBeforeSync = 1 << 2,

    /// <summary>Does not make names durable.</summary>
    SkipDirectorySync = 1 << 3,

    /// <summary>Leaves term and vote out of what is written.</summary>
    DropHardState = 1 << 4,

    /// <summary>Deletes log segments although no snapshot covers them.</summary>
    TrimUncovered = 1 << 5,
}
