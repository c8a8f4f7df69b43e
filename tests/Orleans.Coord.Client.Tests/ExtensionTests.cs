using Orleans.Coord.Jute;
using static Orleans.Coord.Client.Tests.Bodies;

namespace Orleans.Coord.Client.Tests;

/// <summary>Numbered writes, linearizable reads and the change history, and what becomes of them without.</summary>
public sealed class ExtensionTests
{
    private const string All = "orleans.coord 1\nnumbered-writes 1\nlinearizable-reads 1\nchange-history 1\nnew 7\n";

    [Fact]
    public async Task A_write_whose_answer_is_lost_is_sent_again_under_its_number()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient();
        Task<Stat> one, two;
        using (FakeConnection first = await server.WelcomeAsync(extensions: All))
        {
            one = client.SetAsync("/a", default);
            two = client.SetAsync("/b", default);
            Assert.Equal((1, 1, OpCode.SetData), Numbers(await first.ExpectAsync(OpCode.Numbered)));
            Assert.Equal((2, 1, OpCode.SetData), Numbers(await first.ExpectAsync(OpCode.Numbered)));
            Assert.True(client.HasKnownOutcomes);
        }

        using FakeConnection second = await server.WelcomeAsync(extensions: All);
        FakeRequest again = await second.ExpectAsync(OpCode.Numbered);
        Assert.Equal((1, 1, OpCode.SetData), Numbers(again));
        await second.ReplyAsync(again, 5, writer => writer.WriteStat(default));
        await one.Soon();
        again = await second.ExpectAsync(OpCode.Numbered);
        Assert.Equal((2, OpCode.SetData), (Numbers(again).Number, Numbers(again).Op));
        await second.ReplyAsync(again, CoordErrorCode.NoNode);
        Assert.Equal(CoordErrorCode.NoNode, (await Assert.ThrowsAsync<CoordException>(() => two.Soon())).Code);
        _ = client.DeleteAsync("/c");
        Assert.Equal((3, 3, OpCode.Delete), Numbers(await second.ExpectAsync(OpCode.Numbered)));
    }

    [Fact]
    public async Task A_write_that_waits_to_be_sent_again_when_its_session_ends_is_unknown()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient();
        Task<Stat> write;
        Task<ZnodeData> read;
        using (FakeConnection only = await server.WelcomeAsync(timeoutMs: 4_000, extensions: All))
        {
            write = client.SetAsync("/a", default);
            read = client.GetAsync("/a");
            await only.ExpectAsync(OpCode.Numbered);
            await only.ExpectAsync(OpCode.GetData);
            server.Dispose();
        }

        Assert.True((await Assert.ThrowsAsync<SessionLostException>(() => write.Soon())).OutcomeUnknown);
        Assert.False((await Assert.ThrowsAsync<SessionLostException>(() => read.Soon())).OutcomeUnknown);
    }

    [Fact]
    public async Task A_server_that_knows_no_numbers_is_not_sent_a_write_twice()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient();
        Task<Stat> set;
        using (FakeConnection first = await server.WelcomeAsync(extensions: All))
        {
            set = client.SetAsync("/a", default);
            await first.ExpectAsync(OpCode.Numbered);
        }

        using FakeConnection second = await server.WelcomeAsync();
        await Assert.ThrowsAsync<OutcomeUnknownException>(() => set.Soon());
        _ = client.SetAsync("/b", default);
        Assert.Equal("/b", (await second.ExpectAsync(OpCode.SetData)).Path);
    }

    [Fact]
    public async Task Writes_wait_when_the_server_can_keep_no_more_answers_and_go_on_with_the_next_answer()
    {
        const int Window = 1024;
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient();
        using FakeConnection connection = await server.WelcomeAsync(extensions: All);
        Task<Stat>[] sets = [.. Enumerable.Range(0, Window + 3).Select(_ => client.SetAsync("/a", default))];
        var sent = new Queue<FakeRequest>();
        while (sent.Count < Window)
        {
            sent.Enqueue(await connection.ExpectAsync(OpCode.Numbered));
        }

        for (int answered = 1; answered <= sets.Length; answered++)
        {
            await connection.ReplyAsync(sent.Dequeue(), answered, writer => writer.WriteStat(default));
            await sets[answered - 1].Soon();
            if (answered <= 3)
            {
                FakeRequest next = await connection.ExpectAsync(OpCode.Numbered);
                Assert.Equal((Window + answered, answered + 1, OpCode.SetData), Numbers(next));
                sent.Enqueue(next);
            }
        }
    }

    [Fact]
    public async Task Writes_that_were_cancelled_or_refused_here_do_not_fill_the_window()
    {
        const int Window = 1024;
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient(configure: options => options.MaxRequestBytes = 1_000);
        using var cancel = new CancellationTokenSource();
        Task<Stat>[] sets;
        using (FakeConnection first = await server.WelcomeAsync(extensions: All))
        {
            for (int i = 0; i < Window + 1; i++)
            {
                await Assert.ThrowsAsync<CoordException>(() => client.SetAsync("/a", new byte[2_000]).Soon());
            }

            sets = [.. Enumerable.Range(0, Window).Select(_ => client.SetAsync("/a", default, -1, cancel.Token))];
            for (int i = 1; i <= Window; i++)
            {
                Assert.Equal(i, Numbers(await first.ExpectAsync(OpCode.Numbered)).Number);
            }

            await cancel.CancelAsync();
        }

        Task<Stat> last = client.SetAsync("/b", default);
        using FakeConnection second = await server.WelcomeAsync(extensions: All);
        for (int i = 1; i <= Window + 1; i++)
        {
            FakeRequest request = await second.ExpectAsync(OpCode.Numbered);
            Assert.Equal(i, Numbers(request).Number);
            await second.ReplyAsync(request, i, OfStat());
        }

        await last.Soon();
        Assert.All(sets, set => Assert.True(set.IsCanceled));
    }

    [Fact]
    public async Task Writes_of_many_bytes_wait_as_well()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient();
        using FakeConnection connection = await server.WelcomeAsync(extensions: All);
        Task<Stat>[] sets = [.. Enumerable.Range(0, 3).Select(_ => client.SetAsync("/a", new byte[600_000]))];
        FakeRequest first = await connection.ExpectAsync(OpCode.Numbered);
        FakeRequest second = await connection.ExpectAsync(OpCode.Numbered);
        await connection.ReplyAsync(first, 1, writer => writer.WriteStat(default));
        FakeRequest third = await connection.ExpectAsync(OpCode.Numbered);
        Assert.Equal(2, Numbers(third).Lowest);
        await connection.ReplyAsync(second, 1, writer => writer.WriteStat(default));
        await connection.ReplyAsync(third, 1, writer => writer.WriteStat(default));
        await Task.WhenAll(sets).Soon();
    }

    [Fact]
    public async Task A_linearizable_read_is_one_request_or_a_sync_and_a_read()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient();
        Task<Stat?> read;
        using (FakeConnection first = await server.WelcomeAsync(extensions: All))
        {
            read = client.ExistsAsync("/a", ReadMode.Linearizable);
            FakeRequest request = await first.ExpectAsync(OpCode.LinearizableRead);
            Assert.Equal((int)OpCode.Exists, new JuteReader(request.Body).ReadInt());
        }

        using FakeConnection second = await server.WelcomeAsync();
        await second.ReplyAsync(await second.ExpectAsync(OpCode.Sync), 1, writer => writer.WriteString("/"));
        await second.ReplyAsync(await second.ExpectAsync(OpCode.Exists), CoordErrorCode.NoNode);
        Assert.Null(await read.Soon());
    }

    [Fact]
    public async Task Changes_are_asked_for_at_each_signal_until_there_are_no_more()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient("/root");
        using FakeConnection connection = await server.WelcomeAsync(extensions: All);
        await using IAsyncEnumerator<WatchEvent> changes = client.WatchSinceAsync("/a", 10).GetAsyncEnumerator();
        Task<bool> next = changes.MoveNextAsync().AsTask();
        await connection.ReplyAsync(await connection.ExpectAsync(OpCode.AddWatch), 1, writer => writer.WriteInt(0));
        await AnswerAsync(since: 10, upTo: 12, more: true, (11, 1, "/root/a"), (12, 3, "/root/a/b"));
        Assert.True(await next.Soon());
        Assert.Equal(new WatchEvent(WatchEventKind.Created, "/a", 11), changes.Current);
        Assert.True(await changes.MoveNextAsync().AsTask().Soon());
        Assert.Equal(new WatchEvent(WatchEventKind.DataChanged, "/a/b", 12), changes.Current);
        next = changes.MoveNextAsync().AsTask();
        await AnswerAsync(since: 12, upTo: 20, more: false);
        await connection.SendEventAsync(WatchEventKind.Deleted, "/root/a/b");
        await AnswerAsync(since: 20, upTo: 30, more: false, (25, 2, "/root/a/b"));
        Assert.True(await next.Soon());
        Assert.Equal(new WatchEvent(WatchEventKind.Deleted, "/a/b", 25), changes.Current);

        next = changes.MoveNextAsync().AsTask();
        await connection.SendEventAsync(WatchEventKind.Created, "/root/a/b");
        await connection.ReplyAsync(await connection.ExpectAsync(OpCode.GetChanges), CoordErrorCode.HistoryLost);
        await Assert.ThrowsAsync<HistoryLostException>(() => next.Soon());

        async Task AnswerAsync(long since, long upTo, bool more, params (long Zxid, int Kind, string Path)[] found)
        {
            FakeRequest request = await connection.ExpectAsync(OpCode.GetChanges);
            var reader = new JuteReader(request.Body);
            Assert.Equal("/root/a", reader.ReadText());
            Assert.Equal((1, since), (reader.ReadInt(), reader.ReadLong()));
            await connection.ReplyAsync(request, upTo, writer =>
            {
                writer.WriteInt(found.Length);
                foreach ((long zxid, int kind, string path) in found)
                {
                    writer.WriteLong(zxid);
                    writer.WriteInt(kind);
                    writer.WriteString(path);
                }

                writer.WriteLong(upTo);
                writer.WriteBool(more);
            });
        }
    }

    [Fact]
    public async Task ZooKeeper_is_not_asked_for_changes()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient();
        using FakeConnection connection = await server.WelcomeAsync();
        await using IAsyncEnumerator<WatchEvent> changes = client.WatchSinceAsync("/a", 0).GetAsyncEnumerator();
        Task<bool> next = changes.MoveNextAsync().AsTask();
        await connection.ReplyAsync(await connection.ExpectAsync(OpCode.AddWatch), 1, writer => writer.WriteInt(0));
        CoordException error = await Assert.ThrowsAsync<CoordException>(() => next.Soon());
        Assert.Equal((CoordErrorCode.Unimplemented, "/a"), (error.Code, error.Path));
        await connection.ExpectAsync(OpCode.RemoveWatches);
        Assert.False(client.HasChangeHistory);
    }

    [Fact]
    public async Task An_answer_about_extensions_that_cannot_be_read_ends_the_connection_only()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient();
        FakeConnection bad = await server.AcceptAsync();
        await bad.SendWelcomeAsync(60_000, FakeServer.SessionId);
        FakeRequest look = await bad.ExpectAsync(OpCode.GetData);
        await bad.ReplyAsync(look, 0, writer => writer.WriteInt(1_000));
        await bad.WaitForCloseAsync();
        using FakeConnection good = await server.WelcomeAsync();
        await client.WaitForConnectedAsync().Soon();
    }

    private static (long Number, long Lowest, OpCode Op) Numbers(FakeRequest request)
    {
        var reader = new JuteReader(request.Body);
        return (reader.ReadLong(), reader.ReadLong(), (OpCode)reader.ReadInt());
    }
}
