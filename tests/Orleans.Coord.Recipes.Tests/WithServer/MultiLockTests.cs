namespace Orleans.Coord.Recipes.Tests.WithServer;

public sealed class MultiLockTests : RecipeTest
{
    private static readonly string[] Names = ["/locks/c", "/locks/a", "/locks/b", "/locks/a"];

    [ServerFact]
    public async Task Holds_all_or_none()
    {
        CoordClient other = await NewClientAsync();
        var all = new CoordMultiLock(Client, Names);
        Assert.Equal(["/locks/a", "/locks/b", "/locks/c"], all.Paths);
        CoordHandle single = await new CoordLock(other, "/locks/b").AcquireAsync();
        Assert.Null(await all.TryAcquireAsync());
        await Assert.ThrowsAsync<TimeoutException>(() => all.AcquireAsync(TimeSpan.FromMilliseconds(50)));
        await ChildrenAsync("/locks/a", 0);

        Task<CoordMultiHandle> waiting = all.AcquireAsync();
        await ChildrenAsync("/locks/b", 2);
        await single.DisposeAsync();
        await using CoordMultiHandle handle = await waiting.Soon();
        Assert.True(handle.IsHeld);
        Assert.True(handle.FencingToken > single.FencingToken);
        Assert.True(handle.FencingToken > handle.Handles.Max(h => h.FencingToken));
        await other.SyncAsync();
        Assert.Null(await new CoordLock(other, "/locks/c").TryAcquireAsync());
        await handle.DisposeAsync();
        Assert.False(handle.IsHeld);
        await ChildrenAsync("/locks/c", 0);
    }

    [ServerFact]
    public async Task Of_two_that_share_a_lock_the_later_holder_has_the_greater_token_whoever_stood_in_line_first()
    {
        CoordClient[] clients = await NewClientsAsync(2);
        CoordHandle single = await new CoordLock(Client, "/l/b").AcquireAsync();
        Task<CoordMultiHandle> first = new CoordMultiLock(clients[0], ["/l/b", "/l/c"]).AcquireAsync();
        await ChildrenAsync("/l/b", 2);
        Task<CoordMultiHandle> second = new CoordMultiLock(clients[1], ["/l/a", "/l/b"]).AcquireAsync();
        await ChildrenAsync("/l/b", 3);

        // The first joins the line at c only now, after the second has joined all of its lines.
        await single.DisposeAsync();
        CoordMultiHandle earlier = await first.Soon();
        await earlier.DisposeAsync();
        await using CoordMultiHandle later = await second.Soon();
        Assert.True(later.FencingToken > earlier.FencingToken);
    }

    [ServerFact]
    public async Task Overlapping_ones_never_wait_in_a_circle_and_guard_their_writes()
    {
        const int Rounds = 15;
        CoordClient[] clients = await NewClientsAsync(3);
        await Client.CreateAsync("/n", Bytes("0"));
        string[][] paths = [["/l/a", "/l/b"], ["/l/b", "/l/c"], ["/l/c", "/l/a"]];
        await Task.WhenAll(clients.Zip(paths, async (client, mine) =>
        {
            var locks = new CoordMultiLock(client, mine);
            for (int i = 0; i < Rounds; i++)
            {
                await using CoordMultiHandle handle = await locks.AcquireAsync();
                await handle.GuardedTransaction().Set("/n", default).CommitAsync();
            }
        })).Soon();
        await Client.SyncAsync();
        Assert.Equal(3 * Rounds, (await Client.GetAsync("/n")).Stat.Version);
    }

    [ServerFact]
    public async Task Losing_one_is_losing_all()
    {
        await using CoordMultiHandle handle = await new CoordMultiLock(Client, Names).AcquireAsync();
        CancellationToken lost = handle.HandleLostToken;
        await Client.CreateAsync("/n");
        CoordClient other = await NewClientAsync();
        await other.SyncAsync();
        await other.DeleteAsync(handle.Handles[1].Path);
        await CancelledAsync(lost);
        Assert.False(handle.IsHeld);
        TransactionFailedException refused = await Assert.ThrowsAsync<TransactionFailedException>(
            () => handle.GuardedTransaction().Set("/n", default).CommitAsync());
        Assert.Equal(1, refused.FailedIndex);
    }
}
