namespace Orleans.Coord.Recipes;

/// <summary>
/// Several locks held together, or none. They are taken one after the other in the order of their paths, so that two
/// multi-locks that share some never wait for each other in a circle. Shares its places with <see cref="CoordLock"/>.
/// </summary>
public sealed class CoordMultiLock
{
    private readonly CoordClient _client;
    private readonly WaitingLine[] _lines;

    /// <summary>Names the locks; nothing is sent.</summary>
    /// <param name="client">The session to hold them with.</param>
    /// <param name="paths">The locks' paths; one that is named twice counts once.</param>
    /// <param name="options">How it names its znodes, and who it says it is.</param>
    /// <exception cref="ArgumentException">No path is given.</exception>
    public CoordMultiLock(CoordClient client, IEnumerable<string> paths, CoordLockOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(paths);
        _client = client;
        Paths = [.. paths.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        _lines = [.. Paths.Select(path => new WaitingLine(client, path, options ?? new()))];
        if (_lines.Length == 0)
        {
            throw new ArgumentException("A multi-lock needs one path at least", nameof(paths));
        }
    }

    /// <summary>The locks' paths, in the order in which they are taken.</summary>
    public IReadOnlyList<string> Paths { get; }

    /// <summary>Waits for all locks.</summary>
    /// <param name="timeout">How long, for all together; null for as long as it takes.</param>
    /// <param name="cancellation">Gives up; nothing is left behind.</param>
    /// <exception cref="TimeoutException">Not granted in time.</exception>
    /// <exception cref="SessionLostException">The session has expired.</exception>
    public Task<CoordMultiHandle> AcquireAsync(TimeSpan? timeout = null, CancellationToken cancellation = default) =>
        Steps.OrThrowAsync(TryAcquireAsync(timeout ?? Timeout.InfiniteTimeSpan, cancellation), Paths[0]);

    /// <summary>Takes all locks, or null when not all are free in time.</summary>
    /// <param name="timeout">How long to wait, for all together; zero for one attempt.</param>
    /// <param name="cancellation">Gives up; nothing is left behind.</param>
    /// <exception cref="SessionLostException">The session has expired.</exception>
    public Task<CoordMultiHandle?> TryAcquireAsync(
        TimeSpan timeout = default, CancellationToken cancellation = default) =>
        Steps.TryAsync(timeout, limit => TakeAllAsync(timeout != TimeSpan.Zero, limit), cancellation);

    private async Task<CoordMultiHandle?> TakeAllAsync(bool wait, CancellationToken cancellation)
    {
        var taken = new List<CoordHandle>(_lines.Length);
        bool all = false;
        try
        {
            foreach (WaitingLine line in _lines)
            {
                CreatedZnode? place =
                    await line.EnterAsync(LockPart.Whole, wait, cancellation).ConfigureAwait(false);
                if (place is null)
                {
                    return null;
                }

                taken.Add(new CoordHandle(_client, place));
            }

            all = true;
            return new CoordMultiHandle(_client, taken);
        }
        finally
        {
            if (!all)
            {
                taken.ForEach(static handle => handle.DisposeAsync().AsTask().Forget());
            }
        }
    }
}

/// <summary>Several locks held together; given back by disposing.</summary>
public sealed class CoordMultiHandle : IAsyncDisposable
{
    private readonly CoordClient _client;
    private readonly List<CoordHandle> _handles;
    private readonly Lazy<CancellationTokenSource> _lost;

    internal CoordMultiHandle(CoordClient client, List<CoordHandle> handles)
    {
        _client = client;
        _handles = handles;
        _lost = new(() => CancellationTokenSource.CreateLinkedTokenSource(
            [.. _handles.Select(static handle => handle.HandleLostToken)]));
    }

    /// <summary>The locks, in the order of their paths.</summary>
    public IReadOnlyList<CoordHandle> Handles => _handles;

    /// <summary>
    /// The token of the lock that was granted last. Of two holders that share a lock the later one has the greater.
    /// </summary>
    public long FencingToken => _handles.Max(static handle => handle.FencingToken);

    /// <summary>Cancelled when any of the locks is lost.</summary>
    public CancellationToken HandleLostToken => _lost.Value.Token;

    /// <summary>False once they were given back, or one is known to be lost.</summary>
    public bool IsHeld => _handles.TrueForAll(static handle => handle.IsHeld);

    /// <summary>
    /// Starts a transaction that happens only if all locks are still held; the caller's own operations are counted
    /// after one check for each lock.
    /// </summary>
    public CoordTransaction GuardedTransaction() =>
        _handles.Aggregate(_client.Transaction(), static (guarded, handle) => guarded.Check(handle.Path));

    /// <summary>Gives all locks back.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (Task released in _handles.ConvertAll(static handle => handle.DisposeAsync().AsTask()))
        {
            await released.ConfigureAwait(false);
        }

        if (_lost.IsValueCreated)
        {
            _lost.Value.Dispose();
        }
    }
}
