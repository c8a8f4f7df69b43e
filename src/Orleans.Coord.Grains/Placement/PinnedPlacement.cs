using Orleans.Placement;
using Orleans.Runtime.Placement;

namespace Orleans.Coord.Grains.Placement;

/// <summary>A grain whose key names a replica lives on the silo that runs that replica.</summary>
[Serializable]
[GenerateSerializer]
[Alias("coord.PinnedPlacement")]
internal sealed class PinnedPlacement : PlacementStrategy;

/// <summary>Places a grain class by <see cref="PinnedPlacement"/>.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class PinnedPlacementAttribute() : PlacementAttribute(new PinnedPlacement());

/// <summary>Finds the silo that runs a replica.</summary>
internal sealed class PinnedPlacementDirector(ReplicaSilos silos) : IPlacementDirector
{
    public Task<SiloAddress> OnAddActivation(
        PlacementStrategy strategy, PlacementTarget target, IPlacementContext context)
    {
        if (!target.GrainIdentity.TryGetIntegerKey(out long key, out _)
            || ReplicaSilos.ReadKey(key) is not (ReplicaId replica, ReplicaId member))
        {
            throw new ArgumentException($"{target.GrainIdentity} is no replica: ids are 1 to 255.");
        }

        return silos.Find(member) is { } silo
            ? Task.FromResult(silo)
            : throw new SiloUnavailableException($"No active silo runs replica {replica}.");
    }
}
