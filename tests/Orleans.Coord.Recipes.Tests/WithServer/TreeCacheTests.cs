namespace Orleans.Coord.Recipes.Tests.WithServer;

public sealed class TreeCacheTests : RecipeTest
{
    [ServerFact]
    public async Task Holds_the_subtree_and_follows_it()
    {
        await using CoordTreeCache empty = await CoordTreeCache.StartAsync(Client, "/tree");
        Assert.Empty(empty.Znodes);
        await Client.CreateAsync("/tree", Bytes("root"));
        await Client.CreateAsync("/tree/a", Bytes("1"));
        await Client.CreateAsync("/treehouse");
        CoordClient reader = await NewClientAsync();
        await reader.SyncAsync();
        await using CoordTreeCache cache = await CoordTreeCache.StartAsync(reader, "/tree");
        Assert.Equal(["/tree", "/tree/a"], cache.Znodes.Keys);
        Assert.Equal("1", cache.Znodes["/tree/a"].Data.Text());
        IReadOnlyDictionary<string, ZnodeData> before = cache.Znodes;

        await Client.SetAsync("/tree/a", Bytes("2"));
        await Client.CreateAsync("/tree/a/b", Bytes("3"));
        await UntilAsync(cache, now => now.ContainsKey("/tree/a/b") && now["/tree/a"].Data.Text() == "2");
        await Client.DeleteRecursiveAsync("/tree");
        await UntilAsync(cache, now => now.Count == 0);
        await UntilAsync(empty, now => now.Count == 0);
        Assert.Equal(2, before.Count);
    }

    [ServerFact]
    public async Task Comes_to_the_same_content_over_cut_connections()
    {
        using var proxy = new FaultProxy(Server) { AnswersPerConnection = 12 };
        CoordClient reader = await NewClientAsync(proxy);
        await using CoordTreeCache cache = await CoordTreeCache.StartAsync(reader, "/tree").Soon();
        await Client.EnsurePathAsync("/tree");
        for (int i = 0; i < 60; i++)
        {
            await Client.CreateAsync($"/tree/n{i % 20}", Bytes($"{i}"));
            if (i >= 10)
            {
                await Client.DeleteAsync($"/tree/n{(i - 10) % 20}");
            }
        }

        string[] left = [.. (await Client.GetChildrenAsync("/tree")).Names.Select(name => "/tree/" + name)];
        await UntilAsync(cache, now => left.All(now.ContainsKey) && now.Count == left.Length + 1);
        Assert.True(proxy.Cuts > 2, $"{proxy.Cuts} cuts");
    }

    [ServerFact]
    public async Task Ends_when_there_are_too_many_or_the_session_is_lost()
    {
        await Client.CreateAsync("/tree");
        CoordClient reader = await NewClientAsync();
        await reader.SyncAsync();
        await using CoordTreeCache cache = await CoordTreeCache.StartAsync(reader, "/tree", maxZnodes: 2);
        await Client.CreateAsync("/tree/a");
        await Client.CreateAsync("/tree/b");
        await Assert.ThrowsAsync<InvalidOperationException>(() => cache.Completion.Soon());
        await reader.SyncAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(
            () => CoordTreeCache.StartAsync(reader, "/tree", maxZnodes: 2));
        await using CoordTreeCache other = await CoordTreeCache.StartAsync(reader, "/tree");
        await reader.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => other.Completion.Soon());
    }

    [ServerFact]
    public async Task Its_streams_end_when_it_is_disposed()
    {
        CoordTreeCache cache = await CoordTreeCache.StartAsync(Client, "/tree");
        await using IAsyncEnumerator<IReadOnlyDictionary<string, ZnodeData>> stream =
            cache.WatchAsync().GetAsyncEnumerator();
        Assert.Empty(await stream.NextAsync());
        await cache.DisposeAsync();
        Assert.False(await stream.MoveNextAsync().AsTask().Soon());
    }

    private static async Task UntilAsync(CoordTreeCache cache, Func<IReadOnlyDictionary<string, ZnodeData>, bool> holds)
    {
        using var limit = new CancellationTokenSource(Patience);
        await foreach (IReadOnlyDictionary<string, ZnodeData> now in cache.WatchAsync(limit.Token))
        {
            if (holds(now))
            {
                return;
            }
        }
    }
}
