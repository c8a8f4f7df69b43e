namespace Orleans.Coord.Recipes.Tests.WithServer;

public sealed class LockTests : RecipeTest
{
    private const string Path = "/locks/a";

    [ServerFact]
    public async Task Sixteen_contenders_exclude_each_other_and_tokens_rise()
    {
        const int Rounds = 20;
        CoordClient[] clients = await NewClientsAsync(16);
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
        referee.AssertRising(16 * Rounds);
        await ChildrenAsync(Path, 0);
    }

    [ServerFact]
    public async Task Contenders_of_one_session_exclude_each_other_too()
    {
        var referee = new Referee();
        var mutex = new CoordLock(Client, Path);
        await Task.WhenAll(Enumerable.Range(0, 50).Select(async _ =>
        {
            await using CoordHandle handle = await mutex.AcquireAsync();
            await referee.VisitAsync(handle);
        })).Soon();
        referee.AssertRising(50);
    }

    [ServerFact]
    public async Task Grants_in_the_order_of_asking_and_wakes_one_waiter_each()
    {
        using var proxy = new FaultProxy(Server);
        CoordClient[] clients = await NewClientsAsync(10, proxy);
        CoordHandle first = await new CoordLock(Client, Path).AcquireAsync();
        var order = new List<int>();
        var waiters = new List<Task>();
        for (int i = 0; i < clients.Length; i++)
        {
            waiters.Add(TakeAsync(clients[i], i));
            await ChildrenAsync(Path, i + 2);
        }

        await first.DisposeAsync();
        await Task.WhenAll(waiters).Soon();
        Assert.Equal(Enumerable.Range(0, clients.Length), order);
        Assert.InRange(proxy.Events, 1, clients.Length);

        async Task TakeAsync(CoordClient client, int number)
        {
            await using CoordHandle handle = await new CoordLock(client, Path).AcquireAsync();
            order.Add(number);
        }
    }

    [ServerFact]
    public async Task Lists_holder_and_waiters()
    {
        await using CoordHandle holder = await LockOf("ann").AcquireAsync();
        using var stop = new CancellationTokenSource();
        Task<CoordHandle> waiter = LockOf("bob").AcquireAsync(null, stop.Token);
        await ChildrenAsync(Path, 2);
        IReadOnlyList<LockContender> contenders = await LockOf("").GetContendersAsync();
        Assert.Equal(["ann", "bob"], contenders.Select(contender => contender.Identifier));
        Assert.Equal(holder.FencingToken, contenders[0].FencingToken);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiter);

        CoordLock LockOf(string name) => new(Client, Path, new() { Identifier = name });
    }

    [ServerFact]
    public async Task Gives_up_in_time_and_leaves_no_node()
    {
        var mutex = new CoordLock(Client, Path);
        CoordHandle holder = await mutex.AcquireAsync();
        Assert.Null(await mutex.TryAcquireAsync());
        Assert.Null(await mutex.TryAcquireAsync(TimeSpan.FromMilliseconds(20)));
        await Assert.ThrowsAsync<TimeoutException>(() => mutex.AcquireAsync(TimeSpan.FromMilliseconds(20)));
        using var stop = new CancellationTokenSource();
        Task<CoordHandle> waiter = mutex.AcquireAsync(null, stop.Token);
        await ChildrenAsync(Path, 2);
        await stop.CancelAsync();
        OperationCanceledException cancelled =
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiter.Soon());
        Assert.Equal(stop.Token, cancelled.CancellationToken);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => mutex.TryAcquireAsync(default, new CancellationToken(canceled: true)));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            () => mutex.TryAcquireAsync(TimeSpan.FromSeconds(-5)));
        await ChildrenAsync(Path, 1);
        await holder.DisposeAsync();
        await ChildrenAsync(Path, 0);
        Assert.False(holder.IsHeld);
        await using CoordHandle? next = await mutex.TryAcquireAsync();
        Assert.True(next?.IsHeld);
    }

    [ServerFact]
    public async Task Who_waits_behind_one_that_gives_up_goes_on_waiting()
    {
        var mutex = new CoordLock(Client, Path);
        CoordHandle holder = await mutex.AcquireAsync();
        using var stop = new CancellationTokenSource();
        Task<CoordHandle> quitter = mutex.AcquireAsync(null, stop.Token);
        await ChildrenAsync(Path, 2);
        Task<CoordHandle> patient = mutex.AcquireAsync();
        await ChildrenAsync(Path, 3);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => quitter);
        await ChildrenAsync(Path, 2);
        Assert.Equal(2, (await mutex.GetContendersAsync()).Count);
        Assert.False(patient.IsCompleted);
        await holder.DisposeAsync();
        await (await patient.Soon()).DisposeAsync();
    }

    [ServerFact]
    public async Task Who_loses_the_place_in_the_line_takes_a_new_one()
    {
        var mutex = new CoordLock(Client, Path);
        CoordHandle holder = await mutex.AcquireAsync();
        Task<CoordHandle> waiter = mutex.AcquireAsync();
        await ChildrenAsync(Path, 2);
        string[] names = [.. (await Client.GetChildrenAsync(Path)).Names];
        string other = names.Single(name => !holder.Path.EndsWith(name, StringComparison.Ordinal));
        await Client.DeleteAsync($"{Path}/{other}");
        await holder.DisposeAsync();
        CoordHandle granted = await waiter.Soon();
        Assert.NotNull(await Client.ExistsAsync(granted.Path));
        await granted.DisposeAsync();
    }

    [ServerFact]
    public async Task Curators_names_take_part()
    {
        await using (CoordHandle ours =
            await new CoordLock(Client, Path, new() { Layout = LockLayout.Curator }).AcquireAsync())
        {
            Assert.Matches("/_c_[0-9a-f-]{36}-lock-[0-9]{10}$", ours.Path);
            Assert.Null(await new CoordLock(Client, Path).TryAcquireAsync());
        }

        await Client.CreateAsync($"{Path}/_c_x-lock-", mode: CreateMode.EphemeralSequential);
        Assert.Null(await new CoordLock(Client, Path).TryAcquireAsync());
    }

    [ServerFact]
    public async Task Guarded_writes_are_refused_when_another_hand_has_taken_the_lock_away()
    {
        await Client.CreateAsync("/data");
        CoordHandle holder = await new CoordLock(Client, Path).AcquireAsync();
        CancellationToken lost = holder.HandleLostToken;
        await holder.GuardedTransaction().Set("/data", Bytes("1")).CommitAsync();
        Assert.True(holder.IsHeld);
        await Client.DeleteAsync(holder.Path);
        await CancelledAsync(lost);
        Assert.False(holder.IsHeld);
        TransactionFailedException refused = await Assert.ThrowsAsync<TransactionFailedException>(
            () => holder.GuardedTransaction().Set("/data", Bytes("2")).CommitAsync());
        Assert.Equal((CoordErrorCode.NoNode, 0), (refused.Code, refused.FailedIndex));
        Assert.Equal("1", (await Client.GetAsync("/data")).Data.Text());
        await holder.DisposeAsync();
    }

    [ServerFact]
    public async Task Giving_back_does_not_fire_the_lost_token()
    {
        var mutex = new CoordLock(Client, Path);
        CoordHandle holder = await mutex.AcquireAsync();
        CancellationToken lost = holder.HandleLostToken;
        await holder.DisposeAsync();
        await holder.DisposeAsync();
        await (await mutex.AcquireAsync()).DisposeAsync();
        Assert.False(lost.IsCancellationRequested);
        Assert.False(holder.IsHeld);
    }
}
