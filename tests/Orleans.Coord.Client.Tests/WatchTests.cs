using Orleans.Coord.Jute;
using static Orleans.Coord.Client.Tests.Bodies;

namespace Orleans.Coord.Client.Tests;

public sealed class WatchTests
{
    [Fact]
    public async Task One_shot_watches_are_set_again_on_the_next_connection_with_the_zxid_last_seen()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient("/root");
        Watched<ZnodeData?> data;
        Watched<Stat?> missing;
        Watched<ZnodeChildren?> children;
        using (FakeConnection first = await server.WelcomeAsync())
        {
            Task<Watched<ZnodeData?>> get = client.GetAndWatchAsync("/d");
            Task<Watched<Stat?>> exists = client.ExistsAndWatchAsync("/e");
            Task<Watched<ZnodeChildren?>> list = client.GetChildrenAndWatchAsync("/c");
            FakeRequest request = await first.ExpectAsync(OpCode.GetData);
            Assert.Equal(("/root/d", true), (request.Path, request.Watch));
            await first.ReplyAsync(request, 30, Data("1"));
            await first.ReplyAsync(await first.ExpectAsync(OpCode.Exists), CoordErrorCode.NoNode);
            await first.ReplyAsync(await first.ExpectAsync(OpCode.GetChildren2), 31, Children(5, "x"));
            (data, missing, children) = (await get.Soon(), await exists.Soon(), await list.Soon());
        }

