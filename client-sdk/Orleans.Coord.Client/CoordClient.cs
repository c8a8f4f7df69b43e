namespace Orleans.Coord.Client;

/// <summary>
/// A session with Orleans.Coord or any ZooKeeper server. Safe for concurrent use: requests are sent in the order of
/// the calls, many at a time, and answered in that order.
/// </summary>
/// <remarks>
/// <para>
/// A client is one session. When its connection is lost it finds a server and resumes the session by itself:
/// requests not yet sent wait, reads are repeated and watches are set again. (A read under which eight connections
/// have died may be what ends them: it fails with <see cref="CoordErrorCode.ConnectionLoss"/>. Streams go on.) Writes
/// sent but not answered are sent again too, and Orleans.Coord runs each once and gives it its original answer; against
/// plain ZooKeeper, which cannot tell, they fail with <see cref="OutcomeUnknownException"/>. When the session itself is
/// lost (<see cref="SessionLost"/>) everything fails with <see cref="SessionLostException"/>; make a new client then.
/// </para>
/// <para>
/// Every operation can throw, besides what its own documentation names: <see cref="CoordException"/> with the
/// server's code, <see cref="SessionLostException"/>, <see cref="ObjectDisposedException"/>,
/// <see cref="ArgumentException"/> for a path that is not valid, and <see cref="OperationCanceledException"/>.
/// A write that is cancelled after it was sent may still happen.
/// </para>
/// </remarks>
public sealed partial class CoordClient : IAsyncDisposable
{
    private readonly Session _session;

    /// <summary>Makes a client that starts to connect at once; calls wait until it has.</summary>
    /// <param name="options">Where and how; later changes have no effect.</param>
    /// <exception cref="FormatException">The connection string cannot be read.</exception>
    /// <exception cref="ArgumentException">An option is not valid.</exception>
    public CoordClient(CoordClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _session = new Session(options);
    }

    /// <summary>
    /// Where the session stands, by the clock: in a process that was paused, too, it is final as soon as the server may
    /// let others have what the session held.
    /// </summary>
    public SessionState State => _session.StateNow;

    /// <summary>
    /// Cancelled when the session is lost or closed: at the latest when its time-out has passed since the sending of
    /// the last answered heartbeat, which is before the server lets anybody else have what the session held.
    /// </summary>
    public CancellationToken SessionLost => _session.Lost;

    /// <summary>The session's id; 0 before the first connection.</summary>
    public long SessionId => _session.SessionId;

    /// <summary>The session time-out that the server granted; zero before the first connection.</summary>
    public TimeSpan SessionTimeout => _session.Timeout;

    /// <summary>The newest zxid that a server has told this session of.</summary>
    public long LastZxid => _session.LastZxid;

    /// <summary>
    /// Whether the connected server runs a repeated write only once, so that no write ends with
    /// <see cref="OutcomeUnknownException"/>. False before the first connection, and with ZooKeeper.
    /// </summary>
    public bool HasKnownOutcomes => _session.Has(ServerExtensions.NumberedWrites);

    /// <summary>Whether the connected server serves <see cref="WatchSinceAsync"/>. False with ZooKeeper.</summary>
    public bool HasChangeHistory => _session.Has(ServerExtensions.ChangeHistory);

