using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Orleans.Coord.Jute;
using Orleans.Coord.Replication;

namespace Orleans.Coord.Tcp;

/// <summary>
/// The link that carries this member's envelopes to one other: dialled from here, again and again. The other side
/// sends nothing on it but heartbeats, so that either notices when the other is gone.
/// </summary>
internal sealed class OutgoingLink(ReplicaId peer, DnsEndPoint address, PeerContext context, IPeerObserver observer)
{
    private const int FirstBufferBytes = 16 * 1024;

    private readonly Backoff _backoff = new(
        context.Options.MinReconnectDelay, context.Options.MaxReconnectDelay, Random.Shared);
    private readonly string _address = $"{address.Host}:{address.Port}";
    private CancellationTokenSource? _ending;
    private Task _running = Task.CompletedTask;
    private TaskCompletionSource _awake = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private PeerConnection? _connection;
    private string? _lastFailure;

    // The turn's own: what it queued, how many envelopes that is, and whether the queue is known to be full.
    private JuteWriter _turn = new(FirstBufferBytes);
    private int _turnEnvelopes;
    private bool _full;

    /// <summary>Where the member is dialled.</summary>
    public DnsEndPoint Address => address;

    /// <summary>Whether the member only introduced itself.</summary>
    public bool IsGuest { get; init; }

    /// <summary>Whether envelopes can leave.</summary>
    public bool IsUp => Volatile.Read(ref _connection) is not null;

    /// <summary>Queues an envelope, in the turn.</summary>
    public void Send(ReadOnlySpan<byte> envelope)
    {
        PeerConnection? connection = Volatile.Read(ref _connection);
        if (connection is null)
        {
            context.Counters.AddDropped(1);
            return;
        }

        long queued = connection.Sender.Unsent + _turn.Length;
        if (queued > 0 && queued + PeerFrame.HeaderBytes + envelope.Length > context.Options.MaxQueueBytes)
        {
            DropForFullQueue();
            return;
        }

        _full = _full && queued > context.Options.MaxQueueBytes / 2;
        PeerFrame.Write(_turn, envelope);
        _turnEnvelopes++;
    }

    /// <summary>Sends what the turn queued, in one write.</summary>
    public void Flush()
    {
        if (_turnEnvelopes == 0)
        {
            return;
        }

        if (Volatile.Read(ref _connection) is { } connection)
        {
            context.Counters.AddSent(_turnEnvelopes);
            _turn = connection.Sender.Post(_turn);
        }
        else
        {
            context.Counters.AddDropped(_turnEnvelopes);
            _turn.Clear();
        }

        _turnEnvelopes = 0;
    }

    /// <summary>The member was heard of: connect now rather than later.</summary>
    public void Wake() => Volatile.Read(ref _awake).TrySetResult();

    /// <summary>A heartbeat's interval is over.</summary>
    public void Tick() => Volatile.Read(ref _connection)?.Tick();

    /// <summary>Nothing more is sent: ends the stream after what was.</summary>
    public void Finish() => Volatile.Read(ref _connection)?.Sender.Finish();

    /// <summary>Closes at once.</summary>
    public void Abort() => Volatile.Read(ref _connection)?.Close("this member stops");

    /// <summary>Keeps the link up until the transport stops or the member leaves. The task never fails.</summary>
    public Task Start(CancellationToken stopping)
    {
        _ending = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        CancellationToken ending = _ending.Token;
        return _running = Task.Run(() => RunAsync(ending), CancellationToken.None);
    }

    /// <summary>The member is no peer any more: what was sent may still arrive, for a moment. Never fails.</summary>
    public async Task LeaveAsync()
    {
        await _ending!.CancelAsync();
        Finish();
        await Task.WhenAny(_running, Task.Delay(context.Options.StopTimeout));
        Abort();
        await _running;
        _ending.Dispose();
    }

    private async Task RunAsync(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await LinkOnceAsync(stopping);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // Whatever one link meets must not harm the others.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                PeerLog.Fault(context.Logger, exception, $"member {peer}");
            }

            await Task.WhenAny(_awake.Task, Task.Delay(_backoff.Next(), stopping));
            Volatile.Write(ref _awake, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }
    }

    // Returns when the link is broken, or could not be made.
    private async Task LinkOnceAsync(CancellationToken stopping)
    {
        try
        {
            if (await TryConnectAsync(stopping) is { } connection)
            {
                await UseAsync(connection, stopping);
            }
        }
        finally
        {
            Volatile.Write(ref _connection, null);
            if (!stopping.IsCancellationRequested)
            {
                observer.Unreachable(peer);
            }
        }
    }

    private async Task UseAsync(PeerConnection connection, CancellationToken stopping)
    {
        _lastFailure = null;
        PeerLog.Linked(context.Logger, peer, _address);
        Volatile.Write(ref _connection, connection);
        if (stopping.IsCancellationRequested)
        {
            connection.Close("this member stops");
        }

        string reason = await RunAsync(connection);
        if (connection.WasHeard)
        {
            _backoff.Reset();
        }

        if (!stopping.IsCancellationRequested)
        {
            PeerLog.Broke(context.Logger, peer, reason);
        }
    }

    private async Task<string> RunAsync(PeerConnection connection)
    {
        try
        {
            return await connection.RunAsync();
        }
        catch (InvalidDataException exception)
        {
            context.Counters.AddMalformed();
            return exception.Message;
        }
    }

    private async Task<PeerConnection?> TryConnectAsync(CancellationToken stopping)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        deadline.CancelAfter(context.Options.HandshakeTimeout);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.NoDelay = true;
            await socket.ConnectAsync(address, deadline.Token);
            Stream stream = await context.Handshake.DialAsync(socket, peer, deadline.Token);
            return new PeerConnection(socket, stream, context.Options, context.Counters, received: null);
        }
        catch (Exception exception)
        {
            socket.Dispose();
            if (!ReportFailure(exception, stopping))
            {
                throw;
            }

            return null;
        }
    }

    // A line for each new reason, not for each attempt.
    private bool ReportFailure(Exception exception, CancellationToken stopping)
    {
        string? reason = exception switch
        {
            OperationCanceledException when !stopping.IsCancellationRequested =>
                $"no answer within {context.Options.HandshakeTimeout.TotalSeconds} s",
            AuthenticationException => $"TLS: {exception.Message}",
            SocketException or IOException or InvalidDataException or PeerRefusedException => exception.Message,
            _ => null,
        };
        if (reason is not null && reason != _lastFailure)
        {
            _lastFailure = reason;
            PeerLog.CannotLink(context.Logger, peer, _address, reason);
        }

        return reason is not null;
    }

    private void DropForFullQueue()
    {
        context.Counters.AddDropped(1);
        if (!_full)
        {
            _full = true;
            PeerLog.QueueFull(context.Logger, context.Options.MaxQueueBytes, peer);
            observer.Unreachable(peer);
        }
    }
}
