using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Configuration;

namespace Orleans.Coord.Clustering.Tests;

/// <summary>An Orleans application that knows nothing of grids but where its membership is kept.</summary>
public sealed class ClusterTests(OneSilo coord) : IClassFixture<OneSilo>
{
    private readonly string _cluster = Guid.NewGuid().ToString("N");

    [Fact]
    public async Task Two_silos_find_each_other_and_a_client_finds_them()
    {
        using IHost first = await StartSiloAsync();
        using IHost second = await StartSiloAsync();
        using IHost client = await StartClientAsync();
        var management = client.Services.GetRequiredService<IGrainFactory>().GetGrain<IManagementGrain>(0);
        Assert.Equal(2, (await management.GetHosts(onlyActive: true)).Count);
        await second.StopAsync();
        Assert.Single(await management.GetHosts(onlyActive: true));
        await client.StopAsync();
        await first.StopAsync();
    }

    private async Task<IHost> StartSiloAsync()
    {
        HostApplicationBuilder builder = NewBuilder();
        int[] ports = FreePorts();
        builder.UseOrleans(silo => silo
            .Configure<ClusterOptions>(SetCluster)
            .Configure<EndpointOptions>(options =>
            {
                options.AdvertisedIPAddress = IPAddress.Loopback;
                (options.SiloPort, options.GatewayPort) = (ports[0], ports[1]);
            })
            .UseCoordClustering(options => options.ConnectionString = coord.ConnectionString));
        return await StartAsync(builder);
    }

    private async Task<IHost> StartClientAsync()
    {
        HostApplicationBuilder builder = NewBuilder();
        builder.UseOrleansClient(client => client
            .Configure<ClusterOptions>(SetCluster)
            .UseCoordClustering(options => options.ConnectionString = coord.ConnectionString));
        return await StartAsync(builder);
    }

    private void SetCluster(ClusterOptions options) => (options.ClusterId, options.ServiceId) = (_cluster, _cluster);

    private static HostApplicationBuilder NewBuilder() =>
        Host.CreateEmptyApplicationBuilder(new() { DisableDefaults = true });

    private static async Task<IHost> StartAsync(HostApplicationBuilder builder)
    {
        IHost host = builder.Build();
        await host.StartAsync();
        return host;
    }

    private static int[] FreePorts()
    {
        TcpListener[] held = [new(IPAddress.Loopback, 0), new(IPAddress.Loopback, 0)];
        Array.ForEach(held, listener => listener.Start());
        int[] ports = [.. held.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        Array.ForEach(held, listener => listener.Stop());
        return ports;
    }
}
