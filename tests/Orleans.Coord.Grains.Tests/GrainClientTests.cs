using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Coord.Client;
using Orleans.Coord.Client.Grains;
using Orleans.Coord.Recipes;
using Xunit.Abstractions;

namespace Orleans.Coord.Grains.Tests;

/// <summary>The client over grains, from an Orleans client and from silos.</summary>
[Collection(nameof(TestGrid))]
public sealed class GrainClientTests(TestGrid grid, ITestOutputHelper output)
{
    [Fact]
    public async Task An_Orleans_client_reads_writes_and_closes_its_session()
    {
        await using CoordClient other = await grid.ConnectAsync(1);
        await using (CoordClient client = grid.Client.NewCoordClient())
        {
            await client.CreateAsync("/grain-client", "1"u8.ToArray());
            await client.CreateAsync("/grain-client/ephemeral", default, CreateMode.Ephemeral);
            ZnodeData read = await client.GetAsync("/grain-client");
            Assert.Equal("1"u8, read.Data.Span);
        }

        await other.SyncAsync("/grain-client");
        Assert.Empty((await other.GetChildrenAsync("/grain-client")).Names);
    }

    [Fact]
    public async Task A_watch_at_one_silo_sees_a_change_from_another()
    {
        await using CoordClient watcher = Factory(0).NewCoordClient();
        await using CoordClient writer = Factory(2).NewCoordClient();
        await watcher.CreateAsync("/watched", default);
        await using IAsyncEnumerator<WatchEvent> events =
            watcher.WatchAsync("/watched", WatchScope.Znode).GetAsyncEnumerator();
        await writer.SyncAsync("/watched");
        ValueTask<bool> next = events.MoveNextAsync();
        await watcher.GetAsync("/watched");
        await writer.SetAsync("/watched", "x"u8.ToArray());
        Assert.True(await next);
    }

    [Fact]
    public async Task A_change_at_another_silo_is_seen_each_time_and_how_soon_is_printed()
    {
        await using CoordClient watcher = Factory(0).NewCoordClient();
        await using CoordClient writer = Factory(2).NewCoordClient();
        await watcher.CreateAsync("/timed", default);
        await writer.SyncAsync("/timed");
        List<double> milliseconds = [];
        await using IAsyncEnumerator<WatchEvent> events =
            watcher.WatchAsync("/timed", WatchScope.Znode).GetAsyncEnumerator();
        for (int i = 0; i < 200; i++)
        {
            ValueTask<bool> next = events.MoveNextAsync();
            await watcher.GetAsync("/timed");
            long start = Stopwatch.GetTimestamp();
            await writer.SetAsync("/timed", default);
            Assert.True(await next);
            milliseconds.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        milliseconds.Sort();
        output.WriteLine(
            $"From the call that sets to the event at another silo: median {milliseconds[100]:F2} ms, "
            + $"p90 {milliseconds[180]:F2} ms");
    }

    [Fact]
    public async Task Many_requests_at_a_time_are_answered_in_order()
    {
        await using CoordClient client = grid.Client.NewCoordClient();
        await client.CreateAsync("/pipelined", default);
        Task<Stat>[] writes = [.. Enumerable.Range(0, 2_000).Select(
            i => client.SetAsync("/pipelined", BitConverter.GetBytes(i)))];
        Stat[] stats = await Task.WhenAll(writes);
        Assert.Equal(Enumerable.Range(1, 2_000), stats.Select(stat => stat.Version));
    }

    [Fact]
    public async Task Large_data_passes_both_ways()
    {
        byte[] large = new byte[900_000];
        new Random(1).NextBytes(large);
        await using CoordClient client = grid.Client.NewCoordClient();
        await client.CreateAsync("/large", large);
        Assert.Equal(large, (await client.GetAsync("/large")).Data.ToArray());
    }

    [Fact]
    public async Task Recipes_work_over_grains()
    {
        await using CoordClient one = Factory(0).NewCoordClient();
        await using CoordClient two = Factory(1).NewCoordClient();
        var lockOfOne = new CoordLock(one, "/locks/grain");
        var lockOfTwo = new CoordLock(two, "/locks/grain");
        await using (CoordHandle held = await lockOfOne.AcquireAsync())
        {
            Assert.Null(await lockOfTwo.TryAcquireAsync());
        }

        await using CoordHandle? next = await lockOfTwo.TryAcquireAsync();
        Assert.NotNull(next);
    }

    [Fact]
    public async Task Services_hand_out_sessions_with_the_options_given()
    {
        var services = new ServiceCollection();
        services.AddSingleton(Factory(0));
        services.AddCoordGrainClient(options => options.SessionTimeout = TimeSpan.FromSeconds(7));
        await using ServiceProvider provider = services.BuildServiceProvider();
        CoordClient client = await provider.GetRequiredService<CoordClientSource>().GetAsync();
        Assert.Equal(TimeSpan.FromSeconds(7), client.SessionTimeout);
    }

    private IGrainFactory Factory(int silo) => grid.Silo(silo).GetRequiredService<IGrainFactory>();
}
