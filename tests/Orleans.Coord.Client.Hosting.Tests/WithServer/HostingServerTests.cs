using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Primitives;
using Orleans.Coord.Recipes;

namespace Orleans.Coord.Client.Hosting.Tests.WithServer;

public sealed class HostingServerTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly string _root = $"/hosting-tests-{Guid.NewGuid():N}";
    private readonly string _cacheFile = Path.Combine(Path.GetTempPath(), $"coord-{Guid.NewGuid():N}.json");
    private CoordClient _client = null!;

    private static string Server => Environment.GetEnvironmentVariable(ServerFactAttribute.Variable) ?? "";

    public async Task InitializeAsync()
    {
        if (Server.Length > 0)
        {
            _client = await CoordClient.ConnectAsync(Server + _root);
            await _client.EnsurePathAsync("/app/Log");
            await _client.CreateAsync("/app/Name", Encoding.UTF8.GetBytes("one"));
            await _client.CreateAsync("/app/Log/Level", Encoding.UTF8.GetBytes("Debug"));
        }
    }

    public async Task DisposeAsync()
    {
        File.Delete(_cacheFile);
        if (_client is not null)
        {
            await _client.DeleteRecursiveAsync("/");
            await _client.DisposeAsync();
        }
    }

    [ServerFact]
    public async Task Configuration_follows_the_znodes_and_outlives_the_servers()
    {
        // A new session may be at a member of the ensemble that is behind; in the end it is not.
        await _client.SyncAsync("/");
        using (var live = (ConfigurationRoot)new ConfigurationBuilder()
            .AddCoord(Server + _root, "/app", _cacheFile).Build())
        {
            await UntilAsync(live, () => live["Log:Level"] == "Debug" && live["name"] == "one");
            await _client.SetAsync("/app/Name", Encoding.UTF8.GetBytes("two"));
            await _client.DeleteAsync("/app/Log/Level");
            await UntilAsync(live, () => live["Name"] == "two" && live["Log:Level"] is null);
        }

        // Nothing listens at port 1.
        using var offline = (ConfigurationRoot)new ConfigurationBuilder().Add(Offline(_cacheFile)).Build();
        Assert.Equal("two", offline["Name"]);
        Assert.Contains("could not be read", Assert.Throws<InvalidOperationException>(
            () => new ConfigurationBuilder().Add(Offline(null)).Build()).Message, StringComparison.Ordinal);
    }

    [ServerFact]
    public async Task The_health_check_tells_a_live_session_from_none()
    {
        await using ServiceProvider services = Services();
        var source = services.GetRequiredService<CoordClientSource>();
        var check = services.GetRequiredService<CoordHealthCheck>();
        var context = new HealthCheckContext
        {
            Registration = new HealthCheckRegistration("coord", check, HealthStatus.Unhealthy, null),
        };
        Assert.Equal(HealthStatus.Healthy, (await check.CheckHealthAsync(context)).Status);
        await source.Current.DisposeAsync();
        Assert.Equal(HealthStatus.Healthy, (await check.CheckHealthAsync(context)).Status);
        await source.DisposeAsync();
        Assert.Equal(HealthStatus.Unhealthy, (await check.CheckHealthAsync(context)).Status);
        await using var nowhere = new CoordClientSource(new() { ConnectionString = "127.0.0.1:1" });
        using var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        HealthCheckResult result = await new CoordHealthCheck(nowhere).CheckHealthAsync(context, limit.Token);
        Assert.Equal(HealthStatus.Unhealthy, result.Status);
    }

    [ServerFact]
    public async Task One_of_the_leader_services_leads_and_another_takes_over()
    {
        await using ServiceProvider first = Services();
        await using ServiceProvider second = Services();
        using var one = new Leader(first.GetRequiredService<CoordClientSource>(), "one");
        using var two = new Leader(second.GetRequiredService<CoordClientSource>(), "two");
        await one.StartAsync(CancellationToken.None);
        long token = await one.Led.Reader.ReadAsync().AsTask().WaitAsync(Patience);
        await two.StartAsync(CancellationToken.None);
        await CandidatesAsync(2);
        Assert.False(two.Led.Reader.TryRead(out _));

        // The session ends under the leader; it stands again with the next one, behind the other.
        await first.GetRequiredService<CoordClientSource>().Current.DisposeAsync();
        long next = await two.Led.Reader.ReadAsync().AsTask().WaitAsync(Patience);
        Assert.True(next > token);
        await two.StopAsync(CancellationToken.None);
        Assert.True(await one.Led.Reader.ReadAsync().AsTask().WaitAsync(Patience) > next);
        await one.StopAsync(CancellationToken.None);
    }

    [ServerFact]
    public async Task A_leader_service_whose_znode_another_hand_deletes_stands_again()
    {
        await using ServiceProvider services = Services();
        using var leader = new Leader(services.GetRequiredService<CoordClientSource>(), "one");
        await leader.StartAsync(CancellationToken.None);
        long token = await leader.Led.Reader.ReadAsync().AsTask().WaitAsync(Patience);
        await _client.SyncAsync("/");
        string name = Assert.Single((await _client.GetChildrenAsync("/leader")).Names);
        await _client.DeleteAsync("/leader/" + name);
        Assert.True(await leader.Led.Reader.ReadAsync().AsTask().WaitAsync(Patience) > token);
        await leader.StopAsync(CancellationToken.None);
    }

    private async Task CandidatesAsync(int count)
    {
        using var limit = new CancellationTokenSource(Patience);
        await foreach (ZnodeChildren? candidates in _client.WatchChildrenAsync("/leader", limit.Token))
        {
            if (candidates?.Names.Count == count)
            {
                return;
            }
        }
    }

    private static async Task UntilAsync(IConfiguration configuration, Func<bool> holds)
    {
        using var limit = new CancellationTokenSource(Patience);
        while (true)
        {
            var changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            using IDisposable registration = ChangeToken.OnChange(
                configuration.GetReloadToken, () => changed.TrySetResult());
            if (holds())
            {
                return;
            }

            await changed.Task.WaitAsync(limit.Token);
        }
    }

    private static CoordConfigurationSource Offline(string? file) => new()
    {
        Client = new() { ConnectionString = "127.0.0.1:1" },
        Path = "/app",
        CacheFile = file,
        StartTimeout = TimeSpan.FromMilliseconds(100),
    };

    private ServiceProvider Services() => new ServiceCollection()
        .AddCoordClient(new CoordClientOptions { ConnectionString = Server + _root })
        .BuildServiceProvider();

    private sealed class Leader(CoordClientSource source, string name)
        : LeaderBackgroundService(source, "/leader", name)
    {
        public System.Threading.Channels.Channel<long> Led { get; } =
            System.Threading.Channels.Channel.CreateUnbounded<long>();

        protected override async Task LeadAsync(CoordHandle leadership, CancellationToken lost)
        {
            Led.Writer.TryWrite(leadership.FencingToken);
            await Task.Delay(Timeout.Infinite, lost);
        }
    }
}
