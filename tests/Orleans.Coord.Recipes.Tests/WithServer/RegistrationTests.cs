namespace Orleans.Coord.Recipes.Tests.WithServer;

public sealed class RegistrationTests : RecipeTest
{
    [ServerFact]
    public async Task A_registration_comes_back_when_another_hand_deletes_it_and_after_a_lost_session()
    {
        using var proxy = new FaultProxy(Server);
        await using CoordClientSource source = NewSource(proxy.Address);
        await using CoordRegistration registration = CoordRegistration.Start(source, "/members/me", Bytes("here"));
        long first = await registration.WaitAsync().Soon();
        Assert.True(registration.IsRegistered);
        await Client.SyncAsync();
        Assert.Equal("here", (await Client.GetAsync("/members/me")).Data.Text());

        await Client.DeleteAsync("/members/me");
        long second = await ReplacedAsync(first);
        CoordClient lost = source.Current;
        proxy.Stall();
        await ChildrenAsync("/members", 0);
        proxy.Resume();
        proxy.Cut();
        long third = await ReplacedAsync(second);
        Assert.True(lost.SessionLost.IsCancellationRequested);
        Assert.Equal(third, await registration.WaitAsync().Soon());
        await registration.DisposeAsync();
        await ChildrenAsync("/members", 0);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => registration.WaitAsync());
    }

    [ServerFact]
    public async Task Services_are_found_where_they_registered()
    {
        await using CoordClientSource source = NewSource(Server);
        var directory = new CoordServiceDirectory(source);
        await using IAsyncEnumerator<IReadOnlyList<ServiceInstance>> lists =
            directory.WatchAsync("billing").GetAsyncEnumerator();
        Assert.Empty(await lists.NextAsync());
        var one = new ServiceInstance("i1", "10.0.0.1", 80, new Dictionary<string, string> { ["zone"] = "a" });
        CoordRegistration registration = directory.Register("billing", one);
        ServiceInstance found = await NextOfAsync(lists, 1);
        Assert.Equal((one.Id, one.Address, one.Port), (found.Id, found.Address, found.Port));
        Assert.Equal("a", found.Metadata!["zone"]);
        await Client.SyncAsync();
        await Client.CreateAsync("/services/billing/no-json", Bytes("{"));
        Assert.Equal("i1", Assert.Single(await directory.GetInstancesAsync("billing")).Id);
        await registration.DisposeAsync();
        while ((await lists.NextAsync()).Count > 0)
        {
        }
    }

    private static async Task<ServiceInstance> NextOfAsync(
        IAsyncEnumerator<IReadOnlyList<ServiceInstance>> lists, int count)
    {
        while (true)
        {
            if (await lists.NextAsync() is { } list && list.Count == count)
            {
                return list[0];
            }
        }
    }

    /// <summary>Waits until the znode is there with a later zxid.</summary>
    private async Task<long> ReplacedAsync(long czxid)
    {
        using var limit = new CancellationTokenSource(Patience);
        await foreach (ZnodeData? node in Client.WatchDataAsync("/members/me", limit.Token))
        {
            if (node?.Stat.Czxid > czxid)
            {
                return node.Stat.Czxid;
            }
        }

        throw new TimeoutException();
    }

    private CoordClientSource NewSource(string servers) => new(new CoordClientOptions
    {
        ConnectionString = servers + Root,
        SessionTimeout = TimeSpan.FromSeconds(4),
        ReconnectDelay = TimeSpan.FromMilliseconds(1),
    });
}
