namespace Orleans.Coord.Consensus;

/// <summary>What a member is in its term (Raft paper, figure 4).</summary>
public enum RaftRole : byte
{
    /// <summary>Follows a leader, or waits for one. Learners are always followers.</summary>
    Follower = 0,

    /// <summary>Asks whether an election could be won, before it disturbs anyone.</summary>
    PreCandidate = 1,

    /// <summary>Asks for votes.</summary>
    Candidate = 2,

    /// <summary>Orders the group's entries.</summary>
    Leader = 3,
}

/// <summary>What need not survive a restart but matters to those around.</summary>
/// <param name="Role">The member's role.</param>
/// <param name="Leader">The leader it knows of in its term, or none.</param>
/// <param name="Term">Its term.</param>
public readonly record struct SoftState(RaftRole Role, ReplicaId Leader, Term Term);

/// <summary>Consecutive positions of the log, both ends included.</summary>
/// <param name="First">The first one.</param>
/// <param name="Last">The last one; below <paramref name="First"/> if the range is empty.</param>
public readonly record struct IndexRange(LogIndex First, LogIndex Last)
{
    /// <summary>Whether there is no position in it.</summary>
    public bool IsEmpty => Last < First;

    /// <summary>How many positions.</summary>
    public long Count => IsEmpty ? 0 : Last - First + 1;
}

/// <summary>The answer to <see cref="RaftNode.ReadIndex"/>.</summary>
/// <param name="Context">The number that the caller gave.</param>
/// <param name="Index">Serve the read once this entry is applied; null: leadership was lost, ask again.</param>
public readonly record struct ReadState(ulong Context, LogIndex? Index);

/// <summary>The log restarts, empty, after a snapshot: the store is to be reset.</summary>
/// <param name="Index">The snapshot's last entry.</param>
/// <param name="Term">That entry's term.</param>
/// <param name="Token">The persistence token of the reset; lower than that of the same Ready's entries.</param>
public sealed record LogReset(LogIndex Index, Term Term, long Token);

/// <summary>A follower needs a piece of a snapshot: answer with <see cref="RaftNode.SupplySnapshotChunk"/>.</summary>
/// <param name="To">The follower.</param>
/// <param name="Snapshot">Which snapshot.</param>
/// <param name="Offset">From which byte on.</param>
public readonly record struct SnapshotRead(ReplicaId To, SnapshotMetadata Snapshot, long Offset);

/// <summary>
/// A piece of a snapshot that the leader sent, in order. Write it aside; call
/// <see cref="RaftNode.SnapshotChunkTaken"/> when there is room for more, and after the last piece, once all is
/// durable,
/// <see cref="RaftNode.SnapshotInstalled"/>.
/// </summary>
/// <param name="Snapshot">Which snapshot. A piece at offset 0 starts afresh and voids what came before.</param>
/// <param name="Offset">Where the piece belongs.</param>
/// <param name="Data">The piece.</param>
/// <param name="Done">Whether it is the last one.</param>
public readonly record struct SnapshotChunk(
    SnapshotMetadata Snapshot, long Offset, ReadOnlyMemory<byte> Data, bool Done);

/// <summary>
/// Everything a node wants done, taken once per turn. Hand <see cref="Reset"/>, <see cref="Entries"/> and
/// <see cref="HardState"/> to the store under their tokens, send <see cref="Messages"/>, apply <see cref="Committed"/>.
/// Messages that promise durability are not here: the node keeps them until <see cref="RaftNode.Persisted"/> names a
/// token that covers them, and only then a later Ready has them; so an early promise cannot be written.
/// Spans are good until the next call on the node.
/// </summary>
public readonly ref struct Ready
{
    /// <summary>The store's log restarts after a snapshot, before anything else of this Ready; usually null.</summary>
    public LogReset? Reset { get; internal init; }

    /// <summary>Names what is to be written in <see cref="RaftNode.Persisted"/>; 0 if nothing but a reset is.</summary>
    public long Token { get; internal init; }

    /// <summary>Entries to be written. Those in the store from the first one's index on are replaced.</summary>
    public ReadOnlySpan<Entry> Entries { get; internal init; }

    /// <summary>The hard state to be written with the entries, or null if it has not changed.</summary>
    public HardState? HardState { get; internal init; }

    /// <summary>Messages that may go at once.</summary>
    public ReadOnlySpan<Message> Messages { get; internal init; }

    /// <summary>How many messages wait inside the node for a token, this Ready's or an earlier one.</summary>
    public int PromisedMessages { get; internal init; }

    /// <summary>Entries to apply, in this order; read them through <see cref="RaftLog.Read"/>.</summary>
    public IndexRange Committed { get; internal init; }

    /// <summary>Answers to linearizable reads.</summary>
    public ReadOnlySpan<ReadState> ReadStates { get; internal init; }

    /// <summary>Snapshot pieces to be read for followers.</summary>
    public ReadOnlySpan<SnapshotRead> SnapshotReads { get; internal init; }

    /// <summary>Snapshot pieces received.</summary>
    public ReadOnlySpan<SnapshotChunk> SnapshotChunks { get; internal init; }

    /// <summary>Role, leader and term, if any of them has changed.</summary>
    public SoftState? SoftState { get; internal init; }
}
