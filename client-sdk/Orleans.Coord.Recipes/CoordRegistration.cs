namespace Orleans.Coord.Recipes;

/// <summary>
/// An ephemeral znode that is meant to be there for as long as this object lives: created again when another hand
/// deletes it, and by the next session when its session is lost.
/// </summary>
public sealed class CoordRegistration : IAsyncDisposable
{
    private readonly CoordClientSource _source;
    private readonly CancellationTokenSource _stop = new();
    private readonly string _parent;
    private readonly string _name;
    private readonly ReadOnlyMemory<byte> _data;
    private readonly Task _run;
    private bool _disposed;
    private volatile TaskCompletionSource<CoordHandle> _present = NewSource();

    private CoordRegistration(CoordClientSource source, string path, ReadOnlyMemory<byte> data)
    {
        _source = source;
        _parent = Paths.ParentOf(path);
        _name = Paths.NameOf(path);
        _data = data;
        Path = path;
        _run = RunAsync();
    }

    /// <summary>The znode.</summary>
    public string Path { get; }

    /// <summary>Whether the znode is believed to be there now.</summary>
    public bool IsRegistered => _present.Task is { IsCompletedSuccessfully: true } present && present.Result.IsHeld;

    /// <summary>Ends only when the server refuses the znode for good, with the reason.</summary>
    public Task Completion => _run;

    /// <summary>Begins to keep a znode in being; returns at once.</summary>
    /// <param name="source">Where the sessions come from.</param>
    /// <param name="path">The znode; its parents are created when missing.</param>
    /// <param name="data">Its data. Not to be changed while this lives.</param>
    public static CoordRegistration Start(CoordClientSource source, string path, ReadOnlyMemory<byte> data = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(path);
        return new(source, path, data);
    }

    /// <summary>Waits until the znode is there, and returns the zxid that made it.</summary>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <exception cref="CoordException">The server refuses it.</exception>
    /// <exception cref="ObjectDisposedException">It was disposed.</exception>
    public async Task<long> WaitAsync(CancellationToken cancellation = default)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed), this);
        Task<CoordHandle> present = _present.Task;
        await (await Task.WhenAny(present, _run).WaitAsync(cancellation).ConfigureAwait(false)).ConfigureAwait(false);
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed), this);
        return (await present.WaitAsync(cancellation).ConfigureAwait(false)).FencingToken;
    }

    /// <summary>Deletes the znode and no longer keeps it in being.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, true))
        {
            return;
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        await _run.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        // Who waits for it hears that it is disposed.
        _present.TrySetCanceled(CancellationToken.None);
        _stop.Dispose();
    }

    private static TaskCompletionSource<CoordHandle> NewSource() =>
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task RunAsync()
    {
        try
        {
            await foreach (CoordClient client in _source.WatchAsync(_stop.Token).ConfigureAwait(false))
            {
                try
                {
                    await KeepAsync(client).ConfigureAwait(false);
                }
                catch (Exception e) when (e is SessionLostException or ObjectDisposedException)
                {
                    // The next session's turn.
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Disposed.
        }
    }

    private async Task KeepAsync(CoordClient client)
    {
        var group = new CoordGroup(client, _parent);
        while (true)
        {
            CoordHandle handle = await group.JoinAsync(_name, _data, null, _stop.Token).ConfigureAwait(false);
            await using (handle.ConfigureAwait(false))
            {
                _present.TrySetResult(handle);
                try
                {
                    await Task.Delay(Timeout.Infinite, handle.HandleLostToken).WaitAsync(_stop.Token)
                        .ConfigureAwait(false);
                }
                catch (OperationCanceledException) when (!_stop.IsCancellationRequested)
                {
                    _present = NewSource();
                }
            }
        }
    }
}
