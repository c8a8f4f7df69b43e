namespace Orleans.Coord.Replication;

/// <summary>
/// Bugs that tests plant in a replica, to prove that their checkers would see them. Never set in production.
/// </summary>
[Flags]
internal enum ReplicaFaults
{
    None = 0,

    /// <summary>Answers reads at once, before the session's earlier requests.</summary>
    ReadEarly = 1 << 0,

    /// <summary>Answers a sync without asking the leader.</summary>
    SyncAtOnce = 1 << 1,

    /// <summary>A new leader grants no session anything: none ever expires.</summary>
    GrantNothing = 1 << 2,

    /// <summary>A new leader takes sessions over with almost nothing left of their time-outs.</summary>
    GrantLittle = 1 << 3,

    /// <summary>Tells of a change after the answer that shows it.</summary>
    EventsLate = 1 << 4,

    /// <summary>Keeps its clients when a snapshot from the leader replaces its tree.</summary>
    KeepClients = 1 << 5,

    /// <summary>A leader does not count what other members' clients say.</summary>
    IgnoreTouches = 1 << 6,

    /// <summary>Never sends again what was lost on the way to the leader.</summary>
    NeverResend = 1 << 7,

    /// <summary>Answers a linearizable read without asking the leader.</summary>
    ReadLocally = 1 << 8,
}
