using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Orleans.Coord.Replication;

namespace Orleans.Coord.Tcp;

/// <summary>
/// The links on which the others' envelopes come. A member has one at a time: its newest, since an older one may be
/// dead without knowing it.
/// </summary>
internal sealed class IncomingLinks(PeerContext context, IPeerObserver observer, Action<Hello, EndPoint?> heardOf)
{
    private readonly StrangerLog _log = new(context.Logger, context.Options.MaxLogLinesPerSecond);
    private readonly ConcurrentDictionary<ReplicaId, NumberedLink> _links = new();
    private readonly ConcurrentDictionary<Socket, Task> _serving = new();
    private readonly Lock _registering = new();
    private long _accepted;
    private int _strangers;

    /// <summary>Connections being looked after, strangers included.</summary>
    public int Connections => _serving.Count;

    /// <summary>Takes a new connection on, and returns at once. For the accepting loop only.</summary>
    public void Accept(Socket socket, CancellationToken stopping)
    {
        var newcomer = new Newcomer(socket, socket.RemoteEndPoint, ++_accepted);
        if (Volatile.Read(ref _strangers) >= context.Options.MaxStrangers)
        {
            context.Counters.AddRefused();
            _log.Refused(newcomer.Remote, $"{_strangers} connections have not said yet who they are");
            socket.Dispose();
            return;
        }

        Interlocked.Increment(ref _strangers);
        var registered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _serving[socket] = ServeAsync(newcomer, registered.Task, stopping);
        registered.SetResult();
    }

    /// <summary>The member is no peer any more.</summary>
    public void Drop(ReplicaId peer)
    {
        if (_links.TryGetValue(peer, out NumberedLink? link))
        {
            link.Connection.Close("it is no member any more, or has another address");
        }
    }

    /// <summary>A heartbeat's interval is over.</summary>
    public void Tick()
    {
        foreach ((_, NumberedLink link) in _links)
        {
            link.Connection.Tick();
        }
    }

    /// <summary>Called once a second.</summary>
    public void NextSecond() => _log.NextSecond();

    /// <summary>Closes all connections and waits for the last one's end. Nobody may be accepted any more.</summary>
    public async Task StopAsync()
    {
        foreach ((_, NumberedLink link) in _links)
        {
            link.Connection.Close("this member stops");
        }

        foreach ((Socket socket, _) in _serving)
        {
            socket.Dispose();
        }

        await Task.WhenAll(_serving.Values);
    }

    private async Task ServeAsync(Newcomer newcomer, Task registered, CancellationToken stopping)
    {
        await registered;
        try
        {
            if (await GreetAsync(newcomer, stopping) is var (stream, hello))
            {
                ReplicaId peer = hello.From;
                var connection = new PeerConnection(
                    newcomer.Socket,
                    stream,
                    context.Options,
                    context.Counters,
                    envelope => observer.Received(peer, envelope));
                await ReadAsync(new NumberedLink(newcomer.Number, connection), hello, newcomer.Remote);
            }
        }
#pragma warning disable CA1031 // Whatever one connection meets must not harm the others.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            PeerLog.Fault(context.Logger, exception, $"{newcomer.Remote}");
        }

        newcomer.Socket.Dispose();
        _serving.TryRemove(newcomer.Socket, out _);
    }

    private async Task<(Stream Stream, Hello Hello)?> GreetAsync(Newcomer newcomer, CancellationToken stopping)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        deadline.CancelAfter(context.Options.HandshakeTimeout);
        try
        {
            newcomer.Socket.NoDelay = true;
            return await context.Handshake.AcceptAsync(newcomer.Socket, deadline.Token);
        }
        catch (PeerRefusedException exception)
        {
            context.Counters.AddRefused();
            _log.Refused(newcomer.Remote, exception.Message);
        }
        catch (Exception exception) when (
            exception is OperationCanceledException or AuthenticationException or InvalidDataException or IOException
                or SocketException or ObjectDisposedException)
        {
            if (!stopping.IsCancellationRequested)
            {
                context.Counters.AddMalformed();
                _log.Malformed(newcomer.Remote, Describe(exception));
            }
        }
        finally
        {
            Interlocked.Decrement(ref _strangers);
        }

        return null;
    }

    private async Task ReadAsync(NumberedLink link, Hello hello, EndPoint? remote)
    {
        ReplicaId peer = hello.From;
        PeerLog.Accepted(context.Logger, peer, remote);
        Register(link, peer);
        heardOf(hello, remote);
        try
        {
            PeerLog.Ended(context.Logger, peer, await link.Connection.RunAsync());
        }
        catch (InvalidDataException exception)
        {
            context.Counters.AddMalformed();
            _log.Malformed(remote, exception.Message);
        }
        finally
        {
            _links.TryRemove(KeyValuePair.Create(peer, link));
        }
    }

    // The newest is the one accepted last: greetings may end in another order.
    private void Register(NumberedLink link, ReplicaId peer)
    {
        NumberedLink? loser;
        lock (_registering)
        {
            loser = _links.GetValueOrDefault(peer);
            if (loser is null || loser.Number < link.Number)
            {
                _links[peer] = link;
            }
            else
            {
                loser = link;
            }
        }

        loser?.Connection.Close("the member has linked anew");
    }

    private string Describe(Exception exception) => exception switch
    {
        OperationCanceledException =>
            $"it did not say who it is within {context.Options.HandshakeTimeout.TotalSeconds} s",
        AuthenticationException => $"TLS: {exception.Message}",
        _ => exception.Message,
    };

    private sealed record Newcomer(Socket Socket, EndPoint? Remote, long Number);

    private sealed record NumberedLink(long Number, PeerConnection Connection);
}
