namespace Orleans.Coord.Recipes;

/// <summary>
/// A value that all read and any may change, without losing another's change. It lives in one znode, which is
/// created by the first write and not to be deleted by others.
/// </summary>
/// <remarks>
/// When a connection breaks under a write, the write ends with <see cref="OutcomeUnknownException"/> where the server
/// cannot tell what became of it: read before trying again.
/// </remarks>
public sealed class SharedValue
{
    private readonly CoordClient _client;

    /// <summary>Names a value; nothing is sent.</summary>
    /// <param name="client">The session to read and write with.</param>
    /// <param name="path">The znode that holds it.</param>
    public SharedValue(CoordClient client, string path)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(path);
        _client = client;
        Path = path;
    }

    /// <summary>The znode that holds the value.</summary>
    public string Path { get; }

    /// <summary>Reads the value; null when there is none yet.</summary>
    /// <param name="cancellation">Gives up.</param>
    public Task<ZnodeData?> GetAsync(CancellationToken cancellation = default) =>
        _client.TryGetAsync(Path, cancellation);

    /// <summary>Writes the value whatever it was.</summary>
    /// <param name="data">The new value.</param>
    /// <param name="cancellation">Gives up waiting; the write may happen all the same.</param>
    /// <exception cref="OutcomeUnknownException">The connection was lost before the answer came.</exception>
    public async Task SetAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation = default)
    {
        while (true)
        {
            CoordResult<Stat> set =
                await _client.TrySetAsync(Path, data, CoordClient.AnyVersion, cancellation).ConfigureAwait(false);
            if (set.Succeeded || await TryCreateAsync(data, cancellation).ConfigureAwait(false))
            {
                return;
            }
        }
    }

    /// <summary>Writes the value if it is still the one that was read; false when it has changed.</summary>
    /// <param name="data">The new value.</param>
    /// <param name="expected">What was read; null when there was none.</param>
    /// <param name="cancellation">Gives up waiting; the write may happen all the same.</param>
    /// <exception cref="OutcomeUnknownException">The connection was lost before the answer came.</exception>
    public async Task<bool> TrySetAsync(
        ReadOnlyMemory<byte> data, ZnodeData? expected, CancellationToken cancellation = default)
    {
        if (expected is null)
        {
            return await TryCreateAsync(data, cancellation).ConfigureAwait(false);
        }

        CoordResult<Stat> set =
            await _client.TrySetAsync(Path, data, expected.Stat.Version, cancellation).ConfigureAwait(false);
        return set.Succeeded;
    }

    /// <summary>Changes the value; tries anew whenever somebody else was faster.</summary>
    /// <param name="change">Makes the new value from the old (null for none); may run several times.</param>
    /// <param name="cancellation">Gives up waiting; the write may happen all the same.</param>
    /// <returns>The value written.</returns>
    /// <exception cref="OutcomeUnknownException">The connection was lost before the answer came.</exception>
    public async Task<ReadOnlyMemory<byte>> UpdateAsync(
        Func<ReadOnlyMemory<byte>?, ReadOnlyMemory<byte>> change, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(change);
        while (true)
        {
            ZnodeData? old = await GetAsync(cancellation).ConfigureAwait(false);
            ReadOnlyMemory<byte> data = change(old?.Data);
            if (await TrySetAsync(data, old, cancellation).ConfigureAwait(false))
            {
                return data;
            }
        }
    }

    /// <summary>
    /// The present value (null for none), then each new one; a slow consumer may miss some in between, never the last.
    /// </summary>
    /// <param name="cancellation">Ends the stream.</param>
    /// <exception cref="SessionLostException">The session has expired.</exception>
    public IAsyncEnumerable<ZnodeData?> WatchAsync(CancellationToken cancellation = default) =>
        _client.WatchDataAsync(Path, cancellation);

    /// <summary>Creates the znode, and its parents when they are missing; false when it exists.</summary>
    internal async Task<bool> TryCreateAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation)
    {
        while (true)
        {
            CoordResult<CreatedZnode> made =
                await _client.TryCreateAsync(Path, data, cancellation: cancellation).ConfigureAwait(false);
            if (made.Code != CoordErrorCode.NoNode)
            {
                return made.Succeeded;
            }

            await _client.EnsureAsync(Paths.ParentOf(Path), cancellation).ConfigureAwait(false);
        }
    }
}
