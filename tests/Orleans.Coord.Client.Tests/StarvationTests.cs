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

        // Everything below up to the release runs on this thread: the pool has none left.
        ThreadPool.GetMinThreads(out int workers, out _);
        var release = new ManualResetEventSlim();
        ThreadPool.GetMaxThreads(out int mostBefore, out int ports);
        ThreadPool.SetMaxThreads(workers, ports);
        try
        {
            for (int i = 0; i < 4 * workers; i++)
            {
                ThreadPool.UnsafeQueueUserWorkItem(_ => release.Wait(), null);
            }

            connection.AnswerPingsSynchronously(count: 4);
            Assert.False(client.SessionLost.IsCancellationRequested);
        }
        finally
        {
            release.Set();
            ThreadPool.SetMaxThreads(mostBefore, ports);
        }

        Assert.Equal(SessionState.Connected, client.State);
    }
}
