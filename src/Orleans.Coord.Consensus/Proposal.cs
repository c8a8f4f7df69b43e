namespace Orleans.Coord.Consensus;

/// <summary>What became of a proposal.</summary>
public enum ProposeStatus : byte
{
    /// <summary>Appended to the leader's log. It is committed once an entry of that index and term is.</summary>
    Accepted = 0,

    /// <summary>This member does not lead; ask the one named, if one is.</summary>
    NotLeader = 1,

    /// <summary>Too many bytes wait for their commit: try again after some have been.</summary>
    TooMuchInFlight = 2,

    /// <summary>Leadership is being handed over: ask the one named soon.</summary>
    Transferring = 3,

    /// <summary>A membership change is under way, or the leader has not yet committed in its term.</summary>
    ChangeInFlight = 4,
}

/// <summary>The answer to a proposal.</summary>
/// <param name="Status">What became of it.</param>
/// <param name="Index">The entry's index, if accepted.</param>
/// <param name="Term">The entry's term, if accepted.</param>
/// <param name="Leader">If refused: who may accept it, or none.</param>
public readonly record struct ProposeResult(ProposeStatus Status, LogIndex Index, Term Term, ReplicaId Leader)
{
    /// <summary>Whether the entry is in the leader's log.</summary>
    public bool IsAccepted => Status == ProposeStatus.Accepted;
}
