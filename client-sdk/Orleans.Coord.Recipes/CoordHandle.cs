namespace Orleans.Coord.Recipes;

/// <summary>
/// Something held: a lock, a place in a semaphore, the leadership, a membership. It is an ephemeral znode of the
/// client's session, and it is given back by disposing.
/// </summary>
/// <remarks>
/// <para>
/// It can be lost before that: with the session, or when another hand deletes the znode. Take
/// <see cref="HandleLostToken"/> as the order to stop. A process that is paused between a look at the token and a
/// write cannot know; so let the write itself be refused: <see cref="GuardedTransaction"/> for what is kept in the
/// same tree, <see cref="FencingToken"/> for any other store.
/// </para>
/// <para>Not re-entrant: a second acquire by the same client waits for the first to be given back.</para>
/// </remarks>
public sealed class CoordHandle : IAsyncDisposable
{
    private readonly CoordClient _client;
    private readonly CancellationTokenSource _lost;
    private readonly CancellationToken _lostToken;
    private readonly Lock _gate = new();
    private bool _watched;
    private Task? _release;

    internal CoordHandle(CoordClient client, CreatedZnode node)
    {
        _client = client;
        Path = node.Path;
        FencingToken = node.Stat.Czxid;
        _lost = client.LinkSessionLost();
        _lostToken = _lost.Token;
    }

    /// <summary>The znode that stands for what is held.</summary>
    public string Path { get; }

    /// <summary>
    /// The zxid that created the znode: of two holders that exclude each other the later one has the greater token.
    /// Pass it along with writes to other stores, and let them refuse a token less than the greatest they have seen.
    /// </summary>
    public long FencingToken { get; }

    /// <summary>
    /// Cancelled when what is held is lost; with the session that is before the server can grant it to anybody else.
    /// Not cancelled by giving it back. The znode itself is watched from the first use of this property on.
    /// </summary>
    public CancellationToken HandleLostToken
    {
        get
        {
            WatchOnce();
            return _lostToken;
        }
    }

    /// <summary>
    /// False once it was given back or is known to be lost. Asks the clock, so that it is right also in a process that
    /// was paused, where <see cref="HandleLostToken"/> may come a moment late.
    /// </summary>
    public bool IsHeld => Volatile.Read(ref _release) is null
        && _client.State is not (SessionState.Expired or SessionState.Closed)
        && !_lostToken.IsCancellationRequested;

    /// <summary>
    /// Starts a transaction that happens only if this is still held. Its first operation is the check, so that the
    /// caller's own are counted from 1 in its results; a refusal at 0 means: no longer held.
    /// </summary>
    public CoordTransaction GuardedTransaction() => _client.Transaction().Check(Path);

    /// <summary>
    /// Gives it back. When this ends the znode is gone, or the session is lost and the server deletes it.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await ReleaseByAsync(() => OwnNode.DeleteAsync(_client, Path)).ConfigureAwait(false);
        }
        catch (Exception e) when (e is SessionLostException or ObjectDisposedException)
        {
            // The znode goes with the session.
        }
    }

    /// <summary>Gives it back in the way told, unless it was given back before; then awaits that.</summary>
    internal Task ReleaseByAsync(Func<Task> delete)
    {
        lock (_gate)
        {
            return _release ??= ReleaseOnceAsync(delete);
        }
    }

    private async Task ReleaseOnceAsync(Func<Task> delete)
    {
        try
        {
            await delete().ConfigureAwait(false);
        }
        finally
        {
            _lost.Dispose();
        }
    }

    private void WatchOnce()
    {
        lock (_gate)
        {
            if (_watched || _release is not null)
            {
                return;
            }

            _watched = true;
        }

        WatchAsync().Forget();
    }

    private async Task WatchAsync()
    {
        while (await _client.ReadAndWatchAsync(Path, _lostToken).ConfigureAwait(false) is { } node)
        {
            await node.Changed.WaitAsync(_lostToken).ConfigureAwait(false);
        }

        lock (_gate)
        {
            if (_release is null)
            {
                _ = _lost.CancelAsync();
            }
        }
    }
}
