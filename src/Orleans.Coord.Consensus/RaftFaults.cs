namespace Orleans.Coord.Consensus;

/// <summary>
/// Bugs that tests plant in a node, to prove that their checkers would see them. Never set in production.
/// </summary>
[Flags]
internal enum RaftFaults
{
    None = 0,

    /// <summary>Commits entries of earlier terms by counting copies (Raft paper, figure 8).</summary>
    CommitOldTerm = 1 << 0,

    /// <summary>Grants a second vote in a term.</summary>
    VoteTwice = 1 << 1,

    /// <summary>Lets promises go before the write that backs them is durable.</summary>
    PromiseEarly = 1 << 2,

    /// <summary>Grants votes to candidates whose log is behind.</summary>
    VoteForStaleLog = 1 << 3,

    /// <summary>Counts learners as voters when it commits.</summary>
    CountLearners = 1 << 4,

    /// <summary>Keeps conflicting entries instead of truncating them.</summary>
    KeepConflict = 1 << 5,

    /// <summary>Answers reads with the commit index at once, without asking a quorum.</summary>
    StaleRead = 1 << 6,

    /// <summary>Enters a new set of voters without the joint step.</summary>
    SkipJoint = 1 << 7,

    /// <summary>Lets a quorum of the new voters alone decide while the configuration is joint.</summary>
    IgnoreOutgoing = 1 << 8,

    /// <summary>Forgets its vote at a restart.</summary>
    ForgetVote = 1 << 9,

    /// <summary>
    /// A heartbeat carries the leader's commit index, beyond what the follower's log is known to match.
    /// </summary>
    CommitUnmatched = 1 << 10,

    /// <summary>Counts entries as durable although the write that covered them was of entries since replaced.</summary>
    CountTruncatedWrite = 1 << 11,

    /// <summary>Serves reads before it has committed an entry of its term.</summary>
    ReadBeforeNoOp = 1 << 12,
}
