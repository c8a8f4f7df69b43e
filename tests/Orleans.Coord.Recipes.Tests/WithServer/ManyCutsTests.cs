namespace Orleans.Coord.Recipes.Tests.WithServer;

/// <summary>A read of the client's own is given up after eight connections; recipes go on.</summary>
public sealed class ManyCutsTests : RecipeTest
{
    private const int Cuts = 12;
    private const string Path = "/many/a";

    [ServerFact]
    public async Task Waiting_for_a_lock_goes_on()
    {
        await using CoordHandle blocker = await new CoordLock(Client, Path).AcquireAsync();
        using var proxy = new FaultProxy(Server) { AnswersPerConnection = 2, MostCuts = 0 };
        CoordClient cut = await NewClientAsync(proxy);
        BeginToCut(proxy);
        Task<CoordHandle> waiting = new CoordLock(cut, Path).AcquireAsync();
        await UntilAllAreCutAsync(proxy);
        await blocker.DisposeAsync();
        CoordHandle handle = await waiting.Soon();
        Assert.True(handle.IsHeld);
    }

    [ServerFact]
    public async Task What_is_held_is_still_watched()
    {
        using var proxy = new FaultProxy(Server) { AnswersPerConnection = 2, MostCuts = 0 };
        CoordClient cut = await NewClientAsync(proxy);
        CoordHandle handle = await new CoordLock(cut, Path).AcquireAsync();
        BeginToCut(proxy);
        CancellationToken lost = handle.HandleLostToken;
        await UntilAllAreCutAsync(proxy);
        await cut.SyncAsync().Soon();
        Assert.False(lost.IsCancellationRequested);
        await Client.SyncAsync();
        await Client.DeleteAsync(handle.Path);
        await CancelledAsync(lost);
    }

    [ServerFact]
    public async Task A_cache_follows_on()
    {
        using var proxy = new FaultProxy(Server) { AnswersPerConnection = 3, MostCuts = 0 };
        CoordClient cut = await NewClientAsync(proxy);
        await using CoordTreeCache cache = await CoordTreeCache.StartAsync(cut, "/many");
        BeginToCut(proxy);
        await UntilAllAreCutAsync(proxy);
        await Client.EnsurePathAsync(Path);
        await foreach (IReadOnlyDictionary<string, ZnodeData> now in cache.WatchAsync())
        {
            if (now.ContainsKey(Path))
            {
                break;
            }
        }
    }

    private static void BeginToCut(FaultProxy proxy)
    {
        proxy.MostCuts = Cuts;
        proxy.Cut();
    }

    private static async Task UntilAllAreCutAsync(FaultProxy proxy)
    {
        using var limit = new CancellationTokenSource(Patience);
        while (proxy.Cuts < Cuts)
        {
            await Task.Delay(5, limit.Token);
        }
    }
}
