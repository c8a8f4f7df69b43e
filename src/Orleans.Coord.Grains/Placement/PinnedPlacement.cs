using Orleans.Placement;
using Orleans.Runtime.Placement;

namespace Orleans.Coord.Grains.Placement;

/// <summary>A grain whose key is a replica id lives on the silo that owns that replica.</summary>
[Serializable]
[GenerateSerializer]
[Alias("coord.PinnedPlacement")]
internal sealed class PinnedPlacement : PlacementStrategy;

/// <summary>Places a grain class by <see cref="PinnedPlacement"/>.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class PinnedPlacementAttribute() : PlacementAttribute(new PinnedPlacement());

/// <summary>Finds the silo that owns a replica.</summary>
internal sealed class PinnedPlacementDirector(ReplicaSilos silos) : IPlacementDirector
{
    public Task<SiloAddress> OnAddActivation(
        PlacementStrategy strategy, PlacementTarget target, IPlacementContext context)
    {
        if (!target.GrainIdentity.TryGetIntegerKey(out long key, out _) || key is < 1 or > byte.MaxValue)
        {
            throw new ArgumentException($"{target.GrainIdentity} is no replica: ids are 1 to 255.");
        }

        return silos.Find(new ReplicaId((byte)key)) is { } silo
            ? Task.FromResult(silo)
            : throw new SiloUnavailableException($"No active silo owns replica {key}.");
    }
}
