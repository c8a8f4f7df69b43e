using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Configuration;
using Orleans.Coord.Client;

namespace Orleans.Coord.Clustering.Tests;

/// <summary>A grain that tells where it is.</summary>
public interface IWhereGrain : IGrainWithIntegerKey
{
    /// <summary>The silo and the activation.</summary>
    Task<(string Silo, Guid Activation)> WhereAsync();
}

/// <summary>As its interface says.</summary>
public sealed class WhereGrain : Grain, IWhereGrain
{
    private readonly Guid _activation = Guid.NewGuid();

    /// <inheritdoc/>
    public Task<(string Silo, Guid Activation)> WhereAsync() => Task.FromResult((RuntimeIdentity, _activation));
}

/// <summary>
/// An Orleans application that knows nothing of grids but where its membership and its grain directory are kept.
/// </summary>
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

    [Fact]
    public async Task A_grain_that_two_silos_call_at_once_is_active_once_and_moves_when_its_silo_stops()
    {
        const int Grains = 40;
        using IHost first = await StartSiloAsync();
        using IHost second = await StartSiloAsync();
        (string Silo, Guid Activation)[][] told =
            await Task.WhenAll(CallAsync(first, Grains), CallAsync(second, Grains), CallAsync(first, Grains));
        Assert.Equal(told[0], told[1]);
        Assert.Equal(told[0], told[2]);
        Assert.Equal(2, told[0].Select(where => where.Silo).Distinct().Count());
        CoordClient client = coord.Clients.Current;
        string root = $"/orleans/{_cluster}/directories/default";
        Assert.Equal(2, (await client.GetChildrenAsync($"{root}/silos")).Names.Count);

        await second.StopAsync();
        (string Silo, Guid Activation)[] after = await CallAsync(first, Grains);
        Assert.Single(after.Select(where => where.Silo).Distinct());
        Assert.Equal(
            told[0].Where(where => where.Silo == after[0].Silo),
            after.Where(where => told[0].Contains(where)));
        await first.StopAsync();
    }

    private static Task<(string Silo, Guid Activation)[]> CallAsync(IHost silo, int grains)
    {
        IGrainFactory factory = silo.Services.GetRequiredService<IGrainFactory>();
        return Task.WhenAll(Enumerable.Range(0, grains).Select(i => factory.GetGrain<IWhereGrain>(i).WhereAsync()));
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
            .UseCoordClustering(options => options.ConnectionString = coord.ConnectionString)
            .UseCoordGrainDirectoryAsDefault(options => options.ConnectionString = coord.ConnectionString));
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
