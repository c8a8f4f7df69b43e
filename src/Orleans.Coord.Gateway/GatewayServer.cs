using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Coord.Replication;

namespace Orleans.Coord.Gateway;

/// <summary>
/// Listens for clients on Kestrel's socket transport and connects them to the replica. Nothing is bound before
/// <see cref="StartAsync"/>: the host calls it when the replica can serve, so no client is accepted too early.
/// </summary>
public sealed class GatewayServer : IAsyncDisposable
{
    private static readonly TimeSpan _acceptRetryDelay = TimeSpan.FromMilliseconds(100);

    // What a paused client may send ahead into our memory; the rest waits in the kernels.
    private const int ReadBufferBytes = 128 * 1024;

    private readonly GatewayContext _context;
    private readonly ClientConnectionHandler _handler;
    private readonly ILogger _logger;
    private readonly AdminServer? _admin;
    private readonly ILoggerFactory _loggers;
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<IConnectionListener> _listeners = [];
    private Task _accepting = Task.CompletedTask;
    private Task? _adminStarted;
    private Task _sweeping = Task.CompletedTask;

    /// <summary>Creates a gateway that does not listen yet.</summary>
    /// <param name="options">Its settings.</param>
    /// <param name="frontend">The replica's mailbox.</param>
    /// <param name="loggers">Makes the logger <c>Orleans.Coord.Gateway</c>.</param>
    /// <param name="report">The replica's figures; without it the four-letter words say that nothing is served.</param>
    /// <param name="snapshots">Its snapshots; without it the admin server takes and restores none.</param>
    public GatewayServer(
        GatewayOptions options, ICoordFrontend frontend, ILoggerFactory loggers, IServerReport? report = null,
        ISnapshotAdmin? snapshots = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        EndPoint = options.EndPoint;
        _loggers = loggers;
        _logger = loggers.CreateLogger("Orleans.Coord.Gateway");
        var counters = new GatewayCounters();
        var connections = new ConnectionTable(options.MaxConnections, options.MaxConnectionsPerAddress);
        if (options.LargeRequestBytes is > 0 and < GatewayOptions.MinLargeRequestBytes)
        {
            throw new ArgumentException(
                $"LargeRequestBytes: it must be 0 or at least {GatewayOptions.MinLargeRequestBytes}.", nameof(options));
        }

        var traceMask = new TraceMask();
        (int, int) Ports() => (EndPoint.Port, TlsEndPoint?.Port ?? -1);
        var intake = new SharedIntake(
            options.MaxOutstandingRequestsOfAll, options.LargeRequestBytes, options.MaxLargeRequestsBytes);
        _context = new GatewayContext(
            options,
            frontend,
            new BufferPools(),
            counters,
            new ConnectionLog(_logger, options.MaxLogLinesPerSecond),
            connections,
            new FourLetterAnswers(
                options, counters, connections, intake, traceMask, report, Ports),
            options.Tls is null ? null : new TlsAcceptor(options.Tls, why => GatewayLog.OldCertificates(_logger, why)),
            intake,
            new TokenBucket(options.MaxConnectsPerSecond, static () => Environment.TickCount64));
        if (options.AdminEndPoint is { } admin)
        {
            var commands = new AdminCommands(options, counters, connections, intake, traceMask, report, Ports);
            AdminSnapshots? files = snapshots is null ? null : new(snapshots, options.AdminSnapshotInterval);
            _admin = new AdminServer(admin, commands, files, loggers);
        }

        _handler = new ClientConnectionHandler(_context);
    }

    /// <summary>Where clients connect; the real port once started.</summary>
    public IPEndPoint EndPoint { get; private set; }

    /// <summary>Where TLS clients connect, once started; null when they have no port of their own.</summary>
    public IPEndPoint? TlsEndPoint { get; private set; }

    /// <summary>Where the admin server listens; null for none.</summary>
    public IPEndPoint? AdminEndPoint => _admin?.EndPoint;

    /// <summary>What the gateway has counted since it was made.</summary>
    public GatewayCounters Counters => _context.Counters;

    /// <summary>How many clients are connected.</summary>
    public int Connections => _context.Connections.Count;

    /// <summary>
    /// The admin server, if there is one, answers from now on: before clients are accepted, so that probes tell a silo
    /// that recovers or waits for the others from a dead one.
    /// </summary>
    /// <exception cref="GatewayBindException">The port can't be had; the message tells the operator why.</exception>
    public Task StartAdminAsync(CancellationToken cancellationToken = default) =>
        _adminStarted ??= _admin?.StartAsync(cancellationToken) ?? Task.CompletedTask;

