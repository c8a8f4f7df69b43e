using System.Collections.Concurrent;

namespace Orleans.Coord.Grains;

/// <summary>
/// The replicas that this silo runs: its own, which serves its clients, and, where replicas need no disk, those of
/// silos that are gone. Hosts add a replica once it owns its storage: no message that activates a grain makes one.
/// </summary>
/// <param name="own">The member that this silo is named after.</param>
public sealed class LocalReplicas(ReplicaId own)
{
    private readonly ConcurrentDictionary<ReplicaId, LocalReplica> _replicas = new();

    /// <summary>The member that this silo is named after.</summary>
    public ReplicaId OwnId => own;

    /// <summary>Frames of this many bytes or more are refused.</summary>
    public int MaxFrameBytes { get; init; } = CoordLimits.DefaultMaxFrameBytes;

    /// <summary>The silo's own replica.</summary>
    /// <exception cref="ReplicaRefusedException">It is not there yet.</exception>
    public LocalReplica Own => Find(own)
        ?? throw new ReplicaRefusedException($"Replica {own} of this silo has not started yet. Try again.");

    /// <summary>A replica that runs here, or null.</summary>
    public LocalReplica? Find(ReplicaId id) => _replicas.GetValueOrDefault(id);

    /// <summary>Makes a replica known to the grains.</summary>
    public void Add(LocalReplica replica)
    {
        ArgumentNullException.ThrowIfNull(replica);
        _replicas[replica.Id] = replica;
    }

    /// <summary>A replica runs here no more.</summary>
    public void Remove(ReplicaId id) => _replicas.TryRemove(id, out _);
}
