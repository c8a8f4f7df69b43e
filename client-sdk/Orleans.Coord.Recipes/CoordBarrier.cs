namespace Orleans.Coord.Recipes;

/// <summary>Holds everybody back while it is set. It is set while its znode exists, as kazoo's and Curator's.</summary>
public sealed class CoordBarrier
{
    private readonly CoordClient _client;

    /// <summary>Names a barrier; nothing is sent.</summary>
    /// <param name="client">The session to use.</param>
    /// <param name="path">The znode that stands for the barrier.</param>
    public CoordBarrier(CoordClient client, string path)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(path);
        _client = client;
        Path = path;
    }

    /// <summary>The znode that stands for the barrier.</summary>
    public string Path { get; }

    /// <summary>Sets the barrier. It stays when this client goes.</summary>
    /// <param name="cancellation">Gives up waiting; it may be set all the same.</param>
    public Task SetAsync(CancellationToken cancellation = default) =>
        _client.EnsurePathAsync(Path, cancellation: cancellation);

    /// <summary>Removes the barrier: all who wait go on.</summary>
    /// <param name="cancellation">Gives up waiting; it may be removed all the same.</param>
    public async Task RemoveAsync(CancellationToken cancellation = default)
    {
        while (true)
        {
            try
            {
                await _client.TryDeleteAsync(Path, CoordClient.AnyVersion, cancellation).ConfigureAwait(false);
                return;
            }
            catch (OutcomeUnknownException)
            {
                // Removing twice is removing.
            }
        }
    }

    /// <summary>
    /// Waits until the barrier is not set. It sees a barrier whose setting was answered before the call, whichever
    /// server the caller is connected to.
    /// </summary>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="SessionLostException">The session has expired.</exception>
    public async Task WaitAsync(CancellationToken cancellation = default)
    {
        await _client.CatchUpAsync(Path, cancellation).ConfigureAwait(false);
        while (await _client.ReadAndWatchAsync(Path, cancellation).ConfigureAwait(false) is { } barrier)
        {
            await barrier.Changed.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }
}
