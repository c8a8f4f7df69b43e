namespace Orleans.Coord.Client;

/// <summary>How new the answer to a read must be.</summary>
public enum ReadMode
{
    /// <summary>
    /// What the connected server has: never older than anything this session has seen, but maybe older than what
    /// others have been told.
    /// </summary>
    Local = 0,

    /// <summary>
    /// Holds every write that anybody was answered before the call. One request against Orleans.Coord; against
    /// ZooKeeper a <c>sync</c> goes ahead of the read, which is almost as good.
    /// </summary>
    Linearizable = 1,
}
