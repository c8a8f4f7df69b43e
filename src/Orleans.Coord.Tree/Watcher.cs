namespace Orleans.Coord.Tree;

/// <summary>A session with watches at this replica.</summary>
internal sealed class Watcher(long sessionId)
{
    public long SessionId { get; } = sessionId;

    /// <summary>Who is behind its connection: events of znodes that it may not read are kept from it.</summary>
    public required CallerIdentities Who { get; set; }

    /// <summary>The paths, and what is set there.</summary>
    public Dictionary<byte[], WatchKinds> Paths { get; } = new(BytesComparer.Instance);

    /// <summary>Number of the last trigger that it was told of: nobody is told twice of one.</summary>
    public long LastTrigger { get; set; }
}
