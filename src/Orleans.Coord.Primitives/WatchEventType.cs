namespace Orleans.Coord;

/// <summary>What a watch tells (<c>Watcher.Event.EventType</c>). Values are ZooKeeper's.</summary>
public enum WatchEventType
{
    /// <summary>Nothing about a znode: the connection's own state changed.</summary>
    None = -1,

    /// <summary>The znode was created.</summary>
    NodeCreated = 1,

    /// <summary>The znode was deleted.</summary>
    NodeDeleted = 2,

    /// <summary>The znode's data was written.</summary>
    NodeDataChanged = 3,

    /// <summary>A child was created or deleted.</summary>
    NodeChildrenChanged = 4,

    /// <summary>A data watch was removed (client side only).</summary>
    DataWatchRemoved = 5,

    /// <summary>A child watch was removed (client side only).</summary>
    ChildWatchRemoved = 6,

    /// <summary>A persistent watch was removed (client side only).</summary>
    PersistentWatchRemoved = 7,
}
