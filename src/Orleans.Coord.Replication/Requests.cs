using Orleans.Coord.Jute;

namespace Orleans.Coord.Replication;

/// <summary>How a request is served.</summary>
internal enum RequestKind : byte
{
    /// <summary>The server does not know the operation.</summary>
    Unknown,

    /// <summary>Goes through the log.</summary>
    Write,

    /// <summary>Answered from this replica's tree.</summary>
    Read,

    /// <summary>Changes this replica's watches only.</summary>
    Watch,

    /// <summary>Waits for a read-index barrier.</summary>
    Sync,

    /// <summary>Heartbeat.</summary>
    Ping,

    /// <summary>Adds an identity to the connection.</summary>
    Auth,

    /// <summary>A step of a SASL exchange.</summary>
    Sasl,
}

/// <summary>Sorts operations by how they are served.</summary>
internal static class Requests
{
    /// <summary>Bytes of xid and operation.</summary>
    public const int HeaderBytes = 8;

    /// <summary>The kind of an operation as it came from the wire.</summary>
    public static RequestKind KindOf(OpCode op) => op switch
    {
        OpCode.GetData or OpCode.Exists or OpCode.GetChildren2 or OpCode.GetChildren or OpCode.GetAcl
            or OpCode.MultiRead or OpCode.GetEphemerals or OpCode.GetAllChildrenNumber or OpCode.WhoAmI
            or OpCode.GetChanges
            or OpCode.FilteredList or OpCode.FilteredListWithStatsAndData or OpCode.ListRecursive
            => RequestKind.Read,
        OpCode.SetData or OpCode.Create or OpCode.Create2 or OpCode.CreateTtl or OpCode.CreateContainer
            or OpCode.Delete or OpCode.SetAcl or OpCode.Multi or OpCode.Check or OpCode.DeleteContainer
            or OpCode.Reconfig or OpCode.CloseSession or OpCode.Numbered
            or OpCode.CheckNotExists or OpCode.CreateIfNotExists or OpCode.RemoveRecursive or OpCode.CheckStat
            or OpCode.TryRemove
            => RequestKind.Write,
        OpCode.SetWatches or OpCode.SetWatches2 or OpCode.AddWatch or OpCode.RemoveWatches or OpCode.CheckWatches
            => RequestKind.Watch,
        OpCode.Ping => RequestKind.Ping,
        OpCode.Sync or OpCode.LinearizableRead => RequestKind.Sync,
        OpCode.Auth => RequestKind.Auth,
        OpCode.Sasl => RequestKind.Sasl,
        _ => RequestKind.Unknown,
    };
}
