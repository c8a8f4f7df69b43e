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
internal sealed class IncomingLinks(PeerContext context, IPeerObserver observer, Action<ReplicaId> heardOf)
{
    private readonly StrangerLog _log = new(context.Logger, context.Options.MaxLogLinesPerSecond);
    private readonly ConcurrentDictionary<ReplicaId, PeerConnection> _links = new();
    private readonly ConcurrentDictionary<Socket, Task> _serving = new();
    private int _strangers;

    /// <summary>Members whose envelopes can come.</summary>
    public int Count => _links.Count;

    /// <summary>Connections being looked after, strangers included.</summary>
    public int Connections => _serving.Count;

    /// <summary>Takes a new connection on, and returns at once.</summary>
    public void Accept(Socket socket, CancellationToken stopping)
    {
        var registered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _serving[socket] = ServeAsync(socket, registered.Task, stopping);
        registered.SetResult();
    }

    /// <summary>A heartbeat's interval is over.</summary>
    public void Tick()
    {
        foreach ((_, PeerConnection connection) in _links)
        {
            connection.Tick();
        }
    }

    /// <summary>Called once a second.</summary>
    public void NextSecond() => _log.NextSecond();

    /// <summary>Closes all connections and waits for the last one's end. Nobody may be accepted any more.</summary>
    public async Task StopAsync()
    {
        foreach ((_, PeerConnection connection) in _links)
        {
            connection.Close("this member stops");
        }

        foreach ((Socket socket, _) in _serving)
        {
            socket.Dispose();
        }

        await Task.WhenAll(_serving.Values);
    }

    private async Task ServeAsync(Socket socket, Task registered, CancellationToken stopping)
    {
        await registered;
        EndPoint? remote = null;
        try
        {
            remote = socket.RemoteEndPoint;
            if (await GreetAsync(socket, remote, stopping) is var (stream, peer))
            {
                await ReadAsync(socket, stream, peer, remote);
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            _log.Malformed(remote, exception.Message);
        }
#pragma warning disable CA1031 // Whatever one connection meets must not harm the others.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            PeerLog.Fault(context.Logger, exception, $"{remote}");
        }

        socket.Dispose();
        _serving.TryRemove(socket, out _);
    }

    private async Task<(Stream Stream, ReplicaId Peer)?> GreetAsync(
        Socket socket, EndPoint? remote, CancellationToken stopping)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        deadline.CancelAfter(context.Options.HandshakeTimeout);
        try
        {
            if (Interlocked.Increment(ref _strangers) > context.Options.MaxStrangers)
            {
                throw new PeerRefusedException(
                    $"{context.Options.MaxStrangers} connections have not said yet who they are");
            }

            socket.NoDelay = true;
            return await context.Handshake.AcceptAsync(socket, deadline.Token);
        }
        catch (PeerRefusedException exception)
        {
            context.Counters.AddRefused();
            _log.Refused(remote, exception.Message);
        }
        catch (Exception exception) when (
            exception is OperationCanceledException or AuthenticationException or InvalidDataException or IOException
                or SocketException or ObjectDisposedException)
        {
            if (!stopping.IsCancellationRequested)
            {
                context.Counters.AddMalformed();
                _log.Malformed(remote, Describe(exception));
            }
        }
        finally
        {
            Interlocked.Decrement(ref _strangers);
        }

        return null;
    }

    private async Task ReadAsync(Socket socket, Stream stream, ReplicaId peer, EndPoint? remote)
    {
        var connection = new PeerConnection(
            socket, stream, context.Options, context.Counters, envelope => observer.Received(peer, envelope));
        PeerLog.Accepted(context.Logger, peer, remote);
        PeerConnection? older = null;
        _links.AddOrUpdate(
            peer,
            connection,
            (_, current) =>
            {
                older = current;
                return connection;
            });
        older?.Close("the member has linked anew");
        heardOf(peer);
        try
        {
            PeerLog.Ended(context.Logger, peer, await connection.RunAsync());
        }
        catch (InvalidDataException exception)
        {
            context.Counters.AddMalformed();
            _log.Malformed(remote, exception.Message);
        }
        finally
        {
            _links.TryRemove(KeyValuePair.Create(peer, connection));
        }
    }

    private string Describe(Exception exception) => exception switch
    {
        OperationCanceledException =>
            $"it did not say who it is within {context.Options.HandshakeTimeout.TotalSeconds} s",
        AuthenticationException => $"TLS: {exception.Message}",
        _ => exception.Message,
    };
}
