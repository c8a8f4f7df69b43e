using System.Collections.Concurrent;

namespace Orleans.Coord.Recipes.Tests.WithServer;

public sealed class PartitionerTests : RecipeTest
{
    private const int Partitions = 7;

    [ServerFact]
    public async Task Every_partition_is_worked_on_by_one_worker_at_a_time_while_workers_come_and_go()
    {
        var board = new Board();
        CoordClient[] clients = await NewClientsAsync(3);
        using var stopAll = new CancellationTokenSource();
        using var stopFirst = CancellationTokenSource.CreateLinkedTokenSource(stopAll.Token);
        Task first = RunAsync(clients[0], "a", board, stopFirst.Token);
        await board.UntilAsync(owners => owners.Count == Partitions && owners.Values.All(owner => owner == "a"));
        Task second = RunAsync(clients[1], "b", board, stopAll.Token);
        Task third = RunAsync(clients[2], "c", board, stopAll.Token);
        await board.UntilAsync(owners => Shares(owners) is [2, 2, 3]);
        await stopFirst.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first.Soon());
        await board.UntilAsync(owners => Shares(owners) is [3, 4]);
        await clients[1].DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => second.Soon());
        await board.UntilAsync(owners => Shares(owners) is [7]);
        await stopAll.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => third.Soon());
        Assert.Empty(board.Owners);
        Assert.Equal(0, board.Violations);
    }

    [ServerFact]
    public async Task Work_that_fails_ends_the_worker_with_its_error()
    {
        var partitioner = new CoordPartitioner(Client, "/work", Partitions);
        Task working = partitioner.RunAsync(
            "a",
            (partition, _, lost) => partition == 3
                ? throw new InvalidOperationException("boom")
                : Task.Delay(Timeout.Infinite, lost),
            CancellationToken.None);
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => working.Soon());
        Assert.Equal("boom", error.Message);
        await ChildrenAsync("/work/workers", 0);
    }

    [ServerFact]
    public async Task A_worker_whose_work_failed_has_ended_all_of_it()
    {
        var started = new TaskCompletionSource();
        bool ended = false;
        Task working = new CoordPartitioner(Client, "/work", 2).RunAsync(
            "a",
            async (partition, _, lost) =>
            {
                if (partition == 0)
                {
                    await started.Task;
                    throw new InvalidOperationException("boom");
                }

                started.SetResult();
                await Task.Delay(Timeout.Infinite, lost).ContinueWith(static _ => { }, TaskScheduler.Default);
                for (int i = 0; i < 20; i++)
                {
                    await Client.SyncAsync(cancellation: CancellationToken.None);
                }

                ended = true;
            },
            CancellationToken.None);
        await Assert.ThrowsAsync<InvalidOperationException>(() => working.Soon());
        Assert.True(ended);
    }

    private static int[] Shares(ConcurrentDictionary<int, string> owners) => owners.Count < Partitions
        ? []
        : [.. owners.Values.GroupBy(owner => owner).Select(group => group.Count()).Order()];

    private static Task RunAsync(CoordClient client, string name, Board board, CancellationToken stop) =>
        new CoordPartitioner(client, "/work", Partitions).RunAsync(
            name, (partition, handle, lost) => board.WorkAsync(name, partition, handle, lost), stop);

    private sealed class Board
    {
        private readonly ConcurrentDictionary<int, long> _tokens = [];
        private int _violations;

        public ConcurrentDictionary<int, string> Owners { get; } = [];

        public int Violations => Volatile.Read(ref _violations);

        public async Task WorkAsync(string name, int partition, CoordHandle handle, CancellationToken lost)
        {
            bool rises = !_tokens.TryGetValue(partition, out long last) || last < handle.FencingToken;
            _tokens[partition] = handle.FencingToken;
            if (!Owners.TryAdd(partition, name) || !rises)
            {
                Interlocked.Increment(ref _violations);
            }

            try
            {
                await Task.Delay(Timeout.Infinite, lost);
            }
            finally
            {
                Owners.TryRemove(new(partition, name));
            }
        }

        public async Task UntilAsync(Func<ConcurrentDictionary<int, string>, bool> holds)
        {
            using var limit = new CancellationTokenSource(Patience);
            while (!holds(Owners))
            {
                await Task.Delay(5, limit.Token);
            }
        }
    }
}
