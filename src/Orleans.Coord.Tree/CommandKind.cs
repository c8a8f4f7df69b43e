namespace Orleans.Coord.Tree;

/// <summary>
/// What a command asks of the state machine. The values are in logs on disk: never change one, nor exceed 15.
/// </summary>
public enum CommandKind : byte
{
    /// <summary>A client's write, or an internal one (session 0); the body is the client's jute request.</summary>
    Request = 1,

    /// <summary>A new session.</summary>
    CreateSession = 2,

    /// <summary>A connection takes a session over.</summary>
    AttachSession = 3,

    /// <summary>A session was not heard of for its time-out.</summary>
    ExpireSession = 4,

    /// <summary>A part of a snapshot that is to take the tree's place.</summary>
    RestorePart = 5,
}

/// <summary>
/// Settings of the proposing replica, and what only the leader knows, that a command carries, so that all replicas
/// judge it alike.
/// </summary>
[Flags]
public enum CommandOptions : byte
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>TTL znodes may be created (ZooKeeper's <c>extendedTypesEnabled</c>).</summary>
    ExtendedTypesAllowed = 1,

    /// <summary>Writes beyond a hard quota are refused (ZooKeeper's <c>enforceQuota</c>).</summary>
    EnforceQuota = 2,

    /// <summary>The membership may be changed (ZooKeeper's <c>reconfigEnabled</c>).</summary>
    ReconfigAllowed = 4,

    /// <summary>The leader, when it proposed: of the voters asked for, a quorum does not follow.</summary>
    NewConfigLacksQuorum = 8,

    /// <summary>The leader, when it proposed: the voters are being changed.</summary>
    ReconfigUnderWay = 16,
}
