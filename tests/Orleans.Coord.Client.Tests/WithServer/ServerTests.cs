using static Orleans.Coord.Client.Tests.Bodies;

namespace Orleans.Coord.Client.Tests.WithServer;

/// <summary>The client against a real server: ours, or ZooKeeper 3.6 and later. Each test has its own root.</summary>
public sealed class ServerTests : IAsyncLifetime
{
    private readonly string _root = $"/client-tests-{Guid.NewGuid():N}";
    private CoordClient _client = null!;

    private static string Server => Environment.GetEnvironmentVariable(ServerFactAttribute.Variable) ?? "";

    public async Task InitializeAsync()
    {
        if (Server.Length > 0)
        {
            _client = await ConnectAsync();
            await _client.EnsurePathAsync("/");
        }
    }

    public async Task DisposeAsync()
    {
        if (_client is not null)
        {
            await _client.DeleteRecursiveAsync("/");
            await _client.DisposeAsync();
            await using CoordClient outside = await CoordClient.ConnectAsync(Server);
            await outside.SyncAsync();
            await outside.DeleteAsync(_root);
        }
    }

    [ServerFact]
    public async Task Writes_and_reads()
    {
        CreatedZnode made = await _client.CreateAsync("/a", Bytes("one"));
        Assert.Equal("/a", made.Path);
        Stat set = await _client.SetAsync("/a", Bytes("two"), made.Stat.Version);
        Assert.Equal(1, set.Version);
        ZnodeData read = await _client.GetAsync("/a");
        Assert.Equal("two", read.Text());
        Assert.Equal(set, read.Stat);
        Assert.Equal(set, await _client.ExistsAsync("/a"));
        await _client.DeleteAsync("/a", set.Version);
        Assert.Null(await _client.ExistsAsync("/a"));
        Assert.True(_client.LastZxid >= set.Mzxid);
    }

    [ServerFact]
    public async Task Expected_failures_are_values_in_Try_and_exceptions_elsewhere()
    {
        await _client.CreateAsync("/a");
        await _client.CreateAsync("/a/b");
        Assert.Equal(CoordErrorCode.NodeExists, (await _client.TryCreateAsync("/a")).Code);
        Assert.Equal(CoordErrorCode.NoNode, (await _client.TryCreateAsync("/x/y")).Code);
        Assert.Equal(CoordErrorCode.BadVersion, (await _client.TrySetAsync("/a", default, 7)).Code);
        Assert.Equal(CoordErrorCode.NoNode, (await _client.TrySetAsync("/x", default)).Code);
        Assert.Equal(CoordErrorCode.NotEmpty, (await _client.TryDeleteAsync("/a")).Code);
        Assert.Null(await _client.TryGetAsync("/x"));
        Assert.Null(await _client.TryGetChildrenAsync("/x"));
        CoordException missing = await Assert.ThrowsAsync<CoordException>(() => _client.GetAsync("/x"));
        Assert.Equal((CoordErrorCode.NoNode, "/x"), (missing.Code, missing.Path));
    }

    [ServerFact]
    public async Task Creates_every_kind_of_znode()
    {
        CreatedZnode ephemeral = await _client.CreateAsync("/e", mode: CreateMode.Ephemeral);
        Assert.Equal(_client.SessionId, ephemeral.Stat.EphemeralOwner);
        Assert.Equal("/s-0000000001", (await _client.CreateAsync("/s-", mode: CreateMode.PersistentSequential)).Path);
        CreatedZnode both = await _client.CreateAsync("/", mode: CreateMode.EphemeralSequential);
        Assert.Equal("/0000000002", both.Path);
        await _client.CreateAsync("/c", mode: CreateMode.Container);
        TimeSpan hour = TimeSpan.FromHours(1);
        await _client.CreateAsync("/t", mode: CreateMode.PersistentWithTtl, ttl: hour);
        CreatedZnode ttl = await _client.CreateAsync("/t-", mode: CreateMode.PersistentSequentialWithTtl, ttl: hour);
        Assert.Equal("/t-0000000005", ttl.Path);
        Assert.Equal(["/0000000002", "/e"], (await _client.GetEphemeralsAsync()).Order(StringComparer.Ordinal));
        Assert.Equal(6, await _client.CountDescendantsAsync("/"));
        Assert.Equal(6, (await _client.GetChildrenAsync("/")).Names.Count);
        await _client.SyncAsync();
    }

