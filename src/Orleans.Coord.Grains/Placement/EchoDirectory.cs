using Orleans.GrainDirectory;

namespace Orleans.Coord.Grains.Placement;

/// <summary>
/// A grain directory that knows nothing and agrees with everything. Where a grain lives follows from its placement
/// alone, so a dying silo that holds a part of the distributed directory cannot stall the others. It does not keep a
/// grain from living twice: data directories and session generations do that.
/// </summary>
internal sealed class EchoDirectory : IGrainDirectory
{
    /// <summary>What grains name in their <see cref="GrainDirectoryAttribute"/>.</summary>
    public const string Name = "coord.echo";

    public Task<GrainAddress?> Register(GrainAddress address) => Task.FromResult<GrainAddress?>(address);

    public Task<GrainAddress?> Register(GrainAddress address, GrainAddress? previousAddress) => Register(address);

    public Task Unregister(GrainAddress address) => Task.CompletedTask;

    public Task<GrainAddress?> Lookup(GrainId grainId) => Task.FromResult<GrainAddress?>(null);

    public Task UnregisterSilos(List<SiloAddress> siloAddresses) => Task.CompletedTask;
}
