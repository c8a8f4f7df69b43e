using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Coord.Client;
using Orleans.Coord.Grains.Clustering;
using Orleans.GrainDirectory;
using Orleans.Messaging;
using Orleans.Runtime.Hosting;

namespace Orleans.Coord.Clustering;

/// <summary>Any Orleans application's membership and grain directory, kept in Orleans.Coord or ZooKeeper.</summary>
public static class CoordClusteringExtensions
{
    /// <summary>
    /// Keeps the silos' membership in the znode <c>/orleans/CLUSTER/silos</c> of an ensemble, below the connection
    /// string's root if it has one. Not for the silos of that very ensemble: nothing can hold itself up.
    /// </summary>
    /// <param name="silo">The silo under construction.</param>
    /// <param name="configure">Names the servers, and sets what else the client should do.</param>
    public static ISiloBuilder UseCoordClustering(this ISiloBuilder silo, Action<CoordClientOptions> configure)
    {
        AddTable(silo.Services, configure);
        silo.Services.AddSingleton<IMembershipTable, StoredMembershipTable>();
        return silo;
    }

    /// <summary>Finds the silos whose membership is kept in an ensemble.</summary>
    /// <param name="client">The Orleans client under construction.</param>
    /// <param name="configure">Names the servers, and sets what else the client should do.</param>
    public static IClientBuilder UseCoordClustering(this IClientBuilder client, Action<CoordClientOptions> configure)
    {
        AddTable(client.Services, configure);
        return client;
    }

    /// <summary>
    /// Keeps the addresses of all grains in an ensemble, below <c>/orleans/CLUSTER/directories/default</c>, except for
    /// grains whose attribute names another directory. A grain is registered once or not at all, and a look-up never
    /// gets an old answer; each costs a round trip or two, which Orleans spares for grains that it has called lately.
    /// </summary>
    /// <param name="silo">The silo under construction.</param>
    /// <param name="configure">Names the servers, and sets what else the client should do.</param>
    public static ISiloBuilder UseCoordGrainDirectoryAsDefault(
        this ISiloBuilder silo, Action<CoordClientOptions> configure) =>
        silo.AddCoordGrainDirectory(GrainDirectoryAttribute.DEFAULT_GRAIN_DIRECTORY, configure);

    /// <summary>
    /// As <see cref="UseCoordGrainDirectoryAsDefault"/>, for those grains whose attribute names this directory,
    /// <c>[GrainDirectory("NAME")]</c>; below <c>/orleans/CLUSTER/directories/NAME</c>.
    /// </summary>
    /// <param name="silo">The silo under construction.</param>
    /// <param name="name">The directory's name, of any characters.</param>
    /// <param name="configure">Names the servers, and sets what else the client should do.</param>
    public static ISiloBuilder AddCoordGrainDirectory(
        this ISiloBuilder silo, string name, Action<CoordClientOptions> configure)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        AddSession(silo.Services, (typeof(ZnodeGrainDirectory), name), configure);
        return silo.AddGrainDirectory(name, (provider, key) => new ZnodeGrainDirectory(
            provider.GetRequiredKeyedService<CoordClientSource>((typeof(ZnodeGrainDirectory), key)),
            $"{RootOf(provider)}/directories/{Uri.EscapeDataString(key)}"));
    }

    private static void AddTable(IServiceCollection services, Action<CoordClientOptions> configure)
    {
        AddSession(services, typeof(ZnodeSiloTable), configure);
        services.AddSingleton<ISiloTableStore>(provider => new ZnodeSiloTable(
            provider.GetRequiredKeyedService<CoordClientSource>(typeof(ZnodeSiloTable)),
            $"{RootOf(provider)}/silos"));
        services.AddSingleton<IGatewayListProvider, StoredGatewayList>();
    }

    // The session is the table's or the directory's own, whatever other sessions the application has.
    private static void AddSession(IServiceCollection services, object key, Action<CoordClientOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        services.AddKeyedSingleton(key, (_, _) =>
        {
            var options = new CoordClientOptions();
            configure(options);
            return new CoordClientSource(options);
        });
    }

    private static string RootOf(IServiceProvider provider) =>
        "/orleans/" + provider.GetRequiredService<IOptions<ClusterOptions>>().Value.ClusterId;
}
