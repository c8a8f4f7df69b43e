namespace Orleans.Coord.Recipes.Tests;

public sealed class LostLinkTests
{
    [Fact]
    public async Task It_is_cancelled_in_the_moment_in_which_the_session_ends_and_by_no_callback()
    {
        await using var client = new CoordClient(new() { ConnectionString = "127.0.0.1:1" });
        using var link = new LostLink(client, client.SessionLost);
        Assert.False(link.Token.IsCancellationRequested);
        ValueTask closing = client.DisposeAsync();
        Assert.True(link.Token.IsCancellationRequested);
        await closing;
    }

    [Fact]
    public async Task It_is_cancelled_with_each_of_the_others_until_it_is_cut()
    {
        await using var client = new CoordClient(new() { ConnectionString = "127.0.0.1:1" });
        using var first = new CancellationTokenSource();
        using var second = new CancellationTokenSource();
        using var link = new LostLink(client, first.Token, second.Token);
        var cut = new LostLink(client, first.Token, second.Token);
        cut.Dispose();
        await second.CancelAsync();
        Assert.True(link.Token.IsCancellationRequested);
        Assert.False(cut.Token.IsCancellationRequested);
    }
}
