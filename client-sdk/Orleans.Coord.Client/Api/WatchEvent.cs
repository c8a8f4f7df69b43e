namespace Orleans.Coord.Client;

/// <summary>What a watch saw.</summary>
public enum WatchEventKind
{
    /// <summary>
    /// The watch is in force from here on, and changes before this point may have been missed: read now. Comes
    /// first in every stream, after each reconnect, and where a slow consumer made the client drop events.
    /// </summary>
    Resync = 0,

    /// <summary>The znode was created.</summary>
    Created = 1,

    /// <summary>The znode was deleted.</summary>
    Deleted = 2,

    /// <summary>The znode's data was written.</summary>
    DataChanged = 3,

    /// <summary>A child of the znode was created or deleted.</summary>
    ChildrenChanged = 4,
}

/// <summary>One event of a watch.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Path">The znode that it happened to; for a resync, the path watched.</param>
/// <param name="Zxid">The write that did it; −1 where the server does not tell (ZooKeeper before 3.9).</param>
public readonly record struct WatchEvent(WatchEventKind Kind, string Path, long Zxid);

/// <summary>How far a persistent watch reaches. Values are ZooKeeper's.</summary>
public enum WatchScope
{
    /// <summary>The znode and the list of its children.</summary>
    Znode = 0,

    /// <summary>The znode and all below it; yields no <see cref="WatchEventKind.ChildrenChanged"/>.</summary>
    Subtree = 1,
}

/// <summary>What a read found, and a task that ends when it is no longer true.</summary>
/// <typeparam name="T">What was read.</typeparam>
/// <param name="Value">The value read.</param>
/// <param name="Changed">
/// Ends with the first change after the read, over reconnects. Fails with <see cref="SessionLostException"/> when
/// the session is lost and with <see cref="ObjectDisposedException"/> when the client is disposed.
/// </param>
public readonly record struct Watched<T>(T Value, Task<WatchEvent> Changed);
