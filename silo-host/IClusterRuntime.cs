using Orleans.Coord.Replication;
using Orleans.Coord.SiloHost.Standalone;

namespace Orleans.Coord.SiloHost;

/// <summary>
/// What links a silo's replica to the others, and makes it known to them, where a cluster runtime does.
/// </summary>
internal interface IClusterRuntime : IAsyncDisposable
{
    /// <summary>One line for the operator: what the silo is part of.</summary>
    string Description { get; }

    /// <summary>The group's voters at its first start.</summary>
    IReadOnlyList<ReplicaId> Voters { get; }

    /// <summary>The way to the other members; null for a group of one. Drops what is sent before the start.</summary>
    IPeerTransport? Links { get; }

    /// <summary>Completes when the runtime has ended by itself.</summary>
    Task<Exception> Failure { get; }

    /// <summary>
    /// Where this silo's replica has its data; null for its data directory. What the cluster itself provides is there
    /// once the cluster is joined, so it is.
    /// </summary>
    /// <exception cref="StartupException">It cannot be used.</exception>
    Task<ReplicaStorage?> OpenStorageAsync();

    /// <summary>Joins the cluster, if that has not happened yet, with a replica whose data this process owns.</summary>
    /// <exception cref="StartupException">The cluster cannot be joined.</exception>
    Task StartAsync(ReplicaHost replica);

    /// <summary>The silo's replica is about to end: ends what else needs its storage.</summary>
    ValueTask StopAsync();
}

/// <summary>A replica's mailbox, as gateways, stores and links see it.</summary>
internal interface IReplicaMailbox : ICoordFrontend, IPeerObserver;
