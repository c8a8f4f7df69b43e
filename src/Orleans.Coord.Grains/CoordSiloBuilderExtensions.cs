using Microsoft.Extensions.DependencyInjection;
using Orleans.Configuration;
using Orleans.Coord.Grains.Placement;
using Orleans.Coord.Grains.Znodes;
using Orleans.Runtime.Hosting;

namespace Orleans.Coord.Grains;

/// <summary>Makes an Orleans silo one of the grid.</summary>
public static class CoordSiloBuilderExtensions
{
    /// <summary>Adds the grains of the replica that this silo owns, and names the silo after it.</summary>
    /// <param name="silo">The silo under construction.</param>
    /// <param name="replica">Makes it known to the grains; called once, when the first of them needs it.</param>
    public static ISiloBuilder AddCoordGrains(this ISiloBuilder silo, LocalReplica replica)
    {
        ArgumentNullException.ThrowIfNull(replica);
        silo.AddPlacementDirector<PinnedPlacement, PinnedPlacementDirector>();
        silo.AddGrainDirectory(EchoDirectory.Name, (_, _) => new EchoDirectory());
        silo.Services.AddSingleton(replica);
        silo.Services.AddSingleton<ReplicaSilos>();
        silo.Services.AddSingleton<SiloSessions>();
        silo.Services.PostConfigure<SiloOptions>(options => options.SiloName = ReplicaSilos.NameOf(replica.Id));
        return silo;
    }

    /// <summary>
    /// Declares a silo dead that does not answer for about eight seconds, and not before: a busy machine stalls for
    /// seconds, and an evicted silo has to start anew. Nothing waits for the verdict: the consensus group chooses
    /// another leader within a second by itself.
    /// </summary>
    public static ISiloBuilder UseCoordMembershipTimings(this ISiloBuilder silo)
    {
        silo.Configure<ClusterMembershipOptions>(options =>
        {
            options.ProbeTimeout = TimeSpan.FromSeconds(2);
            options.MaxProbeTimeout = TimeSpan.FromSeconds(2);
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
