namespace Orleans.Coord;

/// <summary>
/// Result codes as they travel in a reply header. Values are ZooKeeper's (<c>KeeperException.Code</c>).
/// </summary>
public enum CoordErrorCode
{
    /// <summary>The operation succeeded.</summary>
    Ok = 0,

    /// <summary>The server met a state that it should never meet.</summary>
    SystemError = -1,

    /// <summary>In a failed multi: an operation after the failed one, not run.</summary>
    RuntimeInconsistency = -2,

    /// <summary>A watch or state inconsistency was found.</summary>
    DataInconsistency = -3,

    /// <summary>The connection was lost; the outcome of the request is unknown.</summary>
    ConnectionLoss = -4,

    /// <summary>The request's bytes cannot be read as the record its operation needs.</summary>
    MarshallingError = -5,

    /// <summary>The operation is not known to the server.</summary>
    Unimplemented = -6,

    /// <summary>The operation took too long.</summary>
    OperationTimeout = -7,

    /// <summary>A path, a flag or another argument is not valid.</summary>
    BadArguments = -8,

    /// <summary>No quorum holds the proposed configuration.</summary>
    NewConfigNoQuorum = -13,

    /// <summary>Another membership change is under way.</summary>
    ReconfigInProgress = -14,

    /// <summary>The session is not known to the server.</summary>
    UnknownSession = -12,

    /// <summary>The znode (or the parent of a new one) does not exist.</summary>
    NoNode = -101,

    /// <summary>The caller's identities lack the permission.</summary>
    NoAuth = -102,

    /// <summary>The expected version differs from the znode's.</summary>
    BadVersion = -103,

    /// <summary>An ephemeral znode cannot have children.</summary>
    NoChildrenForEphemerals = -108,

    /// <summary>The znode exists already.</summary>
    NodeExists = -110,

    /// <summary>The znode has children and cannot be deleted.</summary>
    NotEmpty = -111,

    /// <summary>The session has expired.</summary>
    SessionExpired = -112,

    /// <summary>A callback cannot be invoked (client side only).</summary>
    InvalidCallback = -113,

    /// <summary>An access control list is empty, malformed, or names an unknown scheme.</summary>
    InvalidAcl = -114,

    /// <summary>Authentication failed; the connection is closed.</summary>
    AuthFailed = -115,

    /// <summary>The session is closing.</summary>
    Closing = -116,

    /// <summary>The response has nothing to do (client side only).</summary>
    Nothing = -117,

    /// <summary>The session has moved to another connection; this one may not write any more.</summary>
    SessionMoved = -118,

    /// <summary>The server is read-only and the request is a write.</summary>
    NotReadOnly = -119,

    /// <summary>A local session cannot own an ephemeral znode.</summary>
    EphemeralOnLocalSession = -120,

    /// <summary>No watcher of that kind is set at the path.</summary>
    NoWatcher = -121,

    /// <summary>The server gave the request up after its deadline.</summary>
    RequestTimeout = -122,

    /// <summary>Changing the membership at run time is switched off.</summary>
    ReconfigDisabled = -123,

    /// <summary>The server requires a SASL session and this one is not.</summary>
    SessionClosedRequireSaslAuth = -124,

    /// <summary>A hard quota of the subtree would be exceeded.</summary>
    QuotaExceeded = -125,

    /// <summary>The server is overloaded and throttled the request.</summary>
    ThrottledOp = -127,

    /// <summary>Ours, not ZooKeeper's: changes that were asked for are no longer in the history.</summary>
    HistoryLost = -1001,
}
