namespace Orleans.Coord.Tree;

/// <summary>Which watches a session has at one path.</summary>
[Flags]
public enum WatchKinds
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>One-shot, set by exists and getData: creation, deletion, data.</summary>
    Data = 1,

    /// <summary>One-shot, set by getChildren: deletion, children.</summary>
    Child = 2,

    /// <summary>All that happens to the znode, until removed.</summary>
    Persistent = 4,

    /// <summary>Creation, deletion and data of the znode and all its descendants, until removed.</summary>
    PersistentRecursive = 8,
}