    [ServerFact]
    public async Task Access_control_lists_and_identities()
    {
        await _client.AddAuthAsync(CoordAuth.Digest("ann", "secret"));
        Assert.Contains(await _client.WhoAmIAsync(), identity => identity is { Scheme: "digest", Id: "ann" });
        await _client.CreateAsync("/mine", acl: [new(Permissions.All, "auth", "")]);
        ZnodeAcl acl = await _client.GetAclAsync("/mine");
        Assert.StartsWith("ann:", Assert.Single(acl.Entries).Id, StringComparison.Ordinal);

        // Members of an ensemble may be behind each other.
        await using CoordClient other = await ConnectAsync();
        await other.SyncAsync();
        CoordException refused = await Assert.ThrowsAsync<CoordException>(() => other.GetAsync("/mine"));
        Assert.Equal(CoordErrorCode.NoAuth, refused.Code);
        Assert.Equal(1, (await _client.SetAclAsync("/mine", [Acl.Open], acl.Stat.Aversion)).Aversion);
        await other.SyncAsync();
        Assert.NotNull(await other.TryGetAsync("/mine"));
    }

    [ServerFact]
    public async Task A_refused_credential_does_not_cost_the_session()
    {
        CoordException refused = await Assert.ThrowsAsync<CoordException>(
            () => _client.AddAuthAsync(new CoordAuth("no-such-scheme", default)));
        Assert.Equal(CoordErrorCode.AuthFailed, refused.Code);
        Assert.NotNull(await _client.ExistsAsync("/"));
        Assert.False(_client.SessionLost.IsCancellationRequested);
    }

    [ServerFact]
    public async Task Transactions_happen_whole_or_not_at_all()
    {
        IReadOnlyList<TransactionResult> results = await _client.Transaction()
            .Create("/a", Bytes("1"))
            .Create("/a/s-", mode: CreateMode.PersistentSequential)
            .Create("/a/c", mode: CreateMode.Container)
            .Set("/a", Bytes("2"), 0)
            .Check("/a", 1)
            .Delete("/a/c")
            .CommitAsync();
        Assert.Equal(["/a", "/a/s-0000000000", "/a/c", "/a", "/a", "/a/c"], results.Select(result => result.Path));
        Assert.Equal(1, Assert.IsType<SetResult>(results[3]).Stat.Version);

        CoordTransaction bad = _client.Transaction().Set("/a", Bytes("3")).Check("/a", 9).Delete("/a/x");
        var failed = await Assert.ThrowsAsync<TransactionFailedException>(() => bad.CommitAsync());
        Assert.Equal((CoordErrorCode.BadVersion, "/a", 1), (failed.Code, failed.Path, failed.FailedIndex));
        Assert.Equal("2", (await _client.GetAsync("/a")).Text());
        TransactionOutcome outcome = await _client.Transaction().Delete("/a").TryCommitAsync();
        Assert.Equal((CoordErrorCode.NotEmpty, 0, false), (outcome.Code, outcome.FailedIndex, outcome.Committed));
    }

    [ServerFact]
    public async Task Reads_many_at_once()
    {
        await _client.CreateAsync("/a", Bytes("1"));
        await _client.CreateAsync("/a/b");
        IReadOnlyList<ReadResult> results =
            await _client.MultiRead().Get("/a").GetChildren("/a").Get("/x").ExecuteAsync();
        Assert.Equal("1", Assert.IsType<DataResult>(results[0]).Node.Text());
        Assert.Equal(["b"], Assert.IsType<ChildrenResult>(results[1]).Names);
        Assert.Equal(CoordErrorCode.NoNode, Assert.IsType<FailedRead>(results[2]).Code);
    }

