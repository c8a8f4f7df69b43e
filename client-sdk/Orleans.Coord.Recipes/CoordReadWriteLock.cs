namespace Orleans.Coord.Recipes;

/// <summary>
/// A lock that one writer or many readers have at a time. Fair: a reader that comes after a waiting writer waits for
/// it. Not re-entrant, no upgrade: a holder that asks for the other side waits for itself.
/// </summary>
public sealed class CoordReadWriteLock
{
    private readonly WaitingLine _line;

    /// <summary>Names a lock; nothing is sent.</summary>
    /// <param name="client">The session to hold it with.</param>
    /// <param name="path">The znode whose children are the contenders; created when missing.</param>
    /// <param name="options">How it behaves; null for the defaults.</param>
    public CoordReadWriteLock(CoordClient client, string path, CoordLockOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(path);
        _line = new WaitingLine(client, path, options ?? new());
        Path = path;
    }

    /// <summary>The znode whose children are the contenders.</summary>
    public string Path { get; }

    /// <summary>Waits for the reader's side: until no writer holds the lock or waited for it before.</summary>
    /// <param name="timeout">How long; null for as long as it takes.</param>
    /// <param name="cancellation">Gives up; the place in the line is left.</param>
    /// <exception cref="TimeoutException">It was not granted in time.</exception>
    /// <exception cref="SessionLostException">The session has expired.</exception>
    public Task<CoordHandle> AcquireReadAsync(TimeSpan? timeout = null, CancellationToken cancellation = default) =>
        Steps.OrThrowAsync(TryAcquireReadAsync(timeout ?? Timeout.InfiniteTimeSpan, cancellation), Path);

    /// <summary>Takes the reader's side, or null when it is not granted in time.</summary>
    /// <param name="timeout">How long to wait; zero for one attempt.</param>
    /// <param name="cancellation">Gives up; the place in the line is left.</param>
    /// <exception cref="SessionLostException">The session has expired.</exception>
    public Task<CoordHandle?> TryAcquireReadAsync(
        TimeSpan timeout = default, CancellationToken cancellation = default) =>
        _line.TryHoldAsync(LockPart.Read, timeout, cancellation);

    /// <summary>Waits for the writer's side: until nobody holds the lock or waited for it before.</summary>
    /// <param name="timeout">How long; null for as long as it takes.</param>
    /// <param name="cancellation">Gives up; the place in the line is left.</param>
    /// <exception cref="TimeoutException">It was not granted in time.</exception>
    /// <exception cref="SessionLostException">The session has expired.</exception>
    public Task<CoordHandle> AcquireWriteAsync(TimeSpan? timeout = null, CancellationToken cancellation = default) =>
        Steps.OrThrowAsync(TryAcquireWriteAsync(timeout ?? Timeout.InfiniteTimeSpan, cancellation), Path);

    /// <summary>Takes the writer's side, or null when it is not granted in time.</summary>
    /// <param name="timeout">How long to wait; zero for one attempt.</param>
    /// <param name="cancellation">Gives up; the place in the line is left.</param>
    /// <exception cref="SessionLostException">The session has expired.</exception>
    public Task<CoordHandle?> TryAcquireWriteAsync(
        TimeSpan timeout = default, CancellationToken cancellation = default) =>
        _line.TryHoldAsync(LockPart.Write, timeout, cancellation);
}
