namespace Orleans.Coord.Recipes;

/// <summary>
/// A lock that one holder has at a time, across processes and machines. Fair: granted in the order in which the
/// contenders asked. Not re-entrant. Safe for concurrent use; every acquire is a contender of its own.
/// </summary>
public sealed class CoordLock
{
    private readonly WaitingLine _line;

    /// <summary>Names a lock; nothing is sent.</summary>
    /// <param name="client">The session to hold it with.</param>
    /// <param name="path">The znode whose children are the contenders; created when missing.</param>
    /// <param name="options">How it behaves; null for the defaults.</param>
    public CoordLock(CoordClient client, string path, CoordLockOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(path);
        _line = new WaitingLine(client, path, options ?? new());
        Path = path;
    }

    /// <summary>The znode whose children are the contenders.</summary>
    public string Path { get; }

    /// <summary>Waits for the lock.</summary>
    /// <param name="timeout">How long; null for as long as it takes.</param>
    /// <param name="cancellation">Gives up; the place in the line is left.</param>
    /// <exception cref="TimeoutException">It was not granted in time.</exception>
    /// <exception cref="SessionLostException">The session has expired.</exception>
    public Task<CoordHandle> AcquireAsync(TimeSpan? timeout = null, CancellationToken cancellation = default) =>
        Steps.OrThrowAsync(TryAcquireAsync(timeout ?? Timeout.InfiniteTimeSpan, cancellation), Path);

    /// <summary>Takes the lock, or null when it is not granted in time.</summary>
    /// <param name="timeout">How long to wait; zero for one attempt, which takes a round trip or two.</param>
    /// <param name="cancellation">Gives up; the place in the line is left.</param>
    /// <exception cref="SessionLostException">The session has expired.</exception>
    public Task<CoordHandle?> TryAcquireAsync(TimeSpan timeout = default, CancellationToken cancellation = default) =>
        _line.TryHoldAsync(LockPart.Whole, timeout, cancellation);

    /// <summary>Lists the holder, when there is one, and then those who wait, in order.</summary>
    /// <param name="cancellation">Gives up.</param>
    public async Task<IReadOnlyList<LockContender>> GetContendersAsync(CancellationToken cancellation = default) =>
        await _line.ListAsync(cancellation).ConfigureAwait(false);
}
