namespace Orleans.Coord.Recipes.Tests.WithServer;

public sealed class BarrierTests : RecipeTest
{
    private const string Path = "/barriers/a";

    [ServerFact]
    public async Task A_barrier_holds_all_back_until_it_is_removed()
    {
        CoordClient[] clients = await NewClientsAsync(3);
        var barrier = new CoordBarrier(Client, Path);
        await barrier.WaitAsync().Soon();
        await barrier.SetAsync();
        await barrier.SetAsync();
        Task[] waiting = [.. clients.Select(client => new CoordBarrier(client, Path).WaitAsync())];
        await Task.WhenAll(clients.Select(client => client.SyncAsync()));
        Assert.All(waiting, wait => Assert.False(wait.IsCompleted));
        using var stop = new CancellationTokenSource();
        Task impatient = barrier.WaitAsync(stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => impatient);
        await barrier.RemoveAsync();
        await barrier.RemoveAsync();
        await Task.WhenAll(waiting).Soon();
    }

    [ServerFact]
    public async Task A_double_barrier_keeps_all_together_round_after_round()
    {
        const int Rounds = 6;
        CoordClient[] clients = await NewClientsAsync(5);
        int[] entering = new int[Rounds], leaving = new int[Rounds];
        await Task.WhenAll(clients.Select(async client =>
        {
            var barrier = new CoordDoubleBarrier(client, Path, clients.Length);
            for (int round = 0; round < Rounds; round++)
            {
                Interlocked.Increment(ref entering[round]);
                await barrier.EnterAsync();
                Assert.Equal(clients.Length, Volatile.Read(ref entering[round]));
                Interlocked.Increment(ref leaving[round]);
                await barrier.LeaveAsync();
                Assert.Equal(clients.Length, Volatile.Read(ref leaving[round]));
            }
        })).Soon();
        await ChildrenAsync(Path, 0);
    }

    [ServerFact]
    public async Task A_participant_that_gives_up_or_is_lost_does_not_hold_the_others()
    {
        CoordClient[] clients = await NewClientsAsync(2);
        var barrier = new CoordDoubleBarrier(clients[0], Path, 2);
        await Assert.ThrowsAsync<TimeoutException>(() => barrier.EnterAsync(TimeSpan.FromMilliseconds(20)));
        await ChildrenAsync(Path, 0);
        await Assert.ThrowsAsync<InvalidOperationException>(() => barrier.LeaveAsync());

        await Task.WhenAll(barrier.EnterAsync(), new CoordDoubleBarrier(clients[1], Path, 2).EnterAsync()).Soon();
        await Assert.ThrowsAsync<InvalidOperationException>(() => barrier.EnterAsync());
        Task leaving = barrier.LeaveAsync();
        await clients[1].DisposeAsync();
        await leaving.Soon();
        await ChildrenAsync(Path, 0);
    }
}