    /// <summary>Binds the port and accepts clients from now on; starts the admin server too.</summary>
    /// <exception cref="GatewayBindException">The port can't be had; the message tells the operator why.</exception>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        Invariant.Check(_listeners.Count == 0);
        EndPoint = await ListenAsync(_context.Options.EndPoint, tls: false, cancellationToken);
        if (_context.Options.Tls?.EndPoint is { } endPoint)
        {
            TlsEndPoint = await ListenAsync(endPoint, tls: true, cancellationToken);
        }

        await StartAdminAsync(cancellationToken);
        _sweeping = SweepAsync();
    }

    /// <summary>Accepts nobody any more and closes all connections. Their sessions live on until they expire.</summary>
    public async Task StopAsync()
    {
        if (_listeners.Count == 0 || _stopping.IsCancellationRequested)
        {
            return;
        }

        await _stopping.CancelAsync();
        foreach (IConnectionListener listener in _listeners)
        {
            await listener.UnbindAsync();
        }

        await _accepting;
        int open = Connections;
        while (Connections > 0)
        {
            // Again and again: one accepted just before may show up late.
            foreach (ClientConnection connection in _context.Connections.All)
            {
                connection.Stop();
            }

            await Task.Delay(10);
        }

        await _sweeping;
        foreach (IConnectionListener listener in _listeners)
        {
            await listener.DisposeAsync();
        }

        GatewayLog.Stopped(_logger, EndPoint, open);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await (_admin?.DisposeAsync() ?? default);
        _stopping.Dispose();
    }

    private async Task<IPEndPoint> ListenAsync(IPEndPoint endPoint, bool tls, CancellationToken cancellationToken)
    {
        IConnectionListener listener;
        try
        {
            listener = await CreateTransport().BindAsync(endPoint, cancellationToken);
        }
        catch (Exception exception) when (exception is SocketException or IOException or AddressInUseException)
        {
            throw GatewayBindException.For(endPoint, exception);
        }

        GatewayLog.Listening(_logger, listener.EndPoint);
        Accept(listener, tls);
        var bound = (IPEndPoint)listener.EndPoint;
        await ListenOnSecondLoopbackAsync(bound.Port, tls, cancellationToken);
        return bound;
    }

    // Clients that are told "localhost" may try ::1 first, and some pause before they try the other.
    private async Task ListenOnSecondLoopbackAsync(int port, bool tls, CancellationToken cancellationToken)
    {
        if (!_context.Options.AlsoOnIPv6Loopback || !Socket.OSSupportsIPv6)
        {
            return;
        }

        var endPoint = new IPEndPoint(IPAddress.IPv6Loopback, port);
        try
        {
            Accept(await CreateTransport().BindAsync(endPoint, cancellationToken), tls);
        }
        catch (Exception exception) when (exception is SocketException or IOException or AddressInUseException)
        {
            // No such address on this machine, or another program has it: the first one serves.
            GatewayLog.NoSecondLoopback(_logger, endPoint, exception.Message);
        }
    }

    private void Accept(IConnectionListener listener, bool tls)
    {
        _listeners.Add(listener);
        _accepting = Task.WhenAll(
            _accepting, Task.Run(() => AcceptAsync(listener, tls), CancellationToken.None));
    }

    private SocketTransportFactory CreateTransport() => new(
        Options.Create(new SocketTransportOptions
        {
            Backlog = _context.Options.Backlog,

            // Our read loop only copies and posts, so it may run where the data arrives: measured, a third of the
            // CPU time of one request at a time.
            UnsafePreferInlineScheduling = true,

            // A tenth less CPU time for 2.5 KB more per idle connection (11 KB in all).
            WaitForDataBeforeAllocatingBuffer = false,
            MaxReadBufferSize = ReadBufferBytes,
        }),
        _loggers);

    private async Task AcceptAsync(IConnectionListener listener, bool tls)
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                ConnectionContext? connection = await listener.AcceptAsync(_stopping.Token);
                if (connection is null)
                {
                    return;
                }

                _ = ServeAsync(connection, tls);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception exception) when (exception is SocketException or IOException)
            {
                // Out of file descriptors, most likely: it passes when clients leave.
                GatewayLog.AcceptFailed(_logger, exception, listener.EndPoint);
                await Task.Delay(_acceptRetryDelay);
            }
        }
    }

    private async Task ServeAsync(ConnectionContext connection, bool tls)
    {
        // Frees the accept loop at once, whatever the client's first bytes make us do.
        await Task.Yield();
        await using (connection)
        {
            await _handler.ServeAsync(connection, tls, _stopping.Token);
        }
    }

    private async Task SweepAsync()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1));
        try
        {
            while (await timer.WaitForNextTickAsync(_stopping.Token))
            {
                long now = Environment.TickCount64;
                foreach (ClientConnection connection in _context.Connections.All)
                {
                    connection.EnforceDeadline(now);
                }

                _context.Log.NextSecond();
            }
        }
        catch (OperationCanceledException)
        {
            // The gateway stops.
        }
    }
}
