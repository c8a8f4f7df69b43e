namespace Orleans.Coord.Consensus;

/// <summary>What one member says to another. Messages may be lost, repeated, delayed and reordered.</summary>
/// <param name="From">The sender.</param>
/// <param name="To">The receiver.</param>
/// <param name="Term">The sender's term; in <see cref="PreVote"/> the term it would campaign for.</param>
public abstract record Message(ReplicaId From, ReplicaId To, Term Term);

/// <summary>A candidate asks for a vote (Raft paper, section 5.2).</summary>
/// <param name="From">The candidate.</param>
/// <param name="To">The receiver.</param>
/// <param name="Term">The candidate's term.</param>
/// <param name="LastLogIndex">The candidate's newest entry.</param>
/// <param name="LastLogTerm">That entry's term.</param>
/// <param name="IsTransfer">The old leader has asked for this election: a recent leader is no reason to refuse.</param>
public sealed record RequestVote(
    ReplicaId From, ReplicaId To, Term Term, LogIndex LastLogIndex, Term LastLogTerm, bool IsTransfer)
    : Message(From, To, Term);

/// <summary>The answer to <see cref="RequestVote"/>.</summary>
/// <param name="From">The voter.</param>
/// <param name="To">The candidate.</param>
/// <param name="Term">The voter's term.</param>
/// <param name="Granted">Whether the candidate has the vote.</param>
public sealed record RequestVoteResponse(ReplicaId From, ReplicaId To, Term Term, bool Granted)
    : Message(From, To, Term);

/// <summary>Asks whether a vote would be given, and changes nothing (Ongaro's thesis, section 9.6).</summary>
/// <param name="From">The would-be candidate.</param>
/// <param name="To">The receiver.</param>
/// <param name="Term">The term it would campaign for.</param>
/// <param name="LastLogIndex">Its newest entry.</param>
/// <param name="LastLogTerm">That entry's term.</param>
public sealed record PreVote(ReplicaId From, ReplicaId To, Term Term, LogIndex LastLogIndex, Term LastLogTerm)
    : Message(From, To, Term);

/// <summary>The answer to <see cref="PreVote"/>.</summary>
/// <param name="From">The voter.</param>
/// <param name="To">The would-be candidate.</param>
/// <param name="Term">The term asked about if granted; else the voter's own.</param>
/// <param name="Granted">Whether the vote would be given.</param>
public sealed record PreVoteResponse(ReplicaId From, ReplicaId To, Term Term, bool Granted) : Message(From, To, Term);

/// <summary>Entries for a follower (section 5.3); without entries it only carries the commit index or probes.</summary>
/// <param name="From">The leader.</param>
/// <param name="To">The follower.</param>
/// <param name="Term">The leader's term.</param>
/// <param name="PrevLogIndex">The entry before <paramref name="Entries"/>.</param>
/// <param name="PrevLogTerm">That entry's term.</param>
/// <param name="LeaderCommit">The leader's commit index.</param>
/// <param name="Entries">Consecutive entries.</param>
public sealed record Append(
    ReplicaId From,
    ReplicaId To,
    Term Term,
    LogIndex PrevLogIndex,
    Term PrevLogTerm,
    LogIndex LeaderCommit,
    ReadOnlyMemory<Entry> Entries)
    : Message(From, To, Term);

/// <summary>The answer to <see cref="Append"/>.</summary>
/// <param name="From">The follower.</param>
/// <param name="To">The leader.</param>
/// <param name="Term">The follower's term.</param>
/// <param name="Success">Whether the follower's log matched, and is now durable up to <paramref name="Index"/>.</param>
/// <param name="Index">If successful the highest entry known to match; else the refused PrevLogIndex.</param>
/// <param name="HintIndex">If refused: an entry at or below which the logs may match.</param>
/// <param name="HintTerm">If refused: the follower's term of that entry.</param>
public sealed record AppendResponse(
    ReplicaId From, ReplicaId To, Term Term, bool Success, LogIndex Index, LogIndex HintIndex, Term HintTerm)
    : Message(From, To, Term);

