namespace Orleans.Coord.Consensus;

/// <summary>What an entry of the replicated log holds.</summary>
public enum EntryKind : byte
{
    /// <summary>
    /// Nothing: a new leader's first entry, by which it commits what earlier terms left (section 5.4.2).
    /// </summary>
    NoOp = 0,

    /// <summary>A command of the state machine.</summary>
    Command = 1,

    /// <summary>An encoded <c>QuorumConfig</c>; in force from the moment it is appended (section 6).</summary>
    Configuration = 2,
}

/// <summary>One entry of the replicated log.</summary>
/// <param name="Index">Its position.</param>
/// <param name="Term">The term of the leader that appended it.</param>
/// <param name="Kind">What it holds.</param>
/// <param name="Payload">The command's or the configuration's bytes; opaque here. Never changed once appended.</param>
public readonly record struct Entry(LogIndex Index, Term Term, EntryKind Kind, ReadOnlyMemory<byte> Payload);

/// <summary>What a member must have on disk before it speaks of it (Raft paper, figure 2).</summary>
/// <param name="Term">The latest term it has seen.</param>
/// <param name="Vote">Whom it voted for in that term, or none.</param>
/// <param name="Commit">The highest index known committed; a hint that saves time after a restart.</param>
public readonly record struct HardState(Term Term, ReplicaId Vote, LogIndex Commit);

/// <summary>What a snapshot stands for.</summary>
/// <param name="Index">The last entry whose effect it has.</param>
/// <param name="Term">That entry's term.</param>
/// <param name="Configuration">The encoded membership in force at that entry.</param>
public sealed record SnapshotMetadata(LogIndex Index, Term Term, ReadOnlyMemory<byte> Configuration);
