namespace Orleans.Coord.Client.Tests;

public sealed class OptionsTests
{
    [Theory]
    [InlineData("a:1", "a:1", "/")]
    [InlineData("a", "a:2181", "/")]
    [InlineData(" a:1 , b ,c:3/x/y", "a:1 b:2181 c:3", "/x/y")]
    [InlineData("[::1]:7,[fe80::2]", "::1:7 fe80::2:2181", "/")]
    public void Reads_connection_strings(string text, string servers, string root)
    {
        ServerList list = ServerList.Parse(text, shuffle: false);
        Assert.Equal(servers, string.Join(' ', Enumerable.Range(0, list.Count).Select(_ => Next(list))));
        Assert.Equal(root, list.Root);
    }

    [Fact]
    public void Hands_out_every_server_in_each_round_also_when_shuffled()
    {
        ServerList list = ServerList.Parse("a,b,c,d", shuffle: true);
        string[] twice = [.. Enumerable.Range(0, 8).Select(_ => Next(list))];
        Assert.Equal(4, twice.Distinct().Count());
        Assert.Equal(twice[..4], twice[4..]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/only/path")]
    [InlineData("a:0")]
    [InlineData("a:x")]
    [InlineData("a:70000")]
    [InlineData("::1:2181")]
    public void Refuses_connection_strings_without_sense(string text) =>
        Assert.Throws<FormatException>(() => new CoordClient(new CoordClientOptions { ConnectionString = text }));

    [Fact]
    public void Refuses_options_out_of_range()
    {
        Refuses(o => o.SessionTimeout = TimeSpan.Zero);
        Refuses(o => o.ConnectTimeout = TimeSpan.Zero);
        Refuses(o => o.MaxReconnectDelay = TimeSpan.Zero);
        Refuses(o => o.MaxPendingRequests = 0);
        Refuses(o => o.WatchBufferCapacity = 0);
        Refuses(o => o.ConnectionString = "a/b/");
    }

    [Fact]
    public async Task Refuses_create_arguments_that_do_not_go_together()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient();
        TimeSpan ttl = TimeSpan.FromSeconds(1);
        await Assert.ThrowsAsync<ArgumentException>(() => client.CreateAsync("/a", ttl: ttl));
        await Assert.ThrowsAsync<ArgumentException>(() => client.CreateAsync("/a", mode: CreateMode.PersistentWithTtl));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            () => client.CreateAsync("/a", mode: CreateMode.PersistentWithTtl, ttl: TimeSpan.Zero));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => client.CreateAsync("/a", mode: (CreateMode)7));
    }

    [Fact]
    public void A_credential_does_not_show_its_secret() =>
        Assert.Equal("digest:***", CoordAuth.Digest("ann", "secret").ToString());

    private static string Next(ServerList list)
    {
        System.Net.DnsEndPoint server = list.Next();
        return $"{server.Host}:{server.Port}";
    }

    private static void Refuses(Action<CoordClientOptions> change)
    {
        var options = new CoordClientOptions();
        change(options);
        Assert.ThrowsAny<ArgumentException>(() => new CoordClient(options));
    }
}
