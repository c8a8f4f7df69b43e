namespace Orleans.Coord.Recipes;

/// <summary>
/// Several locks held together, or none. They are taken one after the other in the order of their paths, so that two
/// multi-locks that share some never wait for each other in a circle. Shares its places with <see cref="CoordLock"/>.
/// </summary>
public sealed class CoordMultiLock
{
    private readonly CoordClient _client;
    private readonly WaitingLine[] _lines;
    private readonly ReadOnlyMemory<byte> _data;

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
        options ??= new();
        _data = options.Data;
        _lines = [.. Paths.Select(path => new WaitingLine(client, path, options))];
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
    /// <exception cref="TransactionFailedException">Another hand took one away when all were held.</exception>
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

            long token = await StampAsync(taken, cancellation).ConfigureAwait(false);
            all = true;
            return new CoordMultiHandle(_client, taken, token);
        }
        finally
        {
            if (!all)
            {
                taken.ForEach(static handle => handle.DisposeAsync().AsTask().Forget());
            }
        }
    }

    // A write once all are held: whoever held one of them before had its own token before that. The locks' own znodes
    // will not do, for each is as old as its place in a line.
    private async Task<long> StampAsync(List<CoordHandle> held, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                IReadOnlyList<TransactionResult> results = await CoordMultiHandle.Guard(_client, held)
                    .Set(held[^1].Path, _data).CommitAsync(cancellation).ConfigureAwait(false);
                return ((SetResult)results[^1]).Stat.Mzxid;
            }
            catch (CoordException e) when (e.Code == CoordErrorCode.ConnectionLoss)
            {
                // A second write gives a greater token.
            }
        }
    }
}

/// <summary>Several locks held together; given back by disposing.</summary>
public sealed class CoordMultiHandle : IAsyncDisposable
{
    private readonly CoordClient _client;
    private readonly List<CoordHandle> _handles;
    private readonly Lazy<LostLink> _lost;

    internal CoordMultiHandle(CoordClient client, List<CoordHandle> handles, long token)
    {
        FencingToken = token;
        _client = client;
        _handles = handles;
        _lost = new(() => new(client, [.. handles.Select(static handle => handle.HandleLostToken)]));
    }

    /// <summary>The locks, in the order of their paths.</summary>
    public IReadOnlyList<CoordHandle> Handles => _handles;

    /// <summary>
    /// Given once all locks were held: of two multi-locks that share a lock the later holder has the greater. Where
    /// some take one of the locks alone, pass that lock's own token, from <see cref="Handles"/>.
    /// </summary>
    public long FencingToken { get; }

    /// <summary>Cancelled when any of the locks is lost.</summary>
    public CancellationToken HandleLostToken => _lost.Value.Token;

    /// <summary>False once they were given back, or one is known to be lost.</summary>
    public bool IsHeld => _handles.TrueForAll(static handle => handle.IsHeld);

    /// <summary>
    /// Starts a transaction that happens only if all locks are still held; the caller's own operations are counted
    /// after one check for each lock.
    /// </summary>
    public CoordTransaction GuardedTransaction() => Guard(_client, _handles);

    internal static CoordTransaction Guard(CoordClient client, List<CoordHandle> handles) =>
        handles.Aggregate(client.Transaction(), static (guarded, handle) => guarded.Check(handle.Path));

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
