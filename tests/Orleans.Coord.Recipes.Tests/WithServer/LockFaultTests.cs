namespace Orleans.Coord.Recipes.Tests.WithServer;

/// <summary>What a lock does when its connection or its session goes.</summary>
public sealed class LockFaultTests : RecipeTest
{
    private const string Path = "/locks/a";

    [ServerFact]
    public Task Cancelled_while_the_create_is_under_way_leaves_no_node() =>
        CancelDuringCreateAsync(static proxy => proxy.Resume());

    [ServerFact]
    public Task Cancelled_and_cut_off_while_the_create_is_under_way_leaves_no_node() =>
        CancelDuringCreateAsync(static proxy => proxy.Cut());

    [ServerFact]
    public async Task Finds_its_node_again_when_the_answer_to_the_create_is_lost()
    {
        using var proxy = new FaultProxy(Server);
        CoordClient cut = await NewClientAsync(proxy);
        await Client.EnsurePathAsync(Path);
        proxy.StallAnswers();
        Task<CoordHandle> acquire = new CoordLock(cut, Path).AcquireAsync();
        await ChildrenAsync(Path, 1);
        proxy.Cut();
        CoordHandle handle = await acquire.Soon();
        string only = Assert.Single((await Client.GetChildrenAsync(Path)).Names);
        Assert.Equal($"{Path}/{only}", handle.Path);
        Assert.Equal((await Client.ExistsAsync(handle.Path))!.Value.Czxid, handle.FencingToken);
        Assert.True(handle.IsHeld);
        proxy.StallAnswers();
        Task release = handle.DisposeAsync().AsTask();
        await ChildrenAsync(Path, 0);
        proxy.Cut();
        await release.Soon();
    }

    [ServerFact]
    public async Task Connections_cut_again_and_again_break_neither_exclusion_nor_order()
    {
        const int Rounds = 10;
        using var proxy = new FaultProxy(Server) { AnswersPerConnection = 7 };
        CoordClient[] clients = await NewClientsAsync(6, proxy);
        var referee = new Referee();
        await Task.WhenAll(clients.Select(async client =>
        {
            var mutex = new CoordLock(client, Path);
            for (int i = 0; i < Rounds; i++)
            {
                await using CoordHandle handle = await mutex.AcquireAsync();
                await referee.VisitAsync(handle);
            }
        })).Soon();
        referee.AssertRising(6 * Rounds);
        Assert.True(proxy.Cuts > 10, $"{proxy.Cuts} cuts");
        await ChildrenAsync(Path, 0);
    }

    [ServerFact]
    public async Task The_lost_token_fires_before_the_next_holder_is_granted()
    {
        using var proxy = new FaultProxy(Server);
        CoordClient frozen = await NewClientAsync(proxy, timeoutSeconds: 4);
        CoordHandle old = await new CoordLock(frozen, Path).AcquireAsync();
        CancellationToken lost = old.HandleLostToken;
        await Client.CreateAsync("/data", Bytes("start"));
        Task<CoordHandle> waiting = new CoordLock(Client, Path).AcquireAsync();
        await ChildrenAsync(Path, 2);

        proxy.Stall();
        Task late = old.GuardedTransaction().Set("/data", Bytes("late")).CommitAsync();
        CoordHandle next = await waiting.Soon();
        Assert.True(lost.IsCancellationRequested);
        Assert.False(old.IsHeld);
        Assert.True(next.FencingToken > old.FencingToken);
        await next.GuardedTransaction().Set("/data", Bytes("new")).CommitAsync();

        proxy.Resume();
        // Its connection was given up before its session: the client cannot tell, the znode can.
        await Assert.ThrowsAnyAsync<CoordException>(() => late.Soon());
        await Assert.ThrowsAsync<SessionLostException>(
            () => old.GuardedTransaction().Set("/data", Bytes("later")).CommitAsync());
        Assert.Equal("new", (await Client.GetAsync("/data")).Data.Text());
        await old.DisposeAsync();
        await next.DisposeAsync();
    }

    [ServerFact]
    public async Task The_end_of_the_session_ends_waiting_and_holding()
    {
        CoordClient other = await NewClientAsync();
        CoordHandle held = await new CoordLock(other, "/locks/b").AcquireAsync();
        CoordHandle blocker = await new CoordLock(Client, Path).AcquireAsync();
        Task<CoordHandle> waiting = new CoordLock(other, Path).AcquireAsync();
        await ChildrenAsync(Path, 2);
        await other.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting.Soon());
        Assert.True(held.HandleLostToken.IsCancellationRequested);
        await ChildrenAsync("/locks/b", 0);
        await ChildrenAsync(Path, 1);
        await held.DisposeAsync();
        await blocker.DisposeAsync();
    }

    // The znode is there, its session does not know yet, and nobody waits for it any more.
    private async Task CancelDuringCreateAsync(Action<FaultProxy> goOn)
    {
        using var proxy = new FaultProxy(Server);
        CoordClient slow = await NewClientAsync(proxy);
        await Client.EnsurePathAsync(Path);
        using var stop = new CancellationTokenSource();
        proxy.StallAnswers();
        Task<CoordHandle> acquire = new CoordLock(slow, Path).AcquireAsync(null, stop.Token);
        await ChildrenAsync(Path, 1);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => acquire.Soon());
        goOn(proxy);
        await ChildrenAsync(Path, 0);
    }
}
