namespace Orleans.Coord.Recipes.Tests.WithServer;

/// <summary>Shared value, counter and sequence.</summary>
public sealed class ValueTests : RecipeTest
{
    [ServerFact]
    public async Task A_counter_counts_every_increment_once()
    {
        CoordClient[] clients = await NewClientsAsync(8);
        long[][] sums = await Task.WhenAll(clients.Select(async client =>
        {
            var counter = new CoordCounter(client, "/stats/hits");
            var own = new List<long>();
            for (int i = 0; i < 25; i++)
            {
                own.Add(await counter.IncrementAsync());
            }

            return own.ToArray();
        })).Soon();
        Assert.Equal(Enumerable.Range(1, 200).Select(i => (long)i), sums.SelectMany(own => own).Order());
        await Client.SyncAsync();
        Assert.Equal("200", (await Client.GetAsync("/stats/hits")).Data.Text());
    }

    [ServerFact]
    public async Task A_counter_over_cut_connections_counts_what_it_acknowledges_and_says_what_it_does_not_know()
    {
        using var proxy = new FaultProxy(Server) { AnswersPerConnection = 8 };
        CoordClient[] clients = await NewClientsAsync(4, proxy);
        int known = 0, unknown = 0;
        await Task.WhenAll(clients.Select(async client =>
        {
            var counter = new CoordCounter(client, "/n");
            for (int i = 0; i < 25; i++)
            {
                try
                {
                    await counter.IncrementAsync();
                    Interlocked.Increment(ref known);
                }
                catch (OutcomeUnknownException)
                {
                    Interlocked.Increment(ref unknown);
                }
            }
        })).Soon();
        Assert.True(proxy.Cuts > 0);
        Assert.Equal(100, known + unknown);
        await Client.SyncAsync();
        Assert.InRange(await new CoordCounter(Client, "/n").GetAsync(), known, known + unknown);
    }

    [ServerFact]
    public async Task A_counter_is_set_compared_and_bounded()
    {
        var counter = new CoordCounter(Client, "/n");
        Assert.Equal(0, await counter.GetAsync());
        Assert.False(await counter.TrySetAsync(5, expected: 1));
        Assert.True(await counter.TrySetAsync(5, expected: 0));
        Assert.True(await counter.TrySetAsync(-7, expected: 5));
        Assert.Equal(-10, await counter.AddAsync(-3));
        await counter.SetAsync(long.MaxValue);
        await Assert.ThrowsAsync<OverflowException>(() => counter.IncrementAsync());
        Assert.Equal(long.MaxValue, await counter.GetAsync());
        await Client.SetAsync("/n", Bytes("many"));
        await Assert.ThrowsAsync<FormatException>(() => counter.IncrementAsync());
    }

    [ServerFact]
    public async Task A_sequence_gives_no_number_twice_and_only_greater_ones()
    {
        using var proxy = new FaultProxy(Server) { AnswersPerConnection = 10 };
        CoordClient[] clients = await NewClientsAsync(4, proxy);
        long[][] given = await Task.WhenAll(clients.Select(async client =>
        {
            var sequence = new CoordSequence(client, "/ids/orders");
            var own = new List<long>();
            for (int i = 0; i < 30; i++)
            {
                own.Add(await sequence.NextAsync());
            }

            return own.ToArray();
        })).Soon();
        Assert.All(given, own => Assert.Equal(own.Order(), own));
        Assert.Equal(120, given.SelectMany(own => own).Distinct().Count());
        Assert.True(proxy.Cuts > 0);
    }

    [ServerFact]
    public async Task A_shared_value_loses_no_update()
    {
        var value = new SharedValue(Client, "/config/a");
        Assert.Null(await value.GetAsync());
        await using IAsyncEnumerator<ZnodeData?> seen = value.WatchAsync().GetAsyncEnumerator();
        Assert.Null(await seen.NextAsync());
        await value.SetAsync(Bytes("1"));
        Assert.Equal("1", (await seen.NextAsync())!.Data.Text());
        Assert.False(await value.TrySetAsync(Bytes("x"), expected: null));
        ZnodeData? old = await value.GetAsync();
        Assert.True(await value.TrySetAsync(Bytes("2"), old));
        Assert.False(await value.TrySetAsync(Bytes("3"), old));
        await Task.WhenAll(Enumerable.Range(0, 10).Select(
            _ => value.UpdateAsync(now => Bytes(now!.Value.Text() + "+"))));
        await value.UpdateAsync(now => Bytes(now!.Value.Text() + "!"));
        Assert.Equal("2++++++++++!", (await value.GetAsync())!.Data.Text());
        await value.SetAsync(Bytes("end"));
        Assert.Equal("end", (await value.GetAsync())!.Data.Text());
    }
}