    /// <summary>Makes a client and waits until it is connected.</summary>
    /// <param name="options">Where and how.</param>
    /// <param name="cancellation">Ends the waiting; the client is then disposed.</param>
    /// <exception cref="CoordException">The server refused the session or a credential.</exception>
    public static async Task<CoordClient> ConnectAsync(
        CoordClientOptions options, CancellationToken cancellation = default)
    {
        var client = new CoordClient(options);
        try
        {
            await client.WaitForConnectedAsync(cancellation).ConfigureAwait(false);
            return client;
        }
        catch
        {
            await client.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Makes a client with default options and waits until it is connected.</summary>
    /// <param name="connectionString">Servers and an optional root: <c>host:port,host:port/root</c>.</param>
    /// <param name="cancellation">Ends the waiting; the client is then disposed.</param>
    /// <exception cref="CoordException">The server refused the session.</exception>
    public static Task<CoordClient> ConnectAsync(string connectionString, CancellationToken cancellation = default) =>
        ConnectAsync(new CoordClientOptions { ConnectionString = connectionString }, cancellation);

    /// <summary>Waits until the session is attached to a server.</summary>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <exception cref="CoordException">The session has ended instead.</exception>
    /// <exception cref="ObjectDisposedException">The client was disposed.</exception>
    public async Task WaitForConnectedAsync(CancellationToken cancellation = default)
    {
        if (await _session.State.WaitAsync(SessionState.Connected, cancellation).ConfigureAwait(false)
            != SessionState.Connected)
        {
            throw _session.EndError(null, sent: false);
        }
    }

    /// <summary>Waits until the session is in a state, or in a final one, and returns which.</summary>
    /// <param name="state">The state to wait for.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    public Task<SessionState> WaitForStateAsync(SessionState state, CancellationToken cancellation = default) =>
        _session.State.WaitAsync(state, cancellation);

    /// <summary>
    /// The present state, then the states that follow; ends after a final one. A slow consumer sees the newest state
    /// and may miss some in between.
    /// </summary>
    /// <param name="cancellation">Ends the stream.</param>
    public IAsyncEnumerable<SessionState> WatchStateAsync(CancellationToken cancellation = default) =>
        _session.State.ReadAllAsync(cancellation);

    /// <summary>
    /// Makes a source that is cancelled at the very moment when <see cref="SessionLost"/> is, also where a starved
    /// thread pool would run the callbacks of a linked source late. Its owner may cancel it earlier, and disposes it.
    /// </summary>
    public CancellationTokenSource LinkSessionLost() => _session.LostSources.New();

    /// <summary>
    /// Adds an identity to the session, now and on every later connection.
    /// </summary>
    /// <param name="auth">The credential.</param>
    /// <param name="cancellation">Gives up waiting for the answer.</param>
    /// <exception cref="CoordException">The server refused it (<see cref="CoordErrorCode.AuthFailed"/>).</exception>
    public async Task AddAuthAsync(CoordAuth auth, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(auth);
        var request = new Request<AuthOperation, Nothing>(new(auth, OnLoss.Repeat))
        {
            Answered = (code, _) =>
            {
                if (code == CoordErrorCode.Ok)
                {
                    _session.Remember(auth);
                }
            },
        };
        CoordResult<Nothing> result = await _session.SendAsync(request, cancellation).ConfigureAwait(false);
        ThrowUnlessOk(result.Code, null);
    }

    /// <summary>
    /// Goes on with another list of servers, without losing the session: for ensembles that change. A client whose
    /// server is not among them moves at once; when there are more than before, some clients move, so that all together
    /// come to be spread evenly.
    /// </summary>
    /// <param name="servers">As in the connection string; a root may be left out and must not change.</param>
    /// <exception cref="FormatException">The list cannot be read.</exception>
    /// <exception cref="ArgumentException">The root is another one.</exception>
    public void UpdateServers(string servers) => _session.UpdateServers(servers);

    /// <summary>
    /// Ends the session: its ephemeral znodes vanish. Waits for the server's word a short time
    /// (<see cref="CoordClientOptions.CloseTimeout"/>); without a connection they vanish when the session times out.
    /// </summary>
    public async ValueTask DisposeAsync() => await _session.CloseAsync().ConfigureAwait(false);

    private static void ThrowUnlessOk(CoordErrorCode code, string? path)
    {
        if (code != CoordErrorCode.Ok)
        {
            throw CoordException.For(code, path);
        }
    }

    private Task<CoordResult<T>> SendAsync<TOperation, T>(TOperation operation, CancellationToken cancellation)
        where TOperation : struct, IOperation<T> =>
        _session.SendAsync(new Request<TOperation, T>(operation), cancellation);

    private async Task<T> SendOrThrowAsync<TOperation, T>(
        TOperation operation, string? path, CancellationToken cancellation)
        where TOperation : struct, IOperation<T>
    {
        CoordResult<T> result = await SendAsync<TOperation, T>(operation, cancellation).ConfigureAwait(false);
        ThrowUnlessOk(result.Code, path);
        return result.Value!;
    }
}