        using FakeConnection second = await server.WelcomeAsync();
        FakeRequest set = await second.ExpectAsync(OpCode.SetWatches);
        Assert.Equal("31|/root/d|/root/e|/root/c", Describe(set));
        await second.SendEventAsync(WatchEventKind.DataChanged, "/root/d");
        await second.ReplyAsync(set, 0);
        await second.SendEventAsync(WatchEventKind.Created, "/root/e");
        await second.SendEventAsync(WatchEventKind.ChildrenChanged, "/root/c");
        Assert.Equal(new WatchEvent(WatchEventKind.DataChanged, "/d", -1), await data.Changed.Soon());
        Assert.Equal(new WatchEvent(WatchEventKind.Created, "/e", -1), await missing.Changed.Soon());
        Assert.Equal(new WatchEvent(WatchEventKind.ChildrenChanged, "/c", -1), await children.Changed.Soon());
    }

    [Fact]
    public async Task A_read_that_finds_nothing_leaves_no_watch_behind()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient();
        using (FakeConnection first = await server.WelcomeAsync())
        {
            Task<Watched<ZnodeData>?> missing = client.TryGetAndWatchAsync("/a");
            Task<Watched<ZnodeData>?> present = client.TryGetAndWatchAsync("/b");
            await first.ReplyAsync(await first.ExpectAsync(OpCode.GetData), CoordErrorCode.NoNode);
            await first.ReplyAsync(await first.ExpectAsync(OpCode.GetData), 7, Data("1"));
            Assert.Null(await missing.Soon());
            Assert.Equal("1", (await present.Soon())!.Value.Value.Text());
        }

        using FakeConnection second = await server.WelcomeAsync();
        Assert.Equal("7|/b||", Describe(await second.ExpectAsync(OpCode.SetWatches)));
    }

    [Fact]
    public async Task A_delete_ends_all_kinds_of_one_shot_watches()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient();
        using FakeConnection connection = await server.WelcomeAsync();
        Task<Watched<ZnodeData?>> get = client.GetAndWatchAsync("/a");
        Task<Watched<ZnodeChildren?>> list = client.GetChildrenAndWatchAsync("/a");
        await connection.ReplyAsync(await connection.ExpectAsync(OpCode.GetData), 1, Data("1"));
        await connection.ReplyAsync(await connection.ExpectAsync(OpCode.GetChildren2), 1, Children(1));
        await connection.SendEventAsync(WatchEventKind.Deleted, "/a");
        Assert.Equal(WatchEventKind.Deleted, (await (await get.Soon()).Changed.Soon()).Kind);
        Assert.Equal(WatchEventKind.Deleted, (await (await list.Soon()).Changed.Soon()).Kind);
    }

    [Fact]
    public async Task A_stream_of_data_yields_the_last_value_over_a_reconnect_and_no_value_twice()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient();
        await using IAsyncEnumerator<ZnodeData?> stream = client.WatchDataAsync("/a").GetAsyncEnumerator();
        Task<bool> moved = stream.MoveNextAsync().AsTask();
        using (FakeConnection first = await server.WelcomeAsync())
        {
            await first.ReplyAsync(await first.ExpectAsync(OpCode.GetData), 5, Data("1", mzxid: 5));
            Assert.True(await moved.Soon());
            Assert.Equal("1", stream.Current.Text());
            moved = stream.MoveNextAsync().AsTask();
        }

        using FakeConnection second = await server.WelcomeAsync();
        FakeRequest set = await second.ExpectAsync(OpCode.SetWatches);
        await second.SendEventAsync(WatchEventKind.DataChanged, "/a");
        await second.ReplyAsync(set, 0);
        await second.ReplyAsync(await second.ExpectAsync(OpCode.GetData), 6, Data("1", mzxid: 5));
        await second.SendEventAsync(WatchEventKind.DataChanged, "/a");
        await second.ReplyAsync(await second.ExpectAsync(OpCode.GetData), 9, Data("2", mzxid: 9));
        Assert.True(await moved.Soon());
        Assert.Equal("2", stream.Current.Text());
    }

    [Fact]
    public async Task A_persistent_watch_is_set_again_and_its_stream_told_to_read()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient();
        await using IAsyncEnumerator<WatchEvent> stream =
            client.WatchAsync("/a", WatchScope.Subtree).GetAsyncEnumerator();
        Task<bool> moved = stream.MoveNextAsync().AsTask();
        using (FakeConnection first = await server.WelcomeAsync())
        {
            await first.ReplyAsync(await first.ExpectAsync(OpCode.AddWatch), 1, writer => writer.WriteInt(0));
            Assert.True(await moved.Soon());
            Assert.Equal(WatchEventKind.Resync, stream.Current.Kind);
            await first.SendEventAsync(WatchEventKind.Created, "/a/b/c");
            Assert.Equal(new WatchEvent(WatchEventKind.Created, "/a/b/c", -1), await stream.NextAsync());
        }

        using FakeConnection second = await server.WelcomeAsync();
        FakeRequest set = await second.ExpectAsync(OpCode.SetWatches2);
        Assert.Equal("1|||||/a", Describe(set));
        await second.ReplyAsync(set, 0);
        Assert.Equal(WatchEventKind.Resync, (await stream.NextAsync()).Kind);
        await second.SendEventAsync(WatchEventKind.Deleted, "/a");
        Assert.Equal(new WatchEvent(WatchEventKind.Deleted, "/a", -1), await stream.NextAsync());
    }

    [Fact]
    public async Task A_slow_consumer_gets_a_resync_in_place_of_what_was_dropped()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient(configure: o => o.WatchBufferCapacity = 3);
        await using IAsyncEnumerator<WatchEvent> stream = client.WatchAsync("/a").GetAsyncEnumerator();
        Task<bool> moved = stream.MoveNextAsync().AsTask();
        using FakeConnection connection = await server.WelcomeAsync();
        await connection.ReplyAsync(await connection.ExpectAsync(OpCode.AddWatch), 1, writer => writer.WriteInt(0));
        Assert.True(await moved.Soon());
        for (int i = 0; i < 4; i++)
        {
            await connection.SendEventAsync(WatchEventKind.DataChanged, "/a");
        }

        await connection.SendEventAsync(WatchEventKind.Deleted, "/a");
        Task<Stat?> fence = client.ExistsAsync("/x");
        await connection.ReplyAsync(await connection.ExpectAsync(OpCode.Exists), CoordErrorCode.NoNode);
        await fence.Soon();
        Assert.Equal(WatchEventKind.Resync, (await stream.NextAsync()).Kind);
        Assert.Equal(WatchEventKind.Deleted, (await stream.NextAsync()).Kind);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task However_far_its_consumer_falls_behind_a_stream_holds_no_more_than_its_capacity(int capacity)
    {
        var buffer = new WatchBuffer("/a", capacity);
        for (int i = 0; i < 100; i++)
        {
            buffer.Offer(new WatchEvent(WatchEventKind.DataChanged, "/a", i));
        }

        buffer.Fail(new InvalidOperationException("the end"));
        List<WatchEvent> held = [];
        await Assert.ThrowsAsync<InvalidOperationException>(async () =>
        {
            await foreach (WatchEvent what in buffer.ReadAllAsync(CancellationToken.None))
            {
                held.Add(what);
            }
        });
        Assert.InRange(held.Count, 1, capacity);
        Assert.Equal(WatchEventKind.Resync, held[0].Kind);
    }

    [Fact]
    public async Task Streams_go_on_however_many_connections_die_under_their_requests()
    {
        const int Cuts = 12, Streams = 3;
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient();
        await using IAsyncEnumerator<ZnodeData?> data = client.WatchDataAsync("/a").GetAsyncEnumerator();
        await using IAsyncEnumerator<ZnodeChildren?> children = client.WatchChildrenAsync("/b").GetAsyncEnumerator();
        await using IAsyncEnumerator<WatchEvent> events = client.WatchAsync("/c").GetAsyncEnumerator();
        Task<bool>[] moved =
        [
            data.MoveNextAsync().AsTask(), children.MoveNextAsync().AsTask(), events.MoveNextAsync().AsTask(),
        ];
        for (int i = 0; i < Cuts; i++)
        {
            using FakeConnection cut = await server.WelcomeAsync();
            for (int j = 0; j < Streams; j++)
            {
                await cut.NextAsync().Soon();
            }
        }

        using FakeConnection connection = await server.WelcomeAsync();
        for (int j = 0; j < Streams; j++)
        {
            FakeRequest request = await connection.NextAsync().Soon();
            await connection.ReplyAsync(request, 1, request.Code switch
            {
                OpCode.GetData => Data("1"),
                OpCode.GetChildren2 => Children(1, "x"),
                _ => static writer => writer.WriteInt(0),
            });
        }

        Assert.All(await Task.WhenAll(moved).Soon(), Assert.True);
        Assert.Equal("1", data.Current.Text());
        Assert.Equal(["x"], children.Current!.Names);
        Assert.Equal(WatchEventKind.Resync, events.Current.Kind);
    }

    [Fact]
    public async Task Reads_under_a_persistent_watch_set_no_one_shot_until_it_is_removed()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient();
        using FakeConnection connection = await server.WelcomeAsync();
        IAsyncEnumerator<WatchEvent> stream = client.WatchAsync("/a").GetAsyncEnumerator();
        Task<bool> moved = stream.MoveNextAsync().AsTask();
        await connection.ReplyAsync(await connection.ExpectAsync(OpCode.AddWatch), 1, writer => writer.WriteInt(0));
        Assert.True(await moved.Soon());
        Task<Watched<ZnodeData?>> covered = client.GetAndWatchAsync("/a");
        FakeRequest read = await connection.ExpectAsync(OpCode.GetData);
        Assert.False(read.Watch);
        await connection.ReplyAsync(read, 1, Data("1"));
        await stream.DisposeAsync();
        FakeRequest removal = await connection.ExpectAsync(OpCode.RemoveWatches);
        await connection.ReplyAsync(removal, 1);
        Assert.Equal(WatchEventKind.Resync, (await (await covered.Soon()).Changed.Soon()).Kind);
        Task<Watched<ZnodeData?>> uncovered = client.GetAndWatchAsync("/a");
        read = await connection.ExpectAsync(OpCode.GetData);
        Assert.True(read.Watch);
        await connection.ReplyAsync(read, 1, Data("1"));
        await uncovered.Soon();
    }

    [Fact]
    public async Task A_server_without_persistent_watches_gets_a_typed_error()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient();
        using FakeConnection connection = await server.WelcomeAsync();
        await using IAsyncEnumerator<WatchEvent> stream = client.WatchAsync("/a").GetAsyncEnumerator();
        Task<bool> moved = stream.MoveNextAsync().AsTask();
        await connection.ReplyAsync(await connection.ExpectAsync(OpCode.AddWatch), CoordErrorCode.Unimplemented);
        CoordException error = await Assert.ThrowsAsync<CoordException>(() => moved.Soon());
        Assert.Equal((CoordErrorCode.Unimplemented, "/a"), (error.Code, error.Path));
    }

    [Fact]
    public async Task Watches_end_with_the_session()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient();
        using FakeConnection connection = await server.WelcomeAsync();
        Task<Watched<Stat?>> look = client.ExistsAndWatchAsync("/a");
        await connection.ReplyAsync(await connection.ExpectAsync(OpCode.Exists), CoordErrorCode.NoNode);
        Watched<Stat?> missing = await look.Soon();
        await using IAsyncEnumerator<WatchEvent> stream = client.WatchAsync("/a").GetAsyncEnumerator();
        Task<bool> moved = stream.MoveNextAsync().AsTask();
        await connection.ExpectAsync(OpCode.AddWatch);
        connection.Dispose();
        using FakeConnection second = await server.WelcomeAsync(timeoutMs: 0, sessionId: 0);
        await Assert.ThrowsAsync<SessionLostException>(() => missing.Changed.Soon());
        await Assert.ThrowsAsync<SessionLostException>(() => moved.Soon());
    }

    private static string Describe(FakeRequest set)
    {
        var reader = new JuteReader(set.Body);
        string text = $"{reader.ReadLong()}";
        while (!reader.Rest.IsEmpty)
        {
            text += "|" + string.Join(',', reader.ReadTexts());
        }

        return text;
    }
}