/// <summary>The leader is alive (section 5.2), and asks who still follows it (section 8).</summary>
/// <param name="From">The leader.</param>
/// <param name="To">The follower.</param>
/// <param name="Term">The leader's term.</param>
/// <param name="LeaderCommit">The commit index, as far as the follower's log is known to match.</param>
/// <param name="ReadRound">The newest round of reads that wait for a quorum.</param>
public sealed record Heartbeat(ReplicaId From, ReplicaId To, Term Term, LogIndex LeaderCommit, long ReadRound)
    : Message(From, To, Term);

/// <summary>The answer to <see cref="Heartbeat"/>.</summary>
/// <param name="From">The follower.</param>
/// <param name="To">The leader.</param>
/// <param name="Term">The follower's term.</param>
/// <param name="ReadRound">The round named in the heartbeat.</param>
public sealed record HeartbeatResponse(ReplicaId From, ReplicaId To, Term Term, long ReadRound)
    : Message(From, To, Term);

/// <summary>A piece of a snapshot (section 7).</summary>
/// <param name="From">The leader.</param>
/// <param name="To">The follower.</param>
/// <param name="Term">The leader's term.</param>
/// <param name="Snapshot">What the snapshot stands for.</param>
/// <param name="Offset">Where in the snapshot's bytes the piece belongs.</param>
/// <param name="Data">The piece.</param>
/// <param name="Done">Whether it is the last one.</param>
public sealed record InstallSnapshot(
    ReplicaId From,
    ReplicaId To,
    Term Term,
    SnapshotMetadata Snapshot,
    long Offset,
    ReadOnlyMemory<byte> Data,
    bool Done)
    : Message(From, To, Term);

/// <summary>
/// The answer to <see cref="InstallSnapshot"/>. A finished install is told by an <see cref="AppendResponse"/>.
/// </summary>
/// <param name="From">The follower.</param>
/// <param name="To">The leader.</param>
/// <param name="Term">The follower's term.</param>
/// <param name="Index">Which snapshot: its last entry.</param>
/// <param name="NextOffset">The byte that the follower wants next.</param>
public sealed record InstallSnapshotResponse(ReplicaId From, ReplicaId To, Term Term, LogIndex Index, long NextOffset)
    : Message(From, To, Term);

/// <summary>The leader hands over: campaign at once (Ongaro's thesis, section 3.10).</summary>
/// <param name="From">The leader.</param>
/// <param name="To">The member that is to follow it.</param>
/// <param name="Term">The leader's term.</param>
public sealed record TimeoutNow(ReplicaId From, ReplicaId To, Term Term) : Message(From, To, Term);

/// <summary>A follower asks the leader for an index at which a linearizable read may be served (section 8).</summary>
/// <param name="From">The follower.</param>
/// <param name="To">The leader.</param>
/// <param name="Term">The follower's term.</param>
/// <param name="Incarnation">The follower's random number of this start: an answer to an earlier life is void.</param>
/// <param name="Context">The follower's number of the read.</param>
public sealed record ReadIndexRequest(ReplicaId From, ReplicaId To, Term Term, ulong Incarnation, ulong Context)
    : Message(From, To, Term);

/// <summary>The answer to <see cref="ReadIndexRequest"/>.</summary>
/// <param name="From">The leader asked.</param>
/// <param name="To">The follower.</param>
/// <param name="Term">The sender's term.</param>
/// <param name="Incarnation">As in the request.</param>
/// <param name="Context">As in the request.</param>
/// <param name="Index">The index to wait for; null if the sender does not lead, or no longer.</param>
public sealed record ReadIndexResponse(
    ReplicaId From, ReplicaId To, Term Term, ulong Incarnation, ulong Context, LogIndex? Index)
    : Message(From, To, Term);
