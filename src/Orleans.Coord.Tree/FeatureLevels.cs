namespace Orleans.Coord.Tree;

/// <summary>
/// What the state machine can do, in steps. Each entry bears the level at which it is to be applied; the leader raises
/// it once all members of the group know the next one, and it never falls. So members of different versions do the same
/// while they are upgraded one by one.
/// <para>
/// A change that makes an entry do something else, or a new kind of entry, takes a new level, and asks
/// <see cref="CoordStateMachine.FeatureLevel"/> before it does it.
/// </para>
/// </summary>
public static class FeatureLevels
{
    /// <summary>ZooKeeper's operations: what a group begins with until an entry says more.</summary>
    public const byte First = 1;

    /// <summary>
    /// Numbered writes, the operations of ClickHouse Keeper, and members changed in the name of a host.
    /// </summary>
    public const byte Extensions = 2;

    /// <summary>A snapshot may take the tree's place through the log.</summary>
    public const byte Restore = 3;

    /// <summary>The newest level that this version knows.</summary>
    public const byte Newest = Restore;
}
