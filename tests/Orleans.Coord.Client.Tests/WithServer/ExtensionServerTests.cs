using static Orleans.Coord.Client.Tests.Bodies;

namespace Orleans.Coord.Client.Tests.WithServer;

/// <summary>What Orleans.Coord adds to ZooKeeper, and how the client says that a server has not got it.</summary>
public sealed class ExtensionServerTests : IAsyncLifetime
{
    private readonly string _root = $"/extension-tests-{Guid.NewGuid():N}";
    private CoordClient _client = null!;

    private static string Server => Environment.GetEnvironmentVariable(ServerFactAttribute.Variable) ?? "";

    public async Task InitializeAsync()
    {
        if (Server.Length > 0)
        {
            _client = await CoordClient.ConnectAsync(Server + _root);
            await _client.EnsurePathAsync("/");
        }
    }

    public async Task DisposeAsync()
    {
        if (_client is not null)
        {
            await _client.DeleteRecursiveAsync("/");
            await _client.DisposeAsync();
        }
    }

    [ServerFact]
    public async Task Every_write_has_a_known_outcome_over_cut_connections()
    {
        const int Rounds = 40, Together = 5;
        using var proxy = new CuttingProxy(Server, bytesPerConnection: 2_500);
        await using CoordClient cut = await ConnectAsync(proxy);
        await _client.CreateAsync("/n");
        int unknown = 0;
        var versions = new List<int>();
        for (int i = 0; i < Rounds; i++)
        {
            Task<Stat>[] sets = [.. Enumerable.Range(0, Together).Select(j => cut.SetAsync("/n", Bytes($"{i}.{j}")))];
            foreach (Task<Stat> set in sets)
            {
                try
                {
                    versions.Add((await set.Soon()).Version);
                }
                catch (OutcomeUnknownException)
                {
                    unknown++;
                }
            }
        }

        Assert.True(proxy.Cuts >= 5, $"only {proxy.Cuts} cuts");
        if (cut.HasKnownOutcomes)
        {
            Assert.Equal(Enumerable.Range(1, Rounds * Together), versions);
        }
        else
        {
            Assert.Equal(Rounds * Together, versions.Count + unknown);
        }
    }

    [ServerFact]
    public async Task A_change_stream_tells_each_change_once_over_cut_connections_and_from_any_zxid()
    {
        const int Changes = 150;
        if (!_client.HasChangeHistory)
        {
            CoordException refused = await Assert.ThrowsAsync<CoordException>(
                () => TakeAsync(_client, 0, 1));
            Assert.Equal(CoordErrorCode.Unimplemented, refused.Code);
            return;
        }

        // A stream that falls behind asks for more than the proxy lets through, so the cuts have an end.
        using var proxy = new CuttingProxy(Server, bytesPerConnection: 2_500, mostCuts: 20);
        await using CoordClient cut = await ConnectAsync(proxy);
        long since = (await _client.CreateAsync("/a")).Stat.Czxid;
        Task<List<WatchEvent>> streaming = TakeAsync(cut, since, Changes);
        List<WatchEvent> made = await MakeChangesAsync(Changes);
        Assert.Equal(made, await streaming.Soon());
        Assert.Equal(made[90..], await TakeAsync(_client, made[89].Zxid, Changes - 90).Soon());
        Assert.True(proxy.Cuts >= 3, $"only {proxy.Cuts} cuts");
    }

    [ServerFact]
    public async Task A_change_stream_goes_on_however_often_one_portion_is_cut()
    {
        const int Changes = 150, Cuts = 12;
        if (!_client.HasChangeHistory)
        {
            return;
        }

        long since = (await _client.CreateAsync("/a")).Stat.Czxid;
        List<WatchEvent> made = await MakeChangesAsync(Changes);
        using var proxy = new CuttingProxy(Server, bytesPerConnection: 2_500, Cuts);
        await using CoordClient cut = await ConnectAsync(proxy);
        Assert.Equal(made, await TakeAsync(cut, since, Changes).Soon());
        Assert.Equal(Cuts, proxy.Cuts);
    }

    [ServerFact]
    public async Task A_linearizable_read_sees_what_others_were_answered()
    {
        await using CoordClient other = await CoordClient.ConnectAsync(Server + _root);
        await _client.CreateAsync("/a");
        for (int i = 1; i <= 100; i++)
        {
            Stat written = await _client.SetAsync("/a", Bytes($"{i}"));
            Assert.True((await other.GetAsync("/a", ReadMode.Linearizable)).Stat.Version >= written.Version);
        }

        Assert.Null(await other.TryGetAsync("/x", ReadMode.Linearizable));
        Assert.Equal(["a"], (await other.GetChildrenAsync("/", ReadMode.Linearizable)).Names);
        Assert.Null(await other.TryGetChildrenAsync("/x", ReadMode.Linearizable));
        Assert.NotNull(await other.ExistsAsync("/a", ReadMode.Linearizable));
        Assert.IsType<DataResult>((await other.MultiRead().Get("/a").ExecuteAsync(ReadMode.Linearizable))[0]);
    }

    private static async Task<List<WatchEvent>> TakeAsync(CoordClient client, long since, int count)
    {
        var seen = new List<WatchEvent>();
        await foreach (WatchEvent change in client.WatchSinceAsync("/a", since))
        {
            seen.Add(change);
            if (seen.Count == count)
            {
                break;
            }
        }

        return seen;
    }

    private async Task<List<WatchEvent>> MakeChangesAsync(int count)
    {
        var made = new List<WatchEvent>();
        while (made.Count < count)
        {
            CreatedZnode node = await _client.CreateAsync("/a/b");
            made.Add(new(WatchEventKind.Created, "/a/b", node.Stat.Czxid));
            made.Add(new(WatchEventKind.DataChanged, "/a/b", (await _client.SetAsync("/a/b", Bytes("1"))).Mzxid));
            await _client.DeleteAsync("/a/b");
            made.Add(new(WatchEventKind.Deleted, "/a/b", (await _client.ExistsAsync("/a"))!.Value.Pzxid));
        }

        return made;
    }

    private Task<CoordClient> ConnectAsync(CuttingProxy proxy) => CoordClient.ConnectAsync(new CoordClientOptions
    {
        ConnectionString = proxy.Address + _root,
        SessionTimeout = TimeSpan.FromSeconds(20),
        ReconnectDelay = TimeSpan.FromMilliseconds(1),
    });
}
