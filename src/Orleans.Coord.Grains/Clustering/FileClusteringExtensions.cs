using Microsoft.Extensions.DependencyInjection;
using Orleans.Messaging;

namespace Orleans.Coord.Grains.Clustering;

/// <summary>Clustering of silos and clients on one machine, without a database.</summary>
public static class FileClusteringExtensions
{
    /// <summary>Keeps the silos' membership in a folder of this machine, the same for all of them.</summary>
    /// <param name="silo">The silo under construction.</param>
    /// <param name="folder">Made if it is missing. A local disk: file locks do not reach across a network.</param>
    public static ISiloBuilder UseFileClustering(this ISiloBuilder silo, string folder)
    {
        silo.Services.AddSingleton<ISiloTableStore>(_ => new MembershipFile(Path.GetFullPath(folder)));
        silo.Services.AddSingleton<IMembershipTable, StoredMembershipTable>();
        silo.Services.AddSingleton<IGatewayListProvider, StoredGatewayList>();
        return silo;
    }

    /// <summary>Finds the silos of a folder of this machine.</summary>
    /// <param name="client">The client under construction.</param>
    /// <param name="folder">The folder that the silos use.</param>
    public static IClientBuilder UseFileClustering(this IClientBuilder client, string folder)
    {
        client.Services.AddSingleton<ISiloTableStore>(_ => new MembershipFile(Path.GetFullPath(folder)));
        client.Services.AddSingleton<IGatewayListProvider, StoredGatewayList>();
        return client;
    }
}
