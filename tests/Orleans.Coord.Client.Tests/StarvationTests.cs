namespace Orleans.Coord.Client.Tests;

/// <summary>Takes threads away that the whole process shares, so it runs alone.</summary>
[CollectionDefinition(nameof(StarvationTests), DisableParallelization = true)]
[Collection(nameof(StarvationTests))]
public sealed class StarvationTests
{
    [Fact]
    public async Task A_starved_thread_pool_costs_no_session()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient();
        using FakeConnection connection = await server.WelcomeAsync(timeoutMs: 6_000);
        await client.WaitForConnectedAsync().Soon();

        WhileStarved(() =>
        {
            connection.AnswerPingsSynchronously(count: 4);
            Assert.False(client.SessionLost.IsCancellationRequested);
            // Here, as nobody answers pings any more once the pool is given back.
            Assert.Equal(SessionState.Connected, client.State);
        });
    }

    [Fact]
    public async Task A_starved_thread_pool_does_not_delay_the_news_of_a_lost_session()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient();
        using FakeConnection connection = await server.WelcomeAsync(timeoutMs: 6_000);
        await client.WaitForConnectedAsync().Soon();
        using CancellationTokenSource linked = client.LinkSessionLost();
        WhileStarved(() =>
        {
            Assert.True(SpinWait.SpinUntil(() => client.SessionLost.IsCancellationRequested, FakeServer.Patience));
            Assert.True(SpinWait.SpinUntil(() => linked.IsCancellationRequested, FakeServer.Patience));
        });
        using CancellationTokenSource late = client.LinkSessionLost();
        Assert.True(late.IsCancellationRequested);
    }

    [Fact]
    public async Task A_late_heartbeat_thread_does_not_delay_what_the_state_says()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient();
        using FakeConnection connection = await server.WelcomeAsync(timeoutMs: 6_000);
        await client.WaitForConnectedAsync().Soon();
        using var late = new LateHeartbeat();
        Assert.True(SpinWait.SpinUntil(() => client.State == SessionState.Expired, FakeServer.Patience));
        Assert.True(client.SessionLost.IsCancellationRequested);
    }

    /// <summary>Runs something on this thread while the pool has none left.</summary>
    private static void WhileStarved(Action action)
    {
        ThreadPool.GetMinThreads(out int workers, out _);
        using var release = new ManualResetEventSlim();
        using var blocked = new CountdownEvent(4 * workers);
        ThreadPool.GetMaxThreads(out int mostBefore, out int ports);
        ThreadPool.SetMaxThreads(workers, ports);
        try
        {
            for (int i = 0; i < 4 * workers; i++)
            {
                ThreadPool.UnsafeQueueUserWorkItem(_ =>
                {
                    release.Wait();
                    blocked.Signal();
                }, null);
            }

            action();
        }
        finally
        {
            release.Set();
            ThreadPool.SetMaxThreads(mostBefore, ports);
            blocked.Wait();
        }
    }

    /// <summary>Keeps the thread that beats for all sessions from going on.</summary>
    private sealed class LateHeartbeat : IHeartbeatTarget, IDisposable
    {
        private readonly ManualResetEventSlim _release = new();
        private readonly ManualResetEventSlim _caught = new();

        public LateHeartbeat()
        {
            HeartbeatThread.Register(this);
            _caught.Wait(FakeServer.Patience);
        }

        public long Beat(long nowMs)
        {
            _caught.Set();
            _release.Wait();
            return long.MaxValue;
        }

        public void Dispose()
        {
            HeartbeatThread.Unregister(this);
            _release.Set();
        }
    }
}
