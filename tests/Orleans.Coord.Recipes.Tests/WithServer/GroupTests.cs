namespace Orleans.Coord.Recipes.Tests.WithServer;

public sealed class GroupTests : RecipeTest
{
    private const string Path = "/groups/a";

    [ServerFact]
    public async Task Members_come_and_go()
    {
        CoordClient other = await NewClientAsync();
        var group = new CoordGroup(Client, Path);
        Assert.Empty(await group.GetMembersAsync());
        await using IAsyncEnumerator<IReadOnlyList<GroupMember>> lists = group.WatchMembersAsync().GetAsyncEnumerator();
        Assert.Empty(await lists.NextAsync());
        CoordHandle ann = await group.JoinAsync("ann", Bytes("host 1"));
        CoordHandle bob = await new CoordGroup(other, Path).JoinAsync("bob");
        Assert.Null(await group.TryJoinAsync("bob"));
        IReadOnlyList<GroupMember> both = await UntilAsync(lists, 2);
        Assert.Equal(["ann", "bob"], both.Select(member => member.Id));
        Assert.Equal("host 1", both[0].Data.Text());
        Assert.Equal([ann.FencingToken, bob.FencingToken], both.Select(member => member.FencingToken));
        await other.DisposeAsync();
        Assert.Equal("ann", Assert.Single(await UntilAsync(lists, 1)).Id);
        Assert.False(bob.IsHeld);
        await ann.DisposeAsync();
        Assert.Empty(await UntilAsync(lists, 0));
    }

    [ServerFact]
    public async Task A_name_is_waited_for_until_its_session_has_ended()
    {
        CoordClient before = await NewClientAsync();
        CoordHandle old = await new CoordGroup(before, Path).JoinAsync("me");
        var group = new CoordGroup(Client, Path);
        await Assert.ThrowsAsync<TimeoutException>(() => group.JoinAsync("me", default, TimeSpan.FromMilliseconds(20)));
        Task<CoordHandle> joining = group.JoinAsync("me");
        Assert.False(joining.IsCompleted);
        await before.DisposeAsync();
        await using CoordHandle joined = await joining.Soon();
        Assert.True(joined.FencingToken > old.FencingToken);
        // Disposing what was lost takes nothing from the one who has the name now.
        await old.DisposeAsync();
        Assert.Single(await group.GetMembersAsync());
    }

    [ServerFact]
    public async Task Joins_once_when_the_answer_is_lost()
    {
        using var proxy = new FaultProxy(Server);
        CoordClient cut = await NewClientAsync(proxy);
        await Client.EnsurePathAsync(Path);
        proxy.StallAnswers();
        Task<CoordHandle> joining = new CoordGroup(cut, Path).JoinAsync("me", Bytes("data"));
        await ChildrenAsync(Path, 1);
        proxy.Cut();
        await using CoordHandle joined = await joining.Soon();
        Assert.Equal(
            joined.FencingToken,
            Assert.Single(await new CoordGroup(Client, Path).GetMembersAsync()).FencingToken);
    }

    private static async Task<IReadOnlyList<GroupMember>> UntilAsync(
        IAsyncEnumerator<IReadOnlyList<GroupMember>> lists, int count)
    {
        while (true)
        {
            IReadOnlyList<GroupMember> list = await lists.NextAsync();
            if (list.Count == count)
            {
                return list;
            }
        }
    }
}
