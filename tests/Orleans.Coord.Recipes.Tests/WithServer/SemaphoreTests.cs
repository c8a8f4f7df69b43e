namespace Orleans.Coord.Recipes.Tests.WithServer;

public sealed class SemaphoreTests : RecipeTest
{
    private const string Path = "/pool/a";
    private const string Line = "/pool/a-__lock__";

    [ServerFact]
    public async Task Grants_as_many_places_as_there_are()
    {
        var semaphore = new CoordSemaphore(Client, Path, 2, "me");
        CoordHandle first = await semaphore.AcquireAsync();
        CoordHandle second = await semaphore.AcquireAsync();
        Assert.True(second.FencingToken > first.FencingToken);
        Assert.Null(await semaphore.TryAcquireAsync());
        await Assert.ThrowsAsync<TimeoutException>(() => semaphore.AcquireAsync(TimeSpan.FromMilliseconds(20)));
        Task<CoordHandle> waiting = semaphore.AcquireAsync();
        await ChildrenAsync(Line, 1);
        await first.DisposeAsync();
        CoordHandle third = await waiting.Soon();
        await ChildrenAsync(Line, 0);
        Assert.Equal("me", (await Client.GetAsync(third.Path)).Data.Text());
        await second.DisposeAsync();
        await third.DisposeAsync();
        Assert.Empty((await Client.GetChildrenAsync(Path)).Names);
    }

    [ServerFact]
    public async Task Never_lets_more_in_also_over_cut_connections()
    {
        using var proxy = new FaultProxy(Server) { AnswersPerConnection = 25 };
        CoordClient[] clients = await NewClientsAsync(8, proxy);
        int inside = 0, visits = 0;
        await Task.WhenAll(clients.Select(async client =>
        {
            var semaphore = new CoordSemaphore(client, Path, 3);
            for (int i = 0; i < 8; i++)
            {
                await using CoordHandle handle = await semaphore.AcquireAsync();
                Assert.InRange(Interlocked.Increment(ref inside), 1, 3);
                Interlocked.Increment(ref visits);
                await Task.Yield();
                Interlocked.Decrement(ref inside);
            }
        })).Soon();
        Assert.Equal(64, visits);
        Assert.True(proxy.Cuts > 0);
        await ChildrenAsync(Path, 0);
        await ChildrenAsync(Line, 0);
    }

    [ServerFact]
    public async Task Places_of_a_session_that_ends_are_free_again()
    {
        CoordClient other = await NewClientAsync();
        CoordHandle lost = await new CoordSemaphore(other, Path, 1).AcquireAsync();
        Task<CoordHandle> waiting = new CoordSemaphore(Client, Path, 1).AcquireAsync();
        await ChildrenAsync(Line, 1);
        await other.DisposeAsync();
        await using CoordHandle handle = await waiting.Soon();
        Assert.False(lost.IsHeld);
    }

    [ServerFact]
    public async Task Refuses_to_be_used_with_another_number_of_places()
    {
        await (await new CoordSemaphore(Client, Path, 2).AcquireAsync()).DisposeAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(() => new CoordSemaphore(Client, Path, 3).AcquireAsync());
    }

    [ServerFact]
    public async Task Giving_up_leaves_nothing_behind()
    {
        var semaphore = new CoordSemaphore(Client, Path, 1);
        CoordHandle holder = await semaphore.AcquireAsync();
        using var stop = new CancellationTokenSource();
        Task<CoordHandle>[] waiters =
            [.. Enumerable.Range(0, 3).Select(_ => semaphore.AcquireAsync(null, stop.Token))];
        await ChildrenAsync(Line, 3);
        await stop.CancelAsync();
        foreach (Task<CoordHandle> waiter in waiters)
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiter.Soon());
        }

        await ChildrenAsync(Line, 0);
        await holder.DisposeAsync();
        await ChildrenAsync(Path, 0);
    }
}
