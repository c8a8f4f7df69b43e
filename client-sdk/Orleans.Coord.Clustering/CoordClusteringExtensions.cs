using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Coord.Client;
using Orleans.Coord.Grains.Clustering;
using Orleans.Messaging;

namespace Orleans.Coord.Clustering;

/// <summary>Clustering of any Orleans application, with its membership kept in Orleans.Coord or ZooKeeper.</summary>
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

    // The session is this table's own, whatever other sessions the application has.
    private static void AddTable(IServiceCollection services, Action<CoordClientOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        services.AddKeyedSingleton(typeof(ZnodeSiloTable), (_, _) =>
        {
            var options = new CoordClientOptions();
            configure(options);
            return new CoordClientSource(options);
        });
        services.AddSingleton<ISiloTableStore>(provider => new ZnodeSiloTable(
            provider.GetRequiredKeyedService<CoordClientSource>(typeof(ZnodeSiloTable)),
            $"/orleans/{provider.GetRequiredService<IOptions<ClusterOptions>>().Value.ClusterId}/silos"));
        services.AddSingleton<IGatewayListProvider, StoredGatewayList>();
    }
}
