using System.Runtime.CompilerServices;

namespace Orleans.Coord.Client;

/// <summary>
/// One session after another, for programs that outlive their sessions: hands out the present client, and makes a new
/// one when its session is lost. What belonged to the lost session (ephemeral znodes, locks, watches) is gone; whoever
/// wants it back takes the next client and begins anew. Safe for concurrent use.
/// </summary>
public sealed class CoordClientSource : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly CoordClientOptions _options;
    private CoordClient? _current;
    private bool _disposed;

    /// <summary>Nothing is sent before the first client is asked for.</summary>
    /// <param name="options">Where and how; not to be changed afterwards.</param>
    /// <exception cref="ArgumentException">An option is not valid.</exception>
    /// <exception cref="FormatException">The connection string cannot be read.</exception>
    public CoordClientSource(CoordClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        ServerList.Parse(options.ConnectionString, shuffle: false);
        _options = options;
    }

    /// <summary>Where the present session stands; <see cref="SessionState.Connecting"/> before the first.</summary>
    public SessionState State
    {
        get
        {
            lock (_gate)
            {
                return _disposed ? SessionState.Closed : _current?.State ?? SessionState.Connecting;
            }
        }
    }

    /// <summary>
    /// The present client, a new one if its session was lost. It may not be connected yet: its calls wait. Owned by
    /// this source; do not dispose it.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The source was disposed.</exception>
    public CoordClient Current
    {
        get
        {
            lock (_gate)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                return _current is { State: not (SessionState.Expired or SessionState.Closed) }
                    ? _current
                    : Renew();
            }
        }
    }

    /// <summary>The present client once it is connected.</summary>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <exception cref="CoordException">The server refused a credential.</exception>
    /// <exception cref="ObjectDisposedException">The source was disposed.</exception>
    public async ValueTask<CoordClient> GetAsync(CancellationToken cancellation = default)
    {
        while (true)
        {
            CoordClient client = Current;
            SessionState state =
                await client.WaitForStateAsync(SessionState.Connected, cancellation).ConfigureAwait(false);
            switch (state)
            {
                case SessionState.Connected:
                    return client;
                case SessionState.Closed:
                    // Refused, or disposed along with this source: the client knows which.
                    await client.WaitForConnectedAsync(cancellation).ConfigureAwait(false);
                    break;
            }
        }
    }

    /// <summary>
    /// Each client as it connects: the present one, then every next one when the session before it was lost. What the
    /// body of the loop does with a client should end with its <see cref="CoordClient.SessionLost"/>.
    /// </summary>
    /// <param name="cancellation">Ends the stream.</param>
    /// <exception cref="CoordException">The server refused a credential.</exception>
    /// <exception cref="ObjectDisposedException">The source was disposed.</exception>
    public async IAsyncEnumerable<CoordClient> WatchAsync(
        [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        while (true)
        {
            CoordClient client = await GetAsync(cancellation).ConfigureAwait(false);
            yield return client;
            await client.WaitForStateAsync(SessionState.Expired, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Ends the present session, if there is one.</summary>
    public async ValueTask DisposeAsync()
    {
        CoordClient? last;
        lock (_gate)
        {
            _disposed = true;
            last = _current;
        }

        if (last is not null)
        {
            await last.DisposeAsync().ConfigureAwait(false);
        }
    }

    private CoordClient Renew()
    {
        // The old one has ended: disposing it sends nothing and only waits for its last task.
        _ = _current?.DisposeAsync().AsTask();
        return _current = new CoordClient(_options);
    }
}
