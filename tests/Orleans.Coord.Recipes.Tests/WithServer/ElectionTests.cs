namespace Orleans.Coord.Recipes.Tests.WithServer;

public sealed class ElectionTests : RecipeTest
{
    private const string Path = "/election";

    [ServerFact]
    public async Task The_next_candidate_leads_when_the_leader_goes()
    {
        CoordClient[] clients = await NewClientsAsync(3);
        var watcher = new LeaderElection(Client, Path, "watcher");
        await using IAsyncEnumerator<LockContender?> leaders = watcher.WatchLeaderAsync().GetAsyncEnumerator();
        Assert.Null(await leaders.NextAsync());
        Assert.Null(await watcher.GetLeaderAsync());

        var campaigns = new List<Task<CoordHandle>>();
        foreach (CoordClient client in clients)
        {
            campaigns.Add(new LeaderElection(client, Path, $"c{campaigns.Count}").CampaignAsync());
            await ChildrenAsync(Path, campaigns.Count);
        }

        long last = 0;
        for (int i = 0; i < clients.Length; i++)
        {
            CoordHandle leadership = await campaigns[i].Soon();
            Assert.Equal(new LockContender($"c{i}", leadership.FencingToken), await leaders.NextAsync());
            Assert.Equal($"c{i}", (await watcher.GetLeaderAsync())!.Identifier);
            Assert.True(leadership.FencingToken > last);
            last = leadership.FencingToken;
            Assert.All(campaigns.Skip(i + 1), campaign => Assert.False(campaign.IsCompleted));
            // Once by resigning, then by the end of the session.
            await (i == 0 ? leadership.DisposeAsync() : clients[i].DisposeAsync());
        }

        Assert.Null(await leaders.NextAsync());
    }

    [ServerFact]
    public async Task Fails_over_when_the_leader_is_cut_off()
    {
        using var proxy = new FaultProxy(Server);
        CoordClient doomed = await NewClientAsync(proxy, timeoutSeconds: 4);
        var elected = new TaskCompletionSource();
        var ended = new TaskCompletionSource<bool>();
        Task term = new LeaderElection(doomed, Path, "old").RunAsync(async (leadership, lost) =>
        {
            elected.SetResult();
            await CancelledAsync(lost);
            ended.SetResult(leadership.IsHeld);
        });
        await elected.Task.Soon();
        Task<CoordHandle> next = new LeaderElection(Client, Path, "new").CampaignAsync();
        await ChildrenAsync(Path, 2);
        proxy.Stall();
        await using CoordHandle leadership = await next.Soon();
        Assert.False(await ended.Task.Soon());
        await term.Soon();
    }

    [ServerFact]
    public async Task Runs_a_term_and_resigns()
    {
        var election = new LeaderElection(Client, Path, "me");
        using var stop = new CancellationTokenSource();
        await election.RunAsync(async (leadership, lost) =>
        {
            Assert.Equal("me", (await election.GetLeaderAsync(lost))!.Identifier);
            Assert.Null(await election.TryCampaignAsync(default, lost));
            await stop.CancelAsync();
            Assert.True(lost.IsCancellationRequested);
            Assert.True(leadership.IsHeld);
        }, stop.Token);
        await ChildrenAsync(Path, 0);
        Assert.Null(await election.GetLeaderAsync());
    }
}
