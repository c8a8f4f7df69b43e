using Orleans.Coord.Replication;

namespace Orleans.Coord.Grains;

/// <summary>
/// The replica that this silo owns, as its grains see it. The host makes it, after it has taken the member's data
/// directory for itself: no message that happens to activate a grain ever makes a replica.
/// </summary>
/// <param name="Id">The member.</param>
/// <param name="Frontend">Its mailbox, for client connections.</param>
/// <param name="Peers">The same mailbox, for envelopes of the other members.</param>
/// <param name="Admit">Whether envelopes of a member with this incarnation are taken; remembers the first one.</param>
public sealed record LocalReplica(
    ReplicaId Id, ICoordFrontend Frontend, IPeerObserver Peers, Func<ReplicaId, ulong, bool> Admit)
{
    /// <summary>Frames of this many bytes or more are refused.</summary>
    public int MaxFrameBytes { get; init; } = CoordLimits.DefaultMaxFrameBytes;
}
