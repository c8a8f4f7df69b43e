using Orleans.Coord.Jute;
using static Orleans.Coord.Client.Tests.Bodies;

namespace Orleans.Coord.Client.Tests;

public sealed class ChrootTests
{
    [Theory]
    [InlineData("/app", "/", "/app")]
    [InlineData("/app", "/a", "/app/a")]
    [InlineData("/", "/", "/")]
    [InlineData("/", "/a", "/a")]
    public void Maps_paths_in_both_directions(string root, string path, string serverPath)
    {
        var chroot = new Chroot(root);
        Assert.Equal(serverPath, chroot.ToServer(path));
        Assert.Equal(path, chroot.ToClient(serverPath));
    }

    [Fact]
    public void Siblings_with_the_same_beginning_are_not_below_the_root()
    {
        var chroot = new Chroot("/app");
        Assert.True(chroot.Contains("/app/a"));
        Assert.True(chroot.Contains("/app"));
        Assert.False(chroot.Contains("/apple"));
        Assert.Equal("/apple", chroot.ToClient("/apple"));
    }

    [Fact]
    public void Sequential_paths_may_end_in_a_slash() =>
        Assert.Equal("/app/", new Chroot("/app").ToServerSequential("/"));

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("/a/")]
    [InlineData("/a\0")]
    [InlineData("/\uD800")]
    public async Task Refuses_paths_that_are_not_valid(string path)
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient();
        await Assert.ThrowsAsync<ArgumentException>(() => client.CreateAsync(path));
        await Assert.ThrowsAsync<ArgumentException>(async () => await client.GetAsync(path));
        Assert.Throws<ArgumentException>(() => client.Transaction().Delete(path));
    }

    [Fact]
    public async Task All_paths_on_the_wire_are_below_the_root()
    {
        using var server = new FakeServer();
        await using CoordClient client = server.NewClient("/app");
        using FakeConnection connection = await server.WelcomeAsync();
        Task<CreatedZnode> create = client.CreateAsync("/a-", mode: CreateMode.EphemeralSequential);
        FakeRequest request = await connection.ExpectAsync(OpCode.Create2);
        Assert.Equal("/app/a-", request.Path);
        await connection.ReplyAsync(request, 1, Created("/app/a-0000000001"));
        Assert.Equal("/a-0000000001", (await create.Soon()).Path);

        Task<IReadOnlyList<string>> ephemerals = client.GetEphemeralsAsync();
        request = await connection.ExpectAsync(OpCode.GetEphemerals);
        Assert.Equal("/app", request.Path);
        await connection.ReplyAsync(request, 1, writer => writer.WriteTexts(["/app/a", "/apple/b"]));
        Assert.Equal(["/a"], await ephemerals.Soon());

        Task<ZnodeData> get = client.GetAsync("/x");
        await connection.ReplyAsync(await connection.ExpectAsync(OpCode.GetData), CoordErrorCode.NoNode);
        Assert.Equal("/x", (await Assert.ThrowsAsync<CoordException>(() => get.Soon())).Path);
    }
}
