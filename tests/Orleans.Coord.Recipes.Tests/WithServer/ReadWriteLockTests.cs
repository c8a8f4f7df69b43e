namespace Orleans.Coord.Recipes.Tests.WithServer;

public sealed class ReadWriteLockTests : RecipeTest
{
    private const string Path = "/rw";

    [ServerFact]
    public async Task Readers_share_and_a_waiting_writer_holds_later_readers_back()
    {
        var both = new CoordReadWriteLock(Client, Path);
        CoordHandle first = await both.AcquireReadAsync();
        CoordHandle second = await both.AcquireReadAsync();
        Assert.Null(await both.TryAcquireWriteAsync());
        Task<CoordHandle> writing = both.AcquireWriteAsync();
        await ChildrenAsync(Path, 3);
        Assert.Null(await both.TryAcquireReadAsync());
        Task<CoordHandle> reading = both.AcquireReadAsync();
        await ChildrenAsync(Path, 4);
        await second.DisposeAsync();
        await ChildrenAsync(Path, 3);
        Assert.False(writing.IsCompleted);
        await first.DisposeAsync();
        CoordHandle writer = await writing.Soon();
        Assert.False(reading.IsCompleted);
        await writer.DisposeAsync();
        CoordHandle reader = await reading.Soon();
        Assert.True(reader.FencingToken > writer.FencingToken);
        await reader.DisposeAsync();
        await using CoordHandle? free = await both.TryAcquireWriteAsync();
        Assert.NotNull(free);
    }

    [ServerFact]
    public async Task A_reader_that_gives_up_leaves_the_way_free()
    {
        var both = new CoordReadWriteLock(Client, Path);
        CoordHandle writer = await both.AcquireWriteAsync();
        Assert.Null(await both.TryAcquireReadAsync(TimeSpan.FromMilliseconds(20)));
        await Assert.ThrowsAsync<TimeoutException>(() => both.AcquireReadAsync(TimeSpan.FromMilliseconds(1)));
        await Assert.ThrowsAsync<TimeoutException>(() => both.AcquireWriteAsync(TimeSpan.FromMilliseconds(1)));
        await writer.DisposeAsync();
        await ChildrenAsync(Path, 0);
    }

    [ServerTheory]
    [InlineData(LockLayout.Kazoo)]
    [InlineData(LockLayout.Curator)]
    public async Task Writers_are_alone(LockLayout layout)
    {
        CoordClient[] clients = await NewClientsAsync(6);
        int readers = 0;
        var referee = new Referee();
        await Task.WhenAll(clients.Select(async (client, number) =>
        {
            var both = new CoordReadWriteLock(client, Path, new() { Layout = layout });
            for (int i = 0; i < 15; i++)
            {
                if (number < 2)
                {
                    await using CoordHandle writer = await both.AcquireWriteAsync();
                    Assert.Equal(0, Volatile.Read(ref readers));
                    await referee.VisitAsync(writer);
                    Assert.Equal(0, Volatile.Read(ref readers));
                    continue;
                }

                await using CoordHandle reader = await both.AcquireReadAsync();
                Interlocked.Increment(ref readers);
                await Task.Yield();
                Interlocked.Decrement(ref readers);
            }
        })).Soon();
        referee.AssertRising(30);
        await ChildrenAsync(Path, 0);
    }
}