    [ServerFact]
    public async Task Streams_of_values_follow_a_znode_from_nothing_to_nothing()
    {
        await using IAsyncEnumerator<ZnodeData?> data = _client.WatchDataAsync("/a").GetAsyncEnumerator();
        await using IAsyncEnumerator<ZnodeChildren?> children = _client.WatchChildrenAsync("/a").GetAsyncEnumerator();
        Assert.Null(await data.NextAsync());
        Assert.Null(await children.NextAsync());
        await _client.CreateAsync("/a", Bytes("1"));
        Assert.Equal("1", (await data.NextAsync()).Text());
        Assert.Empty((await children.NextAsync())!.Names);
        await _client.SetAsync("/a", Bytes("2"));
        Assert.Equal("2", (await data.NextAsync()).Text());
        await _client.CreateAsync("/a/b");
        Assert.Equal(["b"], (await children.NextAsync())!.Names);
        await _client.DeleteRecursiveAsync("/a");
        ZnodeChildren? last = await children.NextAsync();
        Assert.True(last is null || last.Names.Count == 0);
        Assert.Null(await data.NextAsync());
    }

    [ServerFact]
    public async Task Persistent_watches_yield_every_event()
    {
        await _client.CreateAsync("/a");
        await using IAsyncEnumerator<WatchEvent> subtree =
            _client.WatchAsync("/a", WatchScope.Subtree).GetAsyncEnumerator();
        Assert.Equal(WatchEventKind.Resync, (await subtree.NextAsync()).Kind);
        await using (IAsyncEnumerator<WatchEvent> znode = _client.WatchAsync("/b").GetAsyncEnumerator())
        {
            Assert.Equal(WatchEventKind.Resync, (await znode.NextAsync()).Kind);
            Watched<Stat?> missing = await _client.ExistsAndWatchAsync("/b");
            await _client.CreateAsync("/b");
            await _client.CreateAsync("/b/c");
            await _client.SetAsync("/b", default);
            Assert.Equal((WatchEventKind.Created, "/b"), Of(await znode.NextAsync()));
            Assert.Equal((WatchEventKind.ChildrenChanged, "/b"), Of(await znode.NextAsync()));
            Assert.Equal((WatchEventKind.DataChanged, "/b"), Of(await znode.NextAsync()));
            Assert.Equal(WatchEventKind.Created, (await missing.Changed.Soon()).Kind);
        }

        await _client.CreateAsync("/a/b");
        await _client.CreateAsync("/a/b/c", Bytes("x"));
        await _client.DeleteAsync("/a/b/c");
        Assert.Equal((WatchEventKind.Created, "/a/b"), Of(await subtree.NextAsync()));
        Assert.Equal((WatchEventKind.Created, "/a/b/c"), Of(await subtree.NextAsync()));
        Assert.Equal((WatchEventKind.Deleted, "/a/b/c"), Of(await subtree.NextAsync()));
    }

    [ServerFact]
    public async Task A_one_shot_watch_is_told_when_the_persistent_one_above_it_goes()
    {
        IAsyncEnumerator<WatchEvent> stream = _client.WatchAsync("/a").GetAsyncEnumerator();
        await stream.NextAsync();
        Watched<Stat?> missing = await _client.ExistsAndWatchAsync("/a");
        await stream.DisposeAsync();
        Assert.Equal(WatchEventKind.Resync, (await missing.Changed.Soon()).Kind);
    }

    [ServerFact]
    public async Task Pipelines_what_is_called_together_and_answers_in_order()
    {
        await _client.CreateAsync("/n");
        Task<Stat>[] sets = [.. Enumerable.Range(0, 2_000).Select(i => _client.SetAsync("/n", new byte[i % 200]))];
        Stat[] stats = await Task.WhenAll(sets);
        Assert.Equal(Enumerable.Range(1, 2_000), stats.Select(stat => stat.Version));
    }

