using Orleans.Coord.Jute;
using static Orleans.Coord.Client.Tests.Bodies;

namespace Orleans.Coord.Client.Tests;

public sealed class SessionTests
{
    [Fact]
    public void A_session_is_given_up_a_twentieth_of_its_timeout_before_the_server_can_end_it() =>
        Assert.Equal(10_000 + 5_700, Session.DeadlineOf(confirmedMs: 10_000, timeoutMs: 6_000));

    [Fact]
    public async Task Asks_for_a_session_and_tells_what_it_got()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient(configure: o => o.SessionTimeout = TimeSpan.FromSeconds(7));
        Assert.Equal(SessionState.Connecting, client.State);
        using FakeConnection connection = await server.WelcomeAsync(timeoutMs: 9_000);
        await client.WaitForConnectedAsync().Soon();
        Assert.Equal((0L, 0L, 7_000), Of(connection.Connect));
        Assert.Equal(FakeServer.SessionId, client.SessionId);
        Assert.Equal(TimeSpan.FromSeconds(9), client.SessionTimeout);
        Assert.False(client.SessionLost.IsCancellationRequested);
    }

    [Fact]
    public async Task Resumes_the_session_with_its_password_and_the_newest_zxid()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient();
        using (FakeConnection first = await server.WelcomeAsync())
        {
            Task<ZnodeData> get = client.GetAsync("/a");
            await first.ReplyAsync(await first.ExpectAsync(OpCode.GetData), 42, Data("x"));
            Assert.Equal("x", (await get.Soon()).Text());
        }

        using FakeConnection second = await server.WelcomeAsync();
        Assert.Equal((FakeServer.SessionId, 42L, 10_000), Of(second.Connect));
        Assert.Equal(FakeConnection.Password, second.Connect.Password.ToArray());
        Assert.Equal(42, client.LastZxid);
    }

    [Fact]
    public async Task Goes_to_the_next_server_when_one_turns_it_away()
    {
        using var behind = new FakeServer();
        using var good = new FakeServer();
        await using CoordClient client = behind.NewClient(configure: o =>
        {
            o.ConnectionString = $"{behind.Address},{good.Address}";
            o.ShuffleServers = false;
        });
        (await behind.AcceptAsync()).Dispose();
        using FakeConnection connection = await good.WelcomeAsync();
        await client.WaitForConnectedAsync().Soon();
    }

    [Fact]
    public async Task Goes_to_the_next_server_when_one_stays_silent()
    {
        using var silent = new FakeServer();
        using var good = new FakeServer();
        await using CoordClient client = silent.NewClient(configure: o =>
        {
            o.ConnectionString = $"{silent.Address},{good.Address}";
            o.ShuffleServers = false;
            o.ConnectTimeout = TimeSpan.FromSeconds(1);
        });
        using FakeConnection connection = await good.WelcomeAsync();
        await client.WaitForConnectedAsync().Soon();
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(10_000, FakeServer.SessionId + 1)]
    public async Task Expires_when_a_server_does_not_know_the_session(int timeoutMs, long sessionId)
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient();
        (await server.WelcomeAsync()).Dispose();
        using FakeConnection second = await server.AcceptAsync();
        Task<ZnodeData> waiting = client.GetAsync("/a");
        await second.SendWelcomeAsync(timeoutMs, sessionId);
        Assert.Equal(SessionState.Expired, await client.WaitForStateAsync(SessionState.Expired).Soon());
        Assert.True(client.SessionLost.IsCancellationRequested);
        await Assert.ThrowsAsync<SessionLostException>(() => waiting.Soon());
        await Assert.ThrowsAsync<SessionLostException>(() => client.GetAsync("/a").Soon());
        await Assert.ThrowsAsync<SessionLostException>(() => client.WaitForConnectedAsync().Soon());
    }

    [Fact]
    public async Task Expires_by_itself_when_no_server_is_in_reach()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient();
        // Long enough for the client to be connected before it is over, also on a busy machine.
        using (await server.WelcomeAsync(timeoutMs: 4_000))
        {
            await client.WaitForConnectedAsync().Soon();
            server.Dispose();
        }

        Assert.Equal(SessionState.Expired, await client.WaitForStateAsync(SessionState.Expired).Soon());
        Assert.True(client.SessionLost.IsCancellationRequested);
    }

    [Fact]
    public async Task Leaves_a_server_that_answers_requests_but_no_heartbeat()
    {
        using var server = new FakeServer();
        var session = new Session(server.NewOptions());
        using FakeConnection first = await server.WelcomeAsync();
        await session.State.WaitAsync(SessionState.Connected, CancellationToken.None).Soon();

        // A third of the time-out of 60 s, and two thirds.
        session.Beat(HeartbeatThread.NowMs + 20_001);
        Assert.Equal(OpCode.Ping, (await first.NextOrPingAsync()).Code);
        session.Beat(HeartbeatThread.NowMs + 40_001);
        await first.WaitForCloseAsync();
        using FakeConnection second = await server.WelcomeAsync();
        Assert.Equal(FakeServer.SessionId, second.Connect.SessionId);
        await session.CloseAsync();
    }

    [Fact]
    public async Task Answered_heartbeats_keep_the_session_longer_than_its_timeout()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient();
        using FakeConnection connection = await server.WelcomeAsync(timeoutMs: 6_000);
        for (int i = 0; i < 4; i++)
        {
            FakeRequest ping = await connection.NextOrPingAsync();
            Assert.Equal((OpCode.Ping, -2), (ping.Code, ping.Xid));
            await connection.ReplyAsync(ping, 0);
        }

        Assert.Equal(SessionState.Connected, client.State);
    }

    [Fact]
    public async Task States_can_be_followed_to_the_end()
    {
        using var server = new FakeServer();
        CoordClient client = server.NewClient();
        await using IAsyncEnumerator<SessionState> states = client.WatchStateAsync().GetAsyncEnumerator();
        Assert.Equal(SessionState.Connecting, await states.NextAsync());
        FakeConnection first = await server.WelcomeAsync();
        Assert.Equal(SessionState.Connected, await states.NextAsync());
        first.Dispose();
        using FakeConnection second = await server.AcceptAsync();
        Assert.Equal(SessionState.Disconnected, await states.NextAsync());
        await second.SendWelcomeAsync(60_000, FakeServer.SessionId);
        await second.TellExtensionsAsync();
        Assert.Equal(SessionState.Connected, await states.NextAsync());
        await client.DisposeAsync();
        Assert.Equal(SessionState.Closed, await states.NextAsync());
        Assert.False(await states.MoveNextAsync());
    }

    [Fact]
    public async Task Disposing_ends_the_session_on_the_server()
    {
        using var server = new FakeServer();
        CoordClient client = server.NewClient(configure: o => o.CloseTimeout = FakeServer.Patience);
        using FakeConnection connection = await server.WelcomeAsync();
        await client.WaitForConnectedAsync().Soon();
        Task disposed = client.DisposeAsync().AsTask();
        await connection.ReplyAsync(await connection.ExpectAsync(OpCode.CloseSession), 5);
        await disposed.Soon();
        Assert.Equal(SessionState.Closed, client.State);
        await connection.WaitForCloseAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.ExistsAsync("/a"));
        await client.DisposeAsync();
    }

    [Fact]
    public async Task Giving_up_to_connect_leaves_nothing_behind()
    {
        using var server = new FakeServer();
        using var cancel = new CancellationTokenSource();
        Task<CoordClient> connecting = CoordClient.ConnectAsync(server.Address, cancel.Token);
        using FakeConnection connection = await server.AcceptAsync();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connecting.Soon());
        await connection.WaitForCloseAsync();
    }

    [Fact]
    public async Task Credentials_are_sent_again_on_every_connection()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient(configure: o => o.Auth.Add(CoordAuth.Digest("a", "1")));
        using (FakeConnection first = await server.AcceptAsync())
        {
            await first.SendWelcomeAsync(60_000, FakeServer.SessionId);
            await first.ReplyAsync(await first.ExpectAsync(OpCode.Auth), 0);
            await first.TellExtensionsAsync();
            Task added = client.AddAuthAsync(CoordAuth.Digest("b", "2"));
            await first.ReplyAsync(await first.ExpectAsync(OpCode.Auth), 0);
            await added.Soon();
        }

        using FakeConnection second = await server.AcceptAsync();
        await second.SendWelcomeAsync(60_000, FakeServer.SessionId);
        Assert.Equal("a:1", SecretOf(await second.ExpectAsync(OpCode.Auth)));
        Assert.Equal("b:2", SecretOf(await second.ExpectAsync(OpCode.Auth)));
    }

    [Fact]
    public async Task A_refused_configured_credential_closes_the_client()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient(configure: o => o.Auth.Add(CoordAuth.Digest("a", "1")));
        using FakeConnection connection = await server.AcceptAsync();
        await connection.SendWelcomeAsync(60_000, FakeServer.SessionId);
        await connection.ReplyAsync(await connection.ExpectAsync(OpCode.Auth), CoordErrorCode.AuthFailed);
        Assert.Equal(SessionState.Closed, await client.WaitForStateAsync(SessionState.Closed).Soon());
        CoordException refused = await Assert.ThrowsAsync<CoordException>(() => client.GetAsync("/a").Soon());
        Assert.Equal(CoordErrorCode.AuthFailed, refused.Code);
    }

    [Fact]
    public async Task Moves_to_a_server_of_the_new_list_and_keeps_its_session()
    {
        using var old = new FakeServer();
        using var next = new FakeServer();
        await using CoordClient client = old.NewClient("/root");
        using FakeConnection first = await old.WelcomeAsync();
        await client.WaitForConnectedAsync().Soon();
        Assert.Throws<ArgumentException>(() => client.UpdateServers(next.Address + "/other"));
        Assert.Throws<FormatException>(() => client.UpdateServers(""));
        client.UpdateServers(old.Address + "/root");
        Task<Stat?> look = client.ExistsAsync("/a");
        await first.ReplyAsync(await first.ExpectAsync(OpCode.Exists), CoordErrorCode.NoNode);
        Assert.Null(await look.Soon());
        client.UpdateServers(next.Address);
        using FakeConnection second = await next.WelcomeAsync();
        Assert.Equal(FakeServer.SessionId, second.Connect.SessionId);
        look = client.ExistsAsync("/a");
        FakeRequest request = await second.ExpectAsync(OpCode.Exists);
        Assert.Equal("/root/a", request.Path);
        await second.ReplyAsync(request, CoordErrorCode.NoNode);
        Assert.Null(await look.Soon());
    }

    [Fact]
    public async Task A_logger_that_throws_does_no_harm()
    {
        using var server = new FakeServer();
        using var logs = new ThrowingLoggerFactory();
        await using CoordClient client = server.NewClient(configure: o => o.LoggerFactory = logs);
        (await server.WelcomeAsync()).Dispose();
        using FakeConnection second = await server.WelcomeAsync();
        await client.WaitForConnectedAsync().Soon();
        Assert.True(logs.Calls > 0);
    }

    private static (long Session, long Zxid, int TimeoutMs) Of(ConnectRequest connect) =>
        (connect.SessionId, connect.LastZxidSeen, connect.TimeoutMs);

    private static string SecretOf(FakeRequest auth)
    {
        var reader = new JuteReader(auth.Body);
        reader.ReadInt();
        reader.ReadText();
        return reader.ReadText();
    }
}
