using System.Text;

namespace Orleans.Coord.Recipes.Tests.WithServer;

/// <summary>Below a root of its own on the server under test: ours, or ZooKeeper 3.6 and later.</summary>
public abstract class RecipeTest : IAsyncLifetime
{
    private protected static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    private readonly List<CoordClient> _clients = [];
    private CoordClient? _client;

    /// <summary>An honest client, which is never cut off.</summary>
    private protected CoordClient Client => _client!;

    private protected string Root { get; } = $"/recipe-tests-{Guid.NewGuid():N}";

    private protected static string Server => Environment.GetEnvironmentVariable(ServerFactAttribute.Variable) ?? "";

    public async Task InitializeAsync()
    {
        if (Server.Length > 0)
        {
            _client = await NewClientAsync();
            await Client.EnsurePathAsync("/");
        }
    }

    public async Task DisposeAsync()
    {
        if (_client is null)
        {
            return;
        }

        foreach (CoordClient client in _clients.Skip(1))
        {
            await client.DisposeAsync();
        }

        await Client.DeleteRecursiveAsync("/");
        await Client.DisposeAsync();
        await using CoordClient outside = await CoordClient.ConnectAsync(Server);
        await outside.SyncAsync();
        await outside.DeleteAsync(Root);
    }

    /// <summary>A session of its own; through a proxy when one is given.</summary>
    private protected async Task<CoordClient> NewClientAsync(FaultProxy? proxy = null, int timeoutSeconds = 30)
    {
        CoordClient client = await CoordClient.ConnectAsync(new CoordClientOptions
        {
            ConnectionString = (proxy?.Address ?? Server) + Root,
            SessionTimeout = TimeSpan.FromSeconds(timeoutSeconds),
            ReconnectDelay = TimeSpan.FromMilliseconds(1),
        }).WaitAsync(Patience);
        _clients.Add(client);
        return client;
    }

    private protected async Task<CoordClient[]> NewClientsAsync(int count, FaultProxy? proxy = null) =>
        await Task.WhenAll(Enumerable.Range(0, count).Select(_ => NewClientAsync(proxy))).ConfigureAwait(false);

    /// <summary>Waits until a znode has so many children; 0 also when it is missing.</summary>
    private protected async Task ChildrenAsync(string path, int count)
    {
        using var limit = new CancellationTokenSource(Patience);
        await foreach (ZnodeChildren? children in Client.WatchChildrenAsync(path, limit.Token))
        {
            if ((children?.Names.Count ?? 0) == count)
            {
                return;
            }
        }
    }

    /// <summary>Waits until a token is cancelled.</summary>
    private protected static async Task CancelledAsync(CancellationToken token)
    {
        var cancelled = new TaskCompletionSource();
        await using CancellationTokenRegistration registration = token.Register(cancelled.SetResult);
        await cancelled.Task.Soon();
    }

    private protected static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}

/// <summary>Short names for what tests write often.</summary>
internal static class Shorthand
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    public static Task<T> Soon<T>(this Task<T> task) => task.WaitAsync(Patience);

    public static Task Soon(this Task task) => task.WaitAsync(Patience);

    public static string Text(this ReadOnlyMemory<byte> data) => Encoding.UTF8.GetString(data.Span);

    public static async Task<T> NextAsync<T>(this IAsyncEnumerator<T> stream)
    {
        Assert.True(await stream.MoveNextAsync().AsTask().Soon());
        return stream.Current;
    }
}
