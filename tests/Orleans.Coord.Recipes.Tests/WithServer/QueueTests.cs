using System.Collections.Concurrent;

namespace Orleans.Coord.Recipes.Tests.WithServer;

public sealed class QueueTests : RecipeTest
{
    private const string Path = "/queues/a";

    [ServerTheory]
    [InlineData(0)]
    [InlineData(20)]
    public async Task Every_entry_is_completed_once(int answersPerConnection)
    {
        const int Producers = 3, Entries = 20;
        using var proxy = new FaultProxy(Server) { AnswersPerConnection = answersPerConnection };
        CoordClient[] consumers = await NewClientsAsync(4, proxy);
        var done = new ConcurrentQueue<string>();
        using var stop = new CancellationTokenSource();
        Task[] consuming = [.. consumers.Select(ConsumeAsync)];
        await Task.WhenAll(Enumerable.Range(0, Producers).Select(async producer =>
        {
            var queue = new CoordQueue(Client, Path);
            for (int i = 0; i < Entries; i++)
            {
                await queue.EnqueueAsync(Bytes($"{producer}.{i}"));
            }
        })).Soon();
        await ChildrenAsync($"{Path}/entries", 0);
        await stop.CancelAsync();
        await Task.WhenAll(consuming).Soon();
        Assert.Equal(Producers * Entries, done.Count);
        Assert.Equal(Producers * Entries, done.Distinct().Count());
        await ChildrenAsync($"{Path}/taken", 0);
        await ChildrenAsync($"{Path}/waiting", 0);
        Assert.Equal(answersPerConnection > 0, proxy.Cuts > 0);

        async Task ConsumeAsync(CoordClient client)
        {
            var queue = new CoordQueue(client, Path);
            try
            {
                while (true)
                {
                    await using QueueItem item = await queue.TakeAsync(null, stop.Token);
                    await item.CompleteAsync();
                    done.Enqueue(item.Data.Text());
                }
            }
            catch (OperationCanceledException)
            {
                // The test has seen the queue empty.
            }
        }
    }

    [ServerFact]
    public async Task Takes_by_priority_and_in_order()
    {
        var queue = new CoordQueue(Client, Path);
        Assert.Null(await queue.TryTakeAsync());
        Assert.Equal(0, await queue.CountAsync());
        await queue.EnqueueAsync(Bytes("b"));
        await queue.EnqueueAsync(Bytes("c"));
        await queue.EnqueueAsync(Bytes("a"), priority: 1);
        Assert.Equal(3, await queue.CountAsync());
        var seen = new List<string>();
        while (await queue.TryTakeAsync() is { } item)
        {
            seen.Add(item.Data.Text());
            await item.CompleteAsync();
        }

        Assert.Equal(["a", "b", "c"], seen);
        await Assert.ThrowsAsync<TimeoutException>(() => queue.TakeAsync(TimeSpan.FromMilliseconds(20)));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => queue.EnqueueAsync(default, 1000));
        await ChildrenAsync($"{Path}/waiting", 0);
    }

    [ServerFact]
    public async Task An_entry_whose_consumer_goes_is_taken_by_another_with_a_greater_token()
    {
        var queue = new CoordQueue(Client, Path);
        CoordClient doomed = await NewClientAsync();
        await queue.EnqueueAsync(Bytes("work"));
        QueueItem lost = await new CoordQueue(doomed, Path).TakeAsync();
        Task<QueueItem> waiting = queue.TakeAsync();
        await ChildrenAsync($"{Path}/waiting", 1);
        Assert.False(waiting.IsCompleted);
        await doomed.DisposeAsync();
        QueueItem again = await waiting.Soon();
        Assert.Equal("work", again.Data.Text());
        Assert.True(again.FencingToken > lost.FencingToken);
        Assert.True(lost.HandleLostToken.IsCancellationRequested);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => lost.CompleteAsync());
        Assert.True(again.IsHeld);
        await again.DisposeAsync();
        Assert.Equal(1, await queue.CountAsync());
    }

    [ServerFact]
    public async Task Completing_carries_other_writes_along_or_refuses_all()
    {
        var queue = new CoordQueue(Client, Path);
        await queue.EnqueueAsync(Bytes("work"));
        await Client.CreateAsync("/total", Bytes("0"));
        await using (QueueItem first = await queue.TakeAsync())
        {
            await Assert.ThrowsAsync<TransactionFailedException>(
                () => first.CompleteAsync(with => with.Set("/total", Bytes("1"), version: 9)));
            Assert.False(first.IsHeld);
        }

        QueueItem second = await queue.TakeAsync();
        await second.CompleteAsync(with => with.Set("/total", Bytes("1"), version: 0));
        Assert.Equal("1", (await Client.GetAsync("/total")).Data.Text());
        Assert.Equal(0, await queue.CountAsync());
        await Assert.ThrowsAsync<InvalidOperationException>(() => second.CompleteAsync());
    }

    [ServerFact]
    public async Task Completes_once_when_the_answer_is_lost()
    {
        using var proxy = new FaultProxy(Server);
        var queue = new CoordQueue(await NewClientAsync(proxy), Path);
        await queue.EnqueueAsync(Bytes("work"));
        QueueItem item = await queue.TakeAsync();
        proxy.StallAnswers();
        Task completing = item.CompleteAsync();
        await ChildrenAsync($"{Path}/entries", 0);
        proxy.Cut();
        await completing.Soon();
    }
}
