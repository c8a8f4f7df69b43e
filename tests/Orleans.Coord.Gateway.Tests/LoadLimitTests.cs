namespace Orleans.Coord.Gateway.Tests;

/// <summary>The limits on all connections together.</summary>
public sealed class LoadLimitTests
{
    [Fact]
    public async Task Too_many_requests_of_all_make_everybody_wait_until_half_of_them_are_executed()
    {
        var shared = new SharedIntake(maxRequests: 10, 0, 0);
        var busy = new IntakeGate(1000, 100, shared);
        var other = new IntakeGate(1000, 100, shared);
        busy.Enter(9, 9);
        Assert.True(other.WaitAsync().AsTask().IsCompletedSuccessfully);
        other.Enter(1, 1);
        Task waiting = other.WaitAsync().AsTask();
        Task alsoWaiting = busy.WaitAsync().AsTask();
        busy.Leave(4, 4);
        Assert.False(waiting.IsCompleted || alsoWaiting.IsCompleted);
        busy.Leave(1, 1);
        await Task.WhenAll(waiting, alsoWaiting).WaitAsync(Eventually.Patience);
        Assert.Equal(2, shared.Waits);
    }

    [Fact]
    public async Task Who_waits_for_all_still_waits_for_its_own()
    {
        var shared = new SharedIntake(maxRequests: 4, 0, 0);
        var gate = new IntakeGate(1000, 100, shared);
        gate.Enter(4, 4);
        gate.SetOutputFull(true);
        Task waiting = gate.WaitAsync().AsTask();
        gate.Leave(4, 4);
        Assert.False(waiting.IsCompleted);
        gate.SetOutputFull(false);
        await waiting.WaitAsync(Eventually.Patience);
        Assert.True(gate.WaitAsync().AsTask().IsCompletedSuccessfully);
    }

    [Fact]
    public async Task A_closing_connection_waits_for_nobody()
    {
        var shared = new SharedIntake(maxRequests: 1, 0, 0);
        var busy = new IntakeGate(1000, 100, shared);
        var gate = new IntakeGate(1000, 100, shared);
        busy.Enter(1, 1);
        Task waiting = gate.WaitAsync().AsTask();
        gate.Stop();
        await waiting.WaitAsync(Eventually.Patience);
        Assert.True(gate.WaitAsync().AsTask().IsCompletedSuccessfully);
        busy.Leave(1, 1);
    }

    [Fact]
    public async Task Requests_of_many_connections_are_all_answered_under_a_small_limit()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(
            new GatewayOptions { MaxOutstandingRequestsOfAll = 3 });
        TestClient[] clients = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => gateway.ConnectAsync()));
        await Task.WhenAll(clients.Select(async client =>
        {
            await client.SendAsync(Wire.Requests(200));
            for (int i = 0; i < 200; i++)
            {
                Assert.NotNull(await client.ReadFrameAsync());
            }
        }));
        foreach (TestClient client in clients)
        {
            client.Dispose();
        }
    }

    [Fact]
    public async Task A_large_request_without_room_closes_its_connection_and_no_other()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(new GatewayOptions
        {
            LargeRequestBytes = 64 * 1024, MaxLargeRequestsBytes = 250_000,
        });
        using TestClient first = await gateway.ConnectAsync();
        using TestClient second = await gateway.ConnectAsync();
        gateway.Frontend.Hold = true;
        await first.SendAsync(Wire.Request(1, bodyBytes: 200_000));
        await Eventually.TrueAsync(() => gateway.Frontend.Requests == 1, "the first is under way");
        await second.TrySendAsync(Wire.Request(2, bodyBytes: 100_000));
        Assert.Empty(await second.ReadToEndAsync());
        gateway.Frontend.ReleaseHeld();
        gateway.Frontend.Hold = false;
        Assert.NotNull(await first.ReadFrameAsync());
        for (int xid = 3; xid < 6; xid++)
        {
            Assert.Equal(xid, Wire.Xid(await first.RequestAsync(Wire.Request(xid, bodyBytes: 200_000))));
        }
    }

    [Fact]
    public async Task The_room_of_a_large_request_that_never_came_whole_is_given_back()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(new GatewayOptions
        {
            LargeRequestBytes = 64 * 1024, MaxLargeRequestsBytes = 250_000,
        });
        using (TestClient half = await gateway.ConnectAsync())
        {
            await half.SendAsync(Wire.Request(1, bodyBytes: 200_000).AsMemory(0, 100_000));
        }

        await Eventually.TrueAsync(() => gateway.Server.Connections == 0, "it is gone");
        using TestClient whole = await gateway.ConnectAsync();
        Assert.Equal(2, Wire.Xid(await whole.RequestAsync(Wire.Request(2, bodyBytes: 200_000))));
    }

    [Fact]
    public void A_large_request_is_not_small() => Assert.Throws<ArgumentException>(() => new GatewayServer(
        new GatewayOptions { LargeRequestBytes = 1000 }, new FakeFrontend(), new TestLog()));

    [Fact]
    public async Task More_clients_than_a_second_allows_are_refused()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(
            new GatewayOptions { MaxConnectsPerSecond = 1 });
        using TestClient served = await gateway.ConnectAsync();
        int refused = 0;
        for (int i = 0; i < 20; i++)
        {
            using TestClient client = await gateway.OpenAsync();
            await client.TrySendAsync(Wire.ConnectFrame());
            refused += (await client.ReadFrameAsync()) is null ? 1 : 0;
        }

        Assert.True(refused > 0);
        Assert.Equal(refused, gateway.Server.Counters.ConnectionsRefused);
        Assert.Equal("imok", await gateway.AskAsync("ruok"));
    }

    [Fact]
    public void A_bucket_lets_a_burst_through_and_then_its_rate()
    {
        long now = 1000;
        var bucket = new TokenBucket(10, () => now);
        Assert.Equal(10, Enumerable.Range(0, 15).Count(_ => bucket.TryTake()));
        now += 99;
        Assert.False(bucket.TryTake());
        now += 1;
        Assert.True(bucket.TryTake());
        Assert.False(bucket.TryTake());
        now += 60_000;
        Assert.Equal(10, Enumerable.Range(0, 15).Count(_ => bucket.TryTake()));
        now -= 5_000;
        Assert.False(bucket.TryTake());
    }
}
