using Orleans.Coord.Replication;
using Orleans.Coord.Wal;

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

    /// <summary>Joins the cluster with a replica whose data directory this process owns.</summary>
    /// <exception cref="StartupException">The cluster cannot be joined.</exception>
    Task StartAsync(IReplicaMailbox mailbox, DataDirectory directory);
}

/// <summary>A replica's mailbox, as gateways, stores and links see it.</summary>
internal interface IReplicaMailbox : ICoordFrontend, IPeerObserver;
