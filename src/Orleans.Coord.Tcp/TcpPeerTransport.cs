using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Orleans.Coord.Replication;

namespace Orleans.Coord.Tcp;

/// <summary>
/// Links the members of an ensemble over TCP. Each member dials every other one for its own envelopes, so there
/// are two connections between two members, each of which carries envelopes one way and heartbeats both ways.
/// Who the others are may change at any time.
/// </summary>
public sealed partial class TcpPeerTransport : IPeerTransport, IAsyncDisposable
{
    private static readonly TimeSpan _acceptRetryDelay = TimeSpan.FromMilliseconds(100);

    private readonly PeerContext _context;
    private readonly CancellationTokenSource _stopping = new();
    private readonly OutgoingLink?[] _linkOf = new OutgoingLink?[byte.MaxValue + 1];
    private readonly bool[] _isReported = new bool[byte.MaxValue + 1];
    private volatile OutgoingLink[] _outgoing = [];
    private IPeerObserver? _observer;
    private IncomingLinks? _incoming;
    private Socket? _listener;
    private IPEndPoint? _endPoint;
    private Task _accepting = Task.CompletedTask;
    private Task _ticking = Task.CompletedTask;

    /// <summary>Creates a transport that neither listens nor dials yet, and drops what is sent.</summary>
    /// <param name="options">Its settings.</param>
    /// <param name="registry">Remembers the members' incarnations.</param>
    /// <param name="loggers">Makes the logger <c>Orleans.Coord.Tcp</c>.</param>
    /// <exception cref="ArgumentException">A setting makes no sense; the message is for the operator.</exception>
    public TcpPeerTransport(PeerTransportOptions options, IIncarnationRegistry registry, ILoggerFactory loggers)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _wanted = options.Peers;
        _context = new PeerContext(
            options,
            new Handshake(options, registry, AdmissionOf),
            new PeerCounters(),
            loggers.CreateLogger("Orleans.Coord.Tcp"));
    }

    /// <summary>Where the others connect; the real port once started.</summary>
    public IPEndPoint EndPoint => _endPoint ?? _context.Options.Listen;

    /// <summary>What the transport has counted since it was made.</summary>
    public PeerCounters Counters => _context.Counters;

    internal int Connections => _incoming?.Connections ?? 0;

    /// <summary>Whether envelopes for a member can leave at the moment.</summary>
    public bool IsLinkedTo(ReplicaId peer) => Volatile.Read(ref _linkOf[peer.Value]) is { IsUp: true };

    /// <summary>Binds the port, dials the others, and hands out what comes.</summary>
    /// <exception cref="PeerBindException">The port can't be had; the message tells the operator why.</exception>
    public void Start(IPeerObserver observer)
    {
        Invariant.Check(_listener is null && !_stopping.IsCancellationRequested);
        _listener = Bind(_context.Options.Listen);
        _endPoint = (IPEndPoint)_listener.LocalEndPoint!;
        _context.Handshake.Port = (ushort)_endPoint.Port;
        PeerLog.Listening(_context.Logger, _context.Options.Self, _context.Options.Cluster, _endPoint);
        _incoming = new IncomingLinks(_context, observer, HeardOf);
        lock (_changing)
        {
            _observer = observer;
            Link(_wanted);
        }

        _accepting = Task.Run(() => AcceptAsync(_listener, _incoming), CancellationToken.None);
        _ticking = TickAsync(_incoming);
    }

    /// <inheritdoc/>
    public void Send(ReplicaId to, ReadOnlySpan<byte> envelope)
    {
        Invariant.Check(envelope.Length > 0 && envelope.Length <= _context.Options.MaxEnvelopeBytes);
        if (Volatile.Read(ref _linkOf[to.Value]) is { } link)
        {
            link.Send(envelope);
        }
        else
        {
            DropForWantOfLink(to);
        }
    }

    /// <inheritdoc/>
    public void Flush()
    {
        foreach (OutgoingLink link in _outgoing)
        {
            link.Flush();
        }
    }

    /// <summary>
    /// Closes all links, once what was flushed is on its way, and signals nothing more. May be called again.
    /// </summary>
    public async Task StopAsync()
    {
        if (_listener is null || _stopping.IsCancellationRequested)
        {
            return;
        }

        await _stopping.CancelAsync();
        _listener.Dispose();
        await _accepting;
        await _ticking;
        Task[] running;
        lock (_changing)
        {
            running = [.. _running];
        }

        foreach (OutgoingLink link in _outgoing)
        {
            link.Finish();
        }

        await Task.WhenAny(Task.WhenAll(running), Task.Delay(_context.Options.StopTimeout));
        foreach (OutgoingLink link in _outgoing)
        {
            link.Abort();
        }

        await Task.WhenAll(running);
        await _incoming!.StopAsync();
        PeerLog.Stopped(_context.Logger, EndPoint);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stopping.Dispose();
    }

    private static Socket Bind(IPEndPoint endPoint)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (endPoint.Address.Equals(IPAddress.IPv6Any))
            {
                socket.DualMode = true;
            }

            socket.Bind(endPoint);
            socket.Listen();
            return socket;
        }
        catch (SocketException exception)
        {
            socket.Dispose();
            throw PeerBindException.For(endPoint, exception);
        }
    }

    private void DropForWantOfLink(ReplicaId to)
    {
        _context.Counters.AddDropped(1);
        if (_listener is not null && !_isReported[to.Value])
        {
            _isReported[to.Value] = true;
            PeerLog.NoAddress(_context.Logger, to);
        }
    }

    private async Task AcceptAsync(Socket listener, IncomingLinks incoming)
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                incoming.Accept(await listener.AcceptAsync(_stopping.Token), _stopping.Token);
            }
            catch (Exception) when (_stopping.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // Accepting goes on, whatever one connection brings.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                // Out of file descriptors, most likely: it passes when others are closed.
                PeerLog.AcceptFailed(_context.Logger, exception, EndPoint);
                await Task.Delay(_acceptRetryDelay);
            }
        }
    }

    // One timer for all links. A tick that comes late, because this process was paused, counts once.
    private async Task TickAsync(IncomingLinks incoming)
    {
        using var timer = new PeriodicTimer(_context.Options.HeartbeatInterval);
        long second = Environment.TickCount64;
        try
        {
            while (await timer.WaitForNextTickAsync(_stopping.Token))
            {
                foreach (OutgoingLink link in _outgoing)
                {
                    link.Tick();
                }

                incoming.Tick();
                if (Environment.TickCount64 - second >= 1000)
                {
                    second = Environment.TickCount64;
                    incoming.NextSecond();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The transport stops.
        }
    }
}
