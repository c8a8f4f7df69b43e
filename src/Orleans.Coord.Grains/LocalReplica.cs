using Orleans.Coord.Replication;

namespace Orleans.Coord.Grains;

/// <summary>A replica that this silo runs, as its grains see it.</summary>
/// <param name="Id">The member.</param>
/// <param name="Frontend">Its mailbox, for client connections.</param>
/// <param name="Peers">The same mailbox, for envelopes of the other members.</param>
/// <param name="Admit">Whether envelopes of a member with this data are taken.</param>
public sealed record LocalReplica(
    ReplicaId Id, ICoordFrontend Frontend, IPeerObserver Peers, Func<ReplicaId, ReplicaData, bool> Admit)
{
    /// <summary>What <see cref="IReplicaGrain.DescribeAsync"/> says of it; empty where it stands in.</summary>
    public string Description { get; init; } = "";
}

/// <summary>Tells one member's data from another's.</summary>
/// <param name="Incarnation">Drawn when the data were made; another one under the same id means other data.</param>
/// <param name="Generation">Rises each time they are opened: whoever has a lower one has lost them since.</param>
public readonly record struct ReplicaData(ulong Incarnation, long Generation);
