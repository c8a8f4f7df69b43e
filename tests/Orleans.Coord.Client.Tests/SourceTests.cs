namespace Orleans.Coord.Client.Tests;

public sealed class SourceTests
{
    [Fact]
    public async Task A_lost_session_is_followed_by_a_new_one()
    {
        using var server = new FakeServer();
        await using var source = new CoordClientSource(server.NewOptions());
        Assert.Equal(SessionState.Connecting, source.State);
        await using IAsyncEnumerator<CoordClient> clients = source.WatchAsync().GetAsyncEnumerator();
        Task<bool> next = clients.MoveNextAsync().AsTask();
        using FakeConnection first = await server.WelcomeAsync();
        Assert.True(await next.Soon());
        CoordClient one = clients.Current;
        Assert.Same(one, source.Current);
        Assert.Same(one, await source.GetAsync());
        Assert.Equal(SessionState.Connected, source.State);

        next = clients.MoveNextAsync().AsTask();
        first.Dispose();
        using FakeConnection refusing = await server.WelcomeAsync(timeoutMs: 0, sessionId: 0);
        using FakeConnection second = await server.WelcomeAsync(sessionId: 77);
        Assert.True(await next.Soon());
        Assert.NotSame(one, clients.Current);
        Assert.Equal(77, clients.Current.SessionId);
        Assert.Equal(SessionState.Expired, one.State);
    }

    [Fact]
    public async Task Disposing_ends_the_session_and_gives_no_other()
    {
        using var server = new FakeServer();
        var source = new CoordClientSource(server.NewOptions());
        CoordClient client = source.Current;
        using FakeConnection connection = await server.WelcomeAsync();
        await client.WaitForConnectedAsync().Soon();
        await source.DisposeAsync();
        Assert.Equal((SessionState.Closed, SessionState.Closed), (client.State, source.State));
        Assert.Throws<ObjectDisposedException>(() => source.Current);
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await source.GetAsync());
    }

    [Fact]
    public async Task A_refused_credential_is_told_to_whoever_asks()
    {
        using var server = new FakeServer();
        CoordClientOptions options = server.NewOptions();
        options.Auth.Add(CoordAuth.Digest("a", "1"));
        await using var source = new CoordClientSource(options);
        ValueTask<CoordClient> asked = source.GetAsync();
        using FakeConnection connection = await server.AcceptAsync();
        await connection.SendWelcomeAsync(60_000, FakeServer.SessionId);
        await connection.ReplyAsync(await connection.ExpectAsync(Jute.OpCode.Auth), CoordErrorCode.AuthFailed);
        CoordException refused = await Assert.ThrowsAsync<CoordException>(() => asked.AsTask().Soon());
        Assert.Equal(CoordErrorCode.AuthFailed, refused.Code);
    }

    [Fact]
    public void Bad_options_are_refused_at_once()
    {
        Assert.Throws<FormatException>(() => new CoordClientSource(new() { ConnectionString = "a:b" }));
        Assert.Throws<ArgumentOutOfRangeException>(
            () => new CoordClientSource(new() { SessionTimeout = TimeSpan.Zero }));
    }
}
