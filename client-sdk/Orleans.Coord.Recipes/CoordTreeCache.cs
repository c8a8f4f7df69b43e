using System.Collections.Immutable;

namespace Orleans.Coord.Recipes;

/// <summary>
/// A subtree kept in memory, and up to date: reads cost nothing and are never older than what the connected server had
/// a moment ago. For configuration and directories of thousands of znodes, not for millions.
/// </summary>
public sealed class CoordTreeCache : IAsyncDisposable
{
    private const int Together = 256;

    private readonly CoordClient _client;
    private readonly int _maxZnodes;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _filled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _run;
    private bool _disposed;
    private ImmutableSortedDictionary<string, ZnodeData> _znodes =
        ImmutableSortedDictionary.Create<string, ZnodeData>(StringComparer.Ordinal);

    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private CoordTreeCache(CoordClient client, string path, int maxZnodes)
    {
        _client = client;
        _maxZnodes = maxZnodes;
        Path = path;
        _run = RunAsync();
    }

    /// <summary>The root of the subtree.</summary>
    public string Path { get; }

    /// <summary>
    /// The znodes by path, the root included, as of one moment; empty while there is no root. A copy that never
    /// changes: read it once for answers that go together.
    /// </summary>
    public IReadOnlyDictionary<string, ZnodeData> Znodes => Volatile.Read(ref _znodes);

    /// <summary>
    /// Ends with <see cref="SessionLostException"/> when the session is lost (the content then grows old), or with
    /// the reason why the server refused a read.
    /// </summary>
    public Task Completion => _run;

    /// <summary>Reads the subtree and follows it from then on.</summary>
    /// <param name="client">The session to read with.</param>
    /// <param name="path">The root of the subtree, which need not exist.</param>
    /// <param name="maxZnodes">The most znodes to hold; more end the cache with an error.</param>
    /// <param name="cancellation">Gives up while it is being filled.</param>
    /// <exception cref="CoordException">No right to read, or a ZooKeeper before 3.6.</exception>
    /// <exception cref="InvalidOperationException">The subtree has too many znodes.</exception>
    public static async Task<CoordTreeCache> StartAsync(
        CoordClient client, string path, int maxZnodes = 100_000, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(path);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxZnodes, 1);
        var cache = new CoordTreeCache(client, path, maxZnodes);
        try
        {
            await (await Task.WhenAny(cache._filled.Task, cache._run).WaitAsync(cancellation).ConfigureAwait(false))
                .ConfigureAwait(false);
            return cache;
        }
        catch
        {
            await cache.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>
    /// The content, then each new one; a slow consumer may miss some in between, never the last. Ends when the cache is
    /// disposed, and fails with what else ends it.
    /// </summary>
    /// <param name="cancellation">Ends the stream.</param>
    public async IAsyncEnumerable<IReadOnlyDictionary<string, ZnodeData>> WatchAsync(
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation = default)
    {
        while (true)
        {
            Task changed;
            ImmutableSortedDictionary<string, ZnodeData> now;
            lock (_gate)
            {
                (changed, now) = (_changed.Task, _znodes);
            }

            yield return now;
            Task first = await Task.WhenAny(changed, _run).WaitAsync(cancellation).ConfigureAwait(false);
            await first.ConfigureAwait(false);
            if (first == _run)
            {
                yield break;
            }
        }
    }

    /// <summary>Stops following; the content stays as it is.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, true))
        {
            return;
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        await _run.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            await foreach (WatchEvent what in
                _client.WatchAsync(Path, WatchScope.Subtree, _stop.Token).ConfigureAwait(false))
            {
                ImmutableSortedDictionary<string, ZnodeData> next = what.Kind == WatchEventKind.Resync
                    ? await ReadAllAsync().ConfigureAwait(false)
                    : await ReadOneAsync(what.Path).ConfigureAwait(false);
                if (next.Count > _maxZnodes)
                {
                    throw new InvalidOperationException($"There are more than {_maxZnodes} znodes below {Path}");
                }

                Publish(next);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Disposed.
        }
    }

    private void Publish(ImmutableSortedDictionary<string, ZnodeData> next)
    {
        TaskCompletionSource changed;
        lock (_gate)
        {
            Volatile.Write(ref _znodes, next);
            changed = _changed;
            _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        changed.SetResult();
        _filled.TrySetResult();
    }

    // Whatever the event was: what a read finds now is newer still, and later events bring the rest.
    private async Task<ImmutableSortedDictionary<string, ZnodeData>> ReadOneAsync(string path)
    {
        ZnodeData? node = await _client.ReadAsync(path, _stop.Token).ConfigureAwait(false);
        return node is null ? _znodes.Remove(path) : _znodes.SetItem(path, node);
    }

    private async Task<ImmutableSortedDictionary<string, ZnodeData>> ReadAllAsync()
    {
        ImmutableSortedDictionary<string, ZnodeData>.Builder found = _znodes.Clear().ToBuilder();
        var waiting = new Queue<string>([Path]);
        while (waiting.Count > 0 && found.Count <= _maxZnodes)
        {
            string[] paths = [.. Enumerable.Range(0, Math.Min(Together, waiting.Count)).Select(_ => waiting.Dequeue())];
            Task<ZnodeData?>[] reads = [.. paths.Select(path => _client.ReadAsync(path, _stop.Token))];
            Task<ZnodeChildren?>[] lists = [.. paths.Select(path => _client.ListAsync(path, _stop.Token))];
            ZnodeData?[] nodes = await Task.WhenAll(reads).ConfigureAwait(false);
            ZnodeChildren?[] children = await Task.WhenAll(lists).ConfigureAwait(false);
            for (int i = 0; i < paths.Length; i++)
            {
                if (nodes[i] is { } node)
                {
                    found[paths[i]] = node;
                }

                foreach (string name in children[i]?.Names ?? [])
                {
                    waiting.Enqueue(Paths.Join(paths[i], name));
                }
            }
        }

        return found.ToImmutable();
    }
}
