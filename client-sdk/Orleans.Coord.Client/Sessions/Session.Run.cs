using System.Net;
using System.Net.Sockets;

namespace Orleans.Coord.Client;

/// <content>Finding a server, resuming the session there, and what happens to requests in between.</content>
internal sealed partial class Session
{
    /// <summary>A read that saw this many connections die is given up: it may be what kills them.</summary>
    private const int MaxSends = 8;

    /// <summary>A write that saw this many die is given up too, with its outcome unknown.</summary>
    private const int MaxWriteSends = 100;

    private readonly List<CoordAuth> _auths;
    private readonly Queue<Request> _repeats = new();
    private byte[] _password = new byte[CoordLimits.PasswordBytes];
    private long _sessionId;
    private volatile DnsEndPoint? _server;
    private int _failures;

    public long SessionId => Volatile.Read(ref _sessionId);

    /// <summary>Notes a credential that the server accepted, for the next connections.</summary>
    public void Remember(CoordAuth auth)
    {
        lock (_auths)
        {
            _auths.Add(auth);
        }
    }

    private async Task RunAsync()
    {
        try
        {
            while (Volatile.Read(ref _end) is null)
            {
                await RunConnectionAsync().ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The session has ended while this loop looked for a server.
        }
        catch (Exception e)
        {
            // Nobody is left to connect: callers must not wait for ever.
            End(SessionState.Closed, (path, _) => new CoordException(
                CoordErrorCode.SystemError, path, "The client has failed and is closed", e));
        }
        finally
        {
            HeartbeatThread.Unregister(this);
            FailRepeats();
        }
    }

    /// <summary>
    /// Goes on with other servers. Moves at once when the present one is not among them, and with a chance when there
    /// are more than before, so that all clients together come to be spread evenly.
    /// </summary>
    public void UpdateServers(string servers)
    {
        ServerList next = ServerList.Parse(servers, Options.ShuffleServers);
        if (next.Root != "/" && next.Root != _servers.Root)
        {
            throw new ArgumentException($"The root {_servers.Root} of a session cannot change", nameof(servers));
        }

        ServerList last = _servers;
        _servers = next.WithRoot(last.Root);
        bool stays = _server is { } present && next.Contains(present)
            && Random.Shared.Next(next.Count) < last.Count;
        if (!stays)
        {
            _connection?.Abort("moving to another server of the new list");
        }
    }

    private async Task RunConnectionAsync()
    {
        DnsEndPoint server = _servers.Next();
        _server = server;
        Connection connection;
        try
        {
            connection = await ConnectAsync(server).ConfigureAwait(false);
        }
        catch (Exception e) when (!_stop.IsCancellationRequested)
        {
            Log.ConnectFailed(_log, server, e.Message);
            await BackOffAsync().ConfigureAwait(false);
            return;
        }

        string reason = await connection.Lost.ConfigureAwait(false);
        Log.ConnectionLost(_log, server, SessionId, reason);
        _connection = null;
        // After this no answer of the old connection is taken in any more.
        List<Request> unanswered = connection.TakeUnanswered();
        State.TrySet(SessionState.Disconnected);
        Sort(unanswered);
        if (Volatile.Read(ref _closing))
        {
            End(SessionState.Closed, Disposed);
        }

        // All clients of a server that died would come to the next one in the same millisecond.
        await PauseAsync(Options.ReconnectDelay).ConfigureAwait(false);
    }

    private async Task<Connection> ConnectAsync(DnsEndPoint server)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        limit.CancelAfter(Options.ConnectTimeout);
        Socket socket = Options.ConnectCallback is { } connect
            ? await connect(limit.Token).ConfigureAwait(false)
            : await OpenAsync(server, limit.Token).ConfigureAwait(false);
        if (Options.Tls is { } tls)
        {
            socket = await TlsBridge.OpenAsync(socket, server.Host, tls, limit.Token).ConfigureAwait(false);
        }

        try
        {
            Welcome welcome = await Handshake.RunAsync(
                socket, LastZxid, (int)Options.SessionTimeout.TotalMilliseconds, _sessionId, _password, limit.Token)
                .ConfigureAwait(false);
            return Attach(socket, server, welcome);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task<Socket> OpenAsync(DnsEndPoint server, CancellationToken cancellation)
    {
        // One name may stand for many servers: take any of its addresses that answers, not always the first.
        IPAddress[] addresses = await Dns.GetHostAddressesAsync(server.Host, cancellation).ConfigureAwait(false);
        Random.Shared.Shuffle(addresses);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, server.Port, cancellation).ConfigureAwait(false);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private Connection Attach(Socket socket, DnsEndPoint server, Welcome welcome)
    {
        bool resumes = _sessionId != 0;
        if (welcome.TimeoutMs <= 0 || (resumes && welcome.SessionId != _sessionId))
        {
            // Some servers quietly give a new session in place of an expired one: it is not the one we had.
            Expire(resumes ? "the server does not know it any more" : "the server gave none");
            throw new OperationCanceledException(_stop.Token);
        }

        Volatile.Write(ref _sessionId, welcome.SessionId);
        _password = welcome.Password;
        Confirm(welcome.AskedAtMs);
        Volatile.Write(ref _timeoutMs, welcome.TimeoutMs);
        _failures = 0;
        var armed = new HashSet<(WatchScope, string)>();
        var connection = new Connection(socket, this, Preamble(armed), TakeRepeats(), armed);
        _connection = connection;
        Log.Connected(_log, server, _sessionId, _timeoutMs);
        if (!resumes)
        {
            HeartbeatThread.Register(this);
        }

        connection.Start();
        HeartbeatThread.Nudge();
        if (Volatile.Read(ref _end) is not null)
        {
            connection.Abort("the session has ended");
        }

        return connection;
    }

    /// <summary>Credentials, since a server may want them first, the look for extensions, then watches.</summary>
    private Queue<Request> Preamble(HashSet<(WatchScope, string)> armed)
    {
        var preamble = new Queue<Request>();
        lock (_auths)
        {
            foreach (CoordAuth auth in _auths)
            {
                preamble.Enqueue(new Request<AuthOperation, Nothing>(new(auth, OnLoss.Drop))
                {
                    Answered = (code, _) => RefuseUnless(code, auth),
                });
            }
        }

        preamble.Enqueue(new Request<DiscoveryOperation, ServerExtensions>(default)
        {
            Answered = (_, extensions) => Discovered(extensions),
        });
        foreach (WatchPaths portion in Watches.Snapshot())
        {
            armed.UnionWith(portion.Persistent.Select(static path => (WatchScope.Znode, path)));
            armed.UnionWith(portion.Recursive.Select(static path => (WatchScope.Subtree, path)));
            preamble.Enqueue(new Request<SetWatchesOperation, Nothing>(new(LastZxid, portion))
            {
                Answered = (code, _) => Watches.Rearmed(portion, code),
            });
        }

        return preamble;
    }

    private Queue<Request> TakeRepeats()
    {
        var repeats = new Queue<Request>(_repeats);
        Telemetry.Repeated(repeats.Count);
        _repeats.Clear();
        return repeats;
    }

    private void Discovered(ServerExtensions extensions)
    {
        Volatile.Write(ref _extensions, (int)extensions);
        Telemetry.Connected();
        State.TrySet(SessionState.Connected);
        _connection?.Discovered(extensions);
    }

    private void RefuseUnless(CoordErrorCode code, CoordAuth auth)
    {
        if (code != CoordErrorCode.Ok)
        {
            Log.AuthRefused(_log, auth.Scheme, code);
            End(SessionState.Closed, (path, _) => new CoordException(
                CoordErrorCode.AuthFailed, path, $"The server refused the credential of scheme {auth.Scheme}"));
        }
    }

    private void Sort(List<Request> unanswered)
    {
        foreach (Request request in unanswered)
        {
            string? path = ClientPath(request);
            switch (request.OnLoss)
            {
                case OnLoss.Repeat when request.Sends < MaxSends:
                case OnLoss.Unknown when request.Number > 0 && request.Sends < MaxWriteSends && _end is null:
                    _repeats.Enqueue(request);
                    break;
                case OnLoss.Unknown:
                    request.Fail(_end is null ? new OutcomeUnknownException(path) : EndError(path, sent: true));
                    break;
                default:
                    request.Fail(new CoordException(
                        CoordErrorCode.ConnectionLoss, path, $"The connection was lost under {request.Code}"));
                    break;
            }
        }
    }

    private void FailRepeats()
    {
        while (_repeats.TryDequeue(out Request? request))
        {
            // All of these were sent: a write may have happened.
            request.Fail(EndError(ClientPath(request), sent: request.OnLoss == OnLoss.Unknown));
        }
    }

    private async Task BackOffAsync()
    {
        // A full round of the servers is tried before the wait grows.
        int round = Math.Min(_failures++ / _servers.Count, 16);
        TimeSpan delay = Options.ReconnectDelay * (1 << round);
        TimeSpan most = TimeSpan.FromTicks(Math.Min(Options.MaxReconnectDelay.Ticks, Options.SessionTimeout.Ticks / 4));
        await PauseAsync(delay < most ? delay : most).ConfigureAwait(false);
    }

    private Task PauseAsync(TimeSpan most) => Task.Delay(most * Random.Shared.NextDouble(), _stop.Token);
}