    [ServerFact]
    public async Task Ephemerals_go_when_the_client_is_disposed()
    {
        CoordClient other = await ConnectAsync();
        await other.CreateAsync("/e", mode: CreateMode.Ephemeral);
        await other.DisposeAsync();
        Assert.Equal(SessionState.Closed, other.State);
        Assert.True(other.SessionLost.IsCancellationRequested);
        await _client.SyncAsync();
        Assert.Null(await _client.ExistsAsync("/e"));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => other.GetAsync("/e"));
    }

    [ServerFact]
    public async Task Recursive_helpers()
    {
        await _client.EnsurePathAsync("/p/q/r/s");
        await _client.EnsurePathAsync("/p/q/r/s");
        await Task.WhenAll(Enumerable.Range(0, 600).Select(i => _client.CreateAsync($"/p/q/{i}")));
        Assert.Equal(604, await _client.CountDescendantsAsync("/"));
        await _client.DeleteRecursiveAsync("/p");
        Assert.Equal(0, await _client.CountDescendantsAsync("/"));
        await _client.DeleteRecursiveAsync("/p");
    }

    [ServerFact]
    public async Task Large_data_passes_and_larger_is_refused_here()
    {
        byte[] large = new byte[1_000_000];
        large[^1] = 7;
        await _client.CreateAsync("/large", large);
        Assert.Equal(large, (await _client.GetAsync("/large")).Data.ToArray());
        CoordException refused =
            await Assert.ThrowsAsync<CoordException>(() => _client.SetAsync("/large", new byte[1_048_576]));
        Assert.Equal(CoordErrorCode.BadArguments, refused.Code);
        Assert.NotNull(await _client.ExistsAsync("/large"));
    }

    [ServerFact]
    public async Task Cut_connections_lose_no_session_no_acknowledged_write_and_no_last_value()
    {
        using var proxy = new CuttingProxy(Server, bytesPerConnection: 2_500);
        await using CoordClient cut = await CoordClient.ConnectAsync(new CoordClientOptions
        {
            ConnectionString = proxy.Address + _root,
            SessionTimeout = TimeSpan.FromSeconds(20),
            ReconnectDelay = TimeSpan.FromMilliseconds(1),
        });
        await _client.CreateAsync("/n", Bytes("start"));
        await cut.SyncAsync();
        Task<string> seen = LastSeenAsync(cut, "/n", "end");
        int acknowledged = 0, unknown = 0;
        for (int i = 0; i < 60; i++)
        {
            Task<Stat>[] sets = [.. Enumerable.Range(0, 5).Select(j => cut.SetAsync("/n", Bytes($"{i}.{j}")))];
            Assert.NotNull(await cut.ExistsAsync("/n"));
            foreach (Task<Stat> set in sets)
            {
                try
                {
                    await set;
                    acknowledged++;
                }
                catch (OutcomeUnknownException)
                {
                    unknown++;
                }
            }
        }

        Stat last = await _client.SetAsync("/n", Bytes("end"));
        Assert.InRange(last.Version - 1, acknowledged, acknowledged + unknown);
        Assert.Equal("end", await seen.Soon());
        Assert.True(proxy.Cuts >= 5, $"Only {proxy.Cuts} cuts");
        Assert.False(cut.SessionLost.IsCancellationRequested);
    }

    private static async Task<string> LastSeenAsync(CoordClient client, string path, string last)
    {
        await foreach (ZnodeData? data in client.WatchDataAsync(path))
        {
            if (data.Text() == last)
            {
                break;
            }
        }

        return last;
    }

    private static (WatchEventKind Kind, string Path) Of(WatchEvent what) => (what.Kind, what.Path);

    private Task<CoordClient> ConnectAsync() => CoordClient.ConnectAsync(new CoordClientOptions
    {
        ConnectionString = Server + _root,
        SessionTimeout = TimeSpan.FromSeconds(20),
    });
}
