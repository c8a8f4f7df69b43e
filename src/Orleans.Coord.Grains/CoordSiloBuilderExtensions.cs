using Microsoft.Extensions.DependencyInjection;
using Orleans.Configuration;
using Orleans.Coord.Grains.Placement;
using Orleans.Coord.Grains.Znodes;
using Orleans.Runtime.Hosting;

namespace Orleans.Coord.Grains;

/// <summary>Makes an Orleans silo one of the grid.</summary>
public static class CoordSiloBuilderExtensions
{
    /// <summary>Adds the grains of the replicas that this silo runs, and names the silo after its own.</summary>
    /// <param name="silo">The silo under construction.</param>
    /// <param name="replicas">Filled by the host.</param>
    /// <param name="homes">Where replicas live whose own silos are gone.</param>
    public static ISiloBuilder AddCoordGrains(
        this ISiloBuilder silo, LocalReplicas replicas, ReplicaHomes homes = ReplicaHomes.OwnSilo)
    {
        ArgumentNullException.ThrowIfNull(replicas);
        silo.AddPlacementDirector<PinnedPlacement, PinnedPlacementDirector>();
        silo.AddGrainDirectory(EchoDirectory.Name, (_, _) => new EchoDirectory());
        silo.Services.AddSingleton(replicas);
        silo.Services.AddSingleton(services => new ReplicaSilos(
            services.GetRequiredService<IClusterMembershipService>(), homes));
        silo.Services.AddSingleton<SiloSessions>();
        silo.Services.PostConfigure<SiloOptions>(options => options.SiloName = ReplicaSilos.NameOf(replicas.OwnId));
        return silo;
    }

    /// <summary>
    /// Declares a silo dead that does not answer for about eight seconds, and not before: a busy machine stalls for
    /// seconds, and an evicted silo has to start anew. Nothing waits for the verdict: the consensus group chooses
    /// another leader within a second by itself. Replicas that may live on any silo do wait for it before another one
    /// stands in: there it takes about five seconds.
    /// </summary>
    public static ISiloBuilder UseCoordMembershipTimings(
        this ISiloBuilder silo, ReplicaHomes homes = ReplicaHomes.OwnSilo)
    {
        var probe = TimeSpan.FromSeconds(homes == ReplicaHomes.OwnSilo ? 2 : 1.5);
        silo.Configure<ClusterMembershipOptions>(options =>
        {
            options.ProbeTimeout = probe;
            options.MaxProbeTimeout = probe;
            options.NumMissedProbesLimit = 3;
            options.NumVotesForDeathDeclaration = 2;
            options.TableRefreshTimeout = TimeSpan.FromSeconds(5);
            options.IAmAliveTablePublishTimeout = TimeSpan.FromSeconds(5);
            options.DeathVoteExpirationTimeout = TimeSpan.FromSeconds(30);
        });
        silo.Configure<ConnectionOptions>(options => options.OpenConnectionTimeout = TimeSpan.FromSeconds(3));
        silo.Configure<SiloMessagingOptions>(options => options.SystemResponseTimeout = TimeSpan.FromSeconds(5));
        return silo;
    }
}
