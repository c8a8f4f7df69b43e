using Orleans.Coord.Jute;
using static Orleans.Coord.Client.Tests.Bodies;

namespace Orleans.Coord.Client.Tests;

/// <summary>What becomes of requests: batches, losses, wrong answers, cancellation, limits.</summary>
public sealed class PipelineTests
{
    [Fact]
    public async Task Requests_made_before_the_connection_wait_for_it()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient();
        Task<Stat> set = client.SetAsync("/a", Bytes("x"), 3);
        using FakeConnection connection = await server.WelcomeAsync();
        FakeRequest request = await connection.ExpectAsync(OpCode.SetData);
        // The first number went to the look for extensions.
        Assert.Equal(("/a", 2), (request.Path, request.Xid));
        await connection.ReplyAsync(request, 2, OfStat(2));
        Assert.Equal(StatOf(2), await set.Soon());
    }

    [Fact]
    public async Task A_loss_in_the_middle_of_a_batch_repeats_reads_and_reports_writes()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient();
        Task<Stat> answered, lost;
        Task<ZnodeData> read;
        Task<Stat?> look;
        using (FakeConnection first = await server.WelcomeAsync())
        {
            answered = client.SetAsync("/a", Bytes("1"));
            read = client.GetAsync("/b");
            lost = client.SetAsync("/c", Bytes("2"));
            look = client.ExistsAsync("/d");
            FakeRequest set = await first.ExpectAsync(OpCode.SetData);
            await first.ExpectAsync(OpCode.GetData);
            await first.ExpectAsync(OpCode.SetData);
            await first.ExpectAsync(OpCode.Exists);
            await first.ReplyAsync(set, 7, OfStat(7));
            await answered.Soon();
        }

        OutcomeUnknownException unknown = await Assert.ThrowsAsync<OutcomeUnknownException>(() => lost.Soon());
        Assert.Equal((CoordErrorCode.ConnectionLoss, "/c"), (unknown.Code, unknown.Path));
        Task<ZnodeChildren> later = client.GetChildrenAsync("/e");
        using FakeConnection second = await server.WelcomeAsync();
        FakeRequest again = await second.ExpectAsync(OpCode.GetData);
        Assert.Equal(("/b", 2), (again.Path, again.Xid));
        await second.ReplyAsync(again, 8, Data("b"));
        await second.ReplyAsync(await second.ExpectAsync(OpCode.Exists), CoordErrorCode.NoNode);
        await second.ReplyAsync(await second.ExpectAsync(OpCode.GetChildren2), 8, Children(1, "x"));
        Assert.Equal("b", (await read.Soon()).Text());
        Assert.Null(await look.Soon());
        Assert.Equal(["x"], (await later.Soon()).Names);
    }

    [Fact]
    public async Task A_write_under_way_when_the_session_ends_says_so()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient();
        using FakeConnection connection = await server.WelcomeAsync();
        Task<Stat> sent = client.SetAsync("/a", Bytes("1"));
        Task<ZnodeData> get = client.GetAsync("/b");
        FakeRequest write = await connection.ExpectAsync(OpCode.SetData);
        FakeRequest read = await connection.ExpectAsync(OpCode.GetData);
        await connection.ReplyAsync(write, CoordErrorCode.SessionExpired);
        SessionLostException told = await Assert.ThrowsAsync<SessionLostException>(() => sent.Soon());
        Assert.False(told.OutcomeUnknown);
        SessionLostException other = await Assert.ThrowsAsync<SessionLostException>(() => get.Soon());
        Assert.False(other.OutcomeUnknown);
        Assert.Equal(SessionState.Expired, client.State);
        Assert.Equal(write.Xid + 1, read.Xid);
    }

    [Fact]
    public async Task A_write_unanswered_when_the_timeout_passes_is_lost_and_unknown()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient(configure: o => o.ReconnectDelay = o.MaxReconnectDelay);
        using FakeConnection connection = await server.WelcomeAsync(timeoutMs: 4_000);
        Task<Stat> sent = client.SetAsync("/a", Bytes("1"));
        await connection.ExpectAsync(OpCode.SetData);
        server.Dispose();
        CoordException error = await Assert.ThrowsAnyAsync<CoordException>(() => sent.Soon());
        Assert.True(error is OutcomeUnknownException or SessionLostException { OutcomeUnknown: true });
    }

    [Theory]
    [InlineData(3)]
    [InlineData(-77)]
    public async Task An_answer_out_of_turn_costs_the_connection(int xid)
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient();
        using FakeConnection first = await server.WelcomeAsync();
        Task<ZnodeData> get = client.GetAsync("/a");
        await first.ExpectAsync(OpCode.GetData);
        await first.SendAsync(xid, 1, CoordErrorCode.Ok, Data("wrong"));
        await first.WaitForCloseAsync();
        using FakeConnection second = await server.WelcomeAsync();
        await second.ReplyAsync(await second.ExpectAsync(OpCode.GetData), 1, Data("right"));
        Assert.Equal("right", (await get.Soon()).Text());
    }

    [Fact]
    public async Task An_answer_that_cannot_be_read_fails_its_request_and_costs_the_connection()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient();
        using FakeConnection first = await server.WelcomeAsync();
        Task<ZnodeData> get = client.GetAsync("/a");
        await first.ReplyAsync(await first.ExpectAsync(OpCode.GetData), 1, writer => writer.WriteInt(1_000));
        CoordException error = await Assert.ThrowsAsync<CoordException>(() => get.Soon());
        Assert.Equal(CoordErrorCode.MarshallingError, error.Code);
        using FakeConnection second = await server.WelcomeAsync();
    }

    [Theory]
    [InlineData(new byte[] { 0x7F, 0xFF, 0xFF, 0xFF })]
    [InlineData(new byte[] { 0xFF, 0xFF, 0xFF, 0xFF })]
    [InlineData(new byte[] { 0, 0, 0, 3, 1, 2, 3 })]
    public async Task A_frame_of_an_impossible_length_fails_the_next_request_only(byte[] bytes)
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient();
        using FakeConnection first = await server.WelcomeAsync();
        Task<ZnodeData> get = client.GetAsync("/a");
        Task<ZnodeData> next = client.GetAsync("/b");
        await first.ExpectAsync(OpCode.GetData);
        await first.ExpectAsync(OpCode.GetData);
        await first.SendBytesAsync(bytes);
        CoordException error = await Assert.ThrowsAsync<CoordException>(() => get.Soon());
        Assert.Equal(CoordErrorCode.MarshallingError, error.Code);
        using FakeConnection second = await server.WelcomeAsync();
        await second.ReplyAsync(await second.ExpectAsync(OpCode.GetData), 1, Data("b"));
        Assert.Equal("b", (await next.Soon()).Text());
    }

    [Fact]
    public async Task Answers_in_small_pieces_and_large_ones_are_put_together()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient();
        using FakeConnection connection = await server.WelcomeAsync();
        Task<ZnodeData> large = client.GetAsync("/a"), small = client.GetAsync("/b");
        string text = new('x', 300_000);
        await connection.ReplyAsync(await connection.ExpectAsync(OpCode.GetData), 1, Data(text));
        Assert.Equal(text, (await large.Soon()).Text());
        FakeRequest request = await connection.ExpectAsync(OpCode.GetData);
        var frame = new JuteWriter();
        frame.WriteInt(request.Xid);
        frame.WriteLong(1);
        frame.WriteInt(0);
        Data("b")(frame);
        var whole = new JuteWriter();
        whole.WriteBuffer(frame.Written);
        foreach (byte one in whole.Written.ToArray())
        {
            await connection.SendBytesAsync([one]);
        }

        Assert.Equal("b", (await small.Soon()).Text());
    }

    [Fact]
    public async Task A_read_that_kills_connection_after_connection_is_given_up()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient();
        Task<ZnodeData> get = client.GetAsync("/a");
        int deaths = 0;
        while (!get.IsCompleted)
        {
            using FakeConnection connection = await server.WelcomeAsync();
            Task<FakeRequest> asked = connection.ExpectAsync(OpCode.GetData);
            await Task.WhenAny(asked, get);
            deaths++;
        }

        CoordException error = await Assert.ThrowsAsync<CoordException>(() => get);
        Assert.Equal(CoordErrorCode.ConnectionLoss, error.Code);
        Assert.InRange(deaths, 8, 9);
    }

    [Fact]
    public async Task A_call_cancelled_before_it_is_sent_is_never_sent()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient();
        using var cancel = new CancellationTokenSource();
        Task<Stat> never = client.SetAsync("/never", default, cancellation: cancel.Token);
        Task<Stat> sent = client.SetAsync("/sent", default);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => never.Soon());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => client.SetAsync("/never", default, cancellation: cancel.Token));
        using FakeConnection connection = await server.WelcomeAsync();
        FakeRequest request = await connection.ExpectAsync(OpCode.SetData);
        Assert.Equal("/sent", request.Path);
        await connection.ReplyAsync(request, 1, OfStat());
        await sent.Soon();
    }

    [Fact]
    public async Task A_call_cancelled_after_it_was_sent_does_not_disturb_the_others()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient();
        using FakeConnection connection = await server.WelcomeAsync();
        using var cancel = new CancellationTokenSource();
        Task<ZnodeData> given = client.GetAsync("/a", cancel.Token), kept = client.GetAsync("/b");
        FakeRequest first = await connection.ExpectAsync(OpCode.GetData);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => given.Soon());
        await connection.ReplyAsync(first, 1, Data("a"));
        await connection.ReplyAsync(await connection.ExpectAsync(OpCode.GetData), 1, Data("b"));
        Assert.Equal("b", (await kept.Soon()).Text());
    }

    [Fact]
    public async Task Calls_beyond_the_limit_wait_for_a_place()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient(configure: o => o.MaxPendingRequests = 1);
        Task<ZnodeData> first = client.GetAsync("/a"), second = client.GetAsync("/b");
        using var cancel = new CancellationTokenSource();
        Task<ZnodeData> third = client.GetAsync("/c", cancel.Token);
        using FakeConnection connection = await server.WelcomeAsync();
        FakeRequest only = await connection.ExpectAsync(OpCode.GetData);
        Assert.Equal("/a", only.Path);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => third.Soon());
        await connection.ReplyAsync(only, 1, Data("a"));
        await connection.ReplyAsync(await connection.ExpectAsync(OpCode.GetData), 1, Data("b"));
        Assert.Equal("ab", (await first.Soon()).Text() + (await second.Soon()).Text());
    }

    [Fact]
    public async Task More_than_the_kernel_buffers_is_written_in_order()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient();
        using FakeConnection connection = await server.WelcomeAsync();
        Task<Stat>[] sets = [.. Enumerable.Range(0, 40).Select(i => client.SetAsync($"/{i}", new byte[500_000]))];
        for (int i = 0; i < sets.Length; i++)
        {
            FakeRequest request = await connection.ExpectAsync(OpCode.SetData);
            Assert.Equal($"/{i}", request.Path);
            await connection.ReplyAsync(request, i + 1, OfStat(i + 1));
        }

        Assert.Equal(Enumerable.Range(1, 40), (await Task.WhenAll(sets).Soon()).Select(stat => (int)stat.Mzxid));
    }
}
