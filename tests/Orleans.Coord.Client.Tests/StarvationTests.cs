namespace Orleans.Coord.Client.Tests;

/// <summary>Takes the whole process's thread pool away, so it runs alone.</summary>
[CollectionDefinition(nameof(StarvationTests), DisableParallelization = true)]
[Collection(nameof(StarvationTests))]
public sealed class StarvationTests
{
    [Fact]
    public async Task A_starved_thread_pool_costs_no_session()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient();
        using FakeConnection connection = await server.WelcomeAsync(timeoutMs: 2_400);
        await client.WaitForConnectedAsync().Soon();

        WhileStarved(() =>
        {
            connection.AnswerPingsSynchronously(count: 4);
            Assert.False(client.SessionLost.IsCancellationRequested);
        });
        Assert.Equal(SessionState.Connected, client.State);
    }

    [Fact]
    public async Task A_starved_thread_pool_does_not_delay_the_news_of_a_lost_session()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient();
        using FakeConnection connection = await server.WelcomeAsync(timeoutMs: 1_000);
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
}
