namespace Orleans.Coord.Jute;

/// <summary>Operations of ZooKeeper's wire protocol (<c>ZooDefs.OpCode</c>).</summary>
public enum OpCode
{
    /// <summary>In a multi's results: an error takes the place of a result.</summary>
    Error = -1,

    /// <summary>Internal: a session is created.</summary>
    CreateSession = -10,

    /// <summary>The client ends its session.</summary>
    CloseSession = -11,

    /// <summary>Not an operation: a watch event's place holder.</summary>
    Notification = 0,

    /// <summary>Create a znode, answer with its path.</summary>
    Create = 1,

    /// <summary>Delete a znode.</summary>
    Delete = 2,

    /// <summary>Read a znode's stat.</summary>
    Exists = 3,

    /// <summary>Read a znode's data and stat.</summary>
    GetData = 4,

    /// <summary>Write a znode's data.</summary>
    SetData = 5,

    /// <summary>Read a znode's access control list.</summary>
    GetAcl = 6,

    /// <summary>Write a znode's access control list.</summary>
    SetAcl = 7,

    /// <summary>List a znode's children.</summary>
    GetChildren = 8,

    /// <summary>Wait until the server has all that was committed before.</summary>
    Sync = 9,

    /// <summary>Heartbeat.</summary>
    Ping = 11,

    /// <summary>List a znode's children and read its stat.</summary>
    GetChildren2 = 12,

    /// <summary>In a multi: check a version.</summary>
    Check = 13,

    /// <summary>Several writes, all or none.</summary>
    Multi = 14,

    /// <summary>Create a znode, answer with its path and stat.</summary>
    Create2 = 15,

    /// <summary>Change the group's membership.</summary>
    Reconfig = 16,

    /// <summary>Ask whether a watch is set.</summary>
    CheckWatches = 17,

    /// <summary>Remove watches.</summary>
    RemoveWatches = 18,

    /// <summary>Create a container.</summary>
    CreateContainer = 19,

    /// <summary>Internal: delete an empty container or an outlived TTL znode.</summary>
    DeleteContainer = 20,

    /// <summary>Create a znode with a time to live.</summary>
    CreateTtl = 21,

    /// <summary>Several reads in one request.</summary>
    MultiRead = 22,

    /// <summary>Add an identity to the connection.</summary>
    Auth = 100,

    /// <summary>Set one-shot watches again after a reconnect.</summary>
    SetWatches = 101,

    /// <summary>A step of a SASL exchange.</summary>
    Sasl = 102,

    /// <summary>List the session's ephemeral znodes under a prefix.</summary>
    GetEphemerals = 103,

    /// <summary>Count all descendants of a znode.</summary>
    GetAllChildrenNumber = 104,

    /// <summary>As <see cref="SetWatches"/>, with persistent watches.</summary>
    SetWatches2 = 105,

    /// <summary>Add a persistent watch.</summary>
    AddWatch = 106,

    /// <summary>List the caller's identities.</summary>
    WhoAmI = 107,

    /// <summary>ClickHouse Keeper's: list the persistent, the ephemeral or all children, and read the stat.</summary>
    FilteredList = 500,

    /// <summary>ClickHouse Keeper's: check that there is no znode, or none of this version.</summary>
    CheckNotExists = 501,

    /// <summary>ClickHouse Keeper's: create a znode unless it is there.</summary>
    CreateIfNotExists = 502,

    /// <summary>ClickHouse Keeper's: delete a znode with all below it, up to a number.</summary>
    RemoveRecursive = 503,

    /// <summary>ClickHouse Keeper's: check a version and fields of the stat.</summary>
    CheckStat = 504,

    /// <summary>ClickHouse Keeper's: delete a znode if that is possible.</summary>
    TryRemove = 505,

    /// <summary>ClickHouse Keeper's: as <see cref="FilteredList"/>, with the children's stats and data.</summary>
    FilteredListWithStatsAndData = 506,

    /// <summary>ClickHouse Keeper's: list all paths below a znode, up to a number.</summary>
    ListRecursive = 507,

    /// <summary>Ours, not ZooKeeper's: a write with a number, which runs once however often it is sent.</summary>
    Numbered = 1001,

    /// <summary>Ours: a read that has seen all writes that were answered before it was sent.</summary>
    LinearizableRead = 1002,

    /// <summary>Ours: list the changes since a zxid.</summary>
    GetChanges = 1003,
}
