namespace Orleans.Coord.Client;

/// <summary>What kind of znode to create. Values are ZooKeeper's.</summary>
public enum CreateMode
{
    /// <summary>Stays until it is deleted.</summary>
    Persistent = 0,

    /// <summary>Vanishes with the session that created it; has no children.</summary>
    Ephemeral = 1,

    /// <summary>Stays; the server appends ten digits that rise with every such create under the parent.</summary>
    PersistentSequential = 2,

    /// <summary>Vanishes with its session; the server appends ten rising digits.</summary>
    EphemeralSequential = 3,

    /// <summary>The server deletes it some time after its last child is gone.</summary>
    Container = 4,

    /// <summary>The server deletes it when it has no children and was not written for its time to live.</summary>
    PersistentWithTtl = 5,

    /// <summary>As <see cref="PersistentWithTtl"/>, with ten rising digits appended.</summary>
    PersistentSequentialWithTtl = 6,
}
