namespace Orleans.Coord.Client;

/// <summary>Where a client's session stands. The last two are final.</summary>
public enum SessionState
{
    /// <summary>There is no session yet; the client looks for a server.</summary>
    Connecting = 0,

    /// <summary>The session is attached to a server.</summary>
    Connected = 1,

    /// <summary>The connection was lost; the session may live, and the client looks for a server.</summary>
    Disconnected = 2,

    /// <summary>The session is over: a server said so, or its time-out passed without a confirmed heartbeat.</summary>
    Expired = 3,

    /// <summary>The client was disposed, or its credentials were refused.</summary>
    Closed = 4,
}
