using System.Globalization;
using System.Text;

namespace Orleans.Coord.Recipes;

/// <summary>
/// A number of places of which each holder has one, across processes and machines. Fair: granted in the order in
/// which the contenders asked. Shares its places with kazoo's semaphore at the same path.
/// </summary>
public sealed class CoordSemaphore
{
    private readonly CoordClient _client;
    private readonly WaitingLine _line;
    private readonly ReadOnlyMemory<byte> _identifier;

    /// <summary>Names a semaphore; nothing is sent.</summary>
    /// <param name="client">The session to hold places with.</param>
    /// <param name="path">The znode whose children are the holders. Those who wait stand at
    /// <c>PATH-__lock__</c>.</param>
    /// <param name="places">How many may hold it at a time: the same number everywhere.</param>
    /// <param name="identifier">Who this is, for people and tools to read.</param>
    public CoordSemaphore(CoordClient client, string path, int places, string identifier = "")
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(path);
        ArgumentOutOfRangeException.ThrowIfLessThan(places, 1);
        _client = client;
        _line = new WaitingLine(client, path + "-__lock__", new() { Identifier = identifier });
        _identifier = Encoding.UTF8.GetBytes(identifier);
        Path = path;
        Places = places;
    }

    /// <summary>The znode whose children are the holders.</summary>
    public string Path { get; }

    /// <summary>How many may hold it at a time.</summary>
    public int Places { get; }

    /// <summary>Waits for a place.</summary>
    /// <param name="timeout">How long; null for as long as it takes.</param>
    /// <param name="cancellation">Gives up; nothing is left behind.</param>
    /// <exception cref="TimeoutException">None was free in time.</exception>
    /// <exception cref="InvalidOperationException">The semaphore was made with another number of places.</exception>
    /// <exception cref="SessionLostException">The session has expired.</exception>
    public Task<CoordHandle> AcquireAsync(TimeSpan? timeout = null, CancellationToken cancellation = default) =>
        Steps.OrThrowAsync(TryAcquireAsync(timeout ?? Timeout.InfiniteTimeSpan, cancellation), Path);

    /// <summary>Takes a place, or null when none is free in time.</summary>
    /// <param name="timeout">
    /// How long to wait; zero for one attempt, which also gives up where somebody else is just about to be served.
    /// </param>
    /// <param name="cancellation">Gives up; nothing is left behind.</param>
    /// <exception cref="InvalidOperationException">The semaphore was made with another number of places.</exception>
    /// <exception cref="SessionLostException">The session has expired.</exception>
    public Task<CoordHandle?> TryAcquireAsync(TimeSpan timeout = default, CancellationToken cancellation = default) =>
        Steps.TryAsync(timeout, limit => EnterAsync(timeout != TimeSpan.Zero, limit), cancellation);

    private async Task<CoordHandle?> EnterAsync(bool wait, CancellationToken cancellation)
    {
        while (true)
        {
            await EnsureAsync(cancellation).ConfigureAwait(false);
            if (await _line.EnterAsync(LockPart.Whole, wait, cancellation).ConfigureAwait(false) is not { } turn)
            {
                return null;
            }

            CreatedZnode? lease = null;
            try
            {
                if (!await WaitForPlaceAsync(wait, cancellation).ConfigureAwait(false))
                {
                    return null;
                }

                lease = await Steps.OrUndoAsync(TakeAsync(turn), UndoAsync, cancellation).ConfigureAwait(false);
                if (lease is not null)
                {
                    return new CoordHandle(_client, lease);
                }
            }
            finally
            {
                // The lease's own transaction has deleted the turn.
                if (lease is null)
                {
                    _line.LeaveAsync(turn).Forget();
                }
            }
        }
    }

    /// <summary>Only who is first in the line comes here, so that one waiter alone hears of each change.</summary>
    private async Task<bool> WaitForPlaceAsync(bool wait, CancellationToken cancellation)
    {
        ZnodeChildren? leases = await _client.ListAsync(Path, cancellation).ConfigureAwait(false);
        while (leases?.Names.Count >= Places)
        {
            if (!wait)
            {
                return false;
            }

            Watched<ZnodeChildren?> now =
                await _client.ListAndWatchAsync(Path, cancellation).ConfigureAwait(false);
            leases = now.Value;
            if (leases?.Names.Count >= Places)
            {
                await now.Changed.WaitAsync(cancellation).ConfigureAwait(false);
                leases = await _client.ListAsync(Path, cancellation).ConfigureAwait(false);
            }
        }

        return true;
    }

    private Task<CreatedZnode?> TakeAsync(CreatedZnode turn)
    {
        string lease = Paths.Join(Path, Paths.Unique());
        return OwnNode.TryCommitAsync(_client, lease, _identifier, () => _client.Transaction()
            .Check(turn.Path)
            .Create(lease, _identifier, CreateMode.Ephemeral)
            .Delete(turn.Path));
    }

    private async Task UndoAsync(CreatedZnode? lease)
    {
        if (lease is not null)
        {
            await OwnNode.DeleteAsync(_client, lease.Path).ConfigureAwait(false);
        }
    }

    private async Task EnsureAsync(CancellationToken cancellation)
    {
        ReadOnlyMemory<byte> written = Encoding.UTF8.GetBytes(Places.ToString(CultureInfo.InvariantCulture));
        ZnodeData? node;
        while ((node = await _client.ReadAsync(Path, cancellation).ConfigureAwait(false)) is null)
        {
            try
            {
                await new SharedValue(_client, Path).TryCreateAsync(written, cancellation).ConfigureAwait(false);
            }
            catch (OutcomeUnknownException)
            {
                // Reading again tells.
            }
        }

        // Data that is no number belongs to somebody else's purpose.
        if (int.TryParse(node.Data.Span, NumberStyles.None, CultureInfo.InvariantCulture, out int places)
            && places != Places)
        {
            throw new InvalidOperationException($"{Path} has {places} places, not {Places}");
        }
    }
}
