using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Orleans.Coord.Tcp.Tests;

/// <summary>Stands between a dialling member and the one it dials, and does what networks do.</summary>
internal sealed class BadNetwork : IAsyncDisposable
{
    private readonly Socket _listener;
    private readonly IPEndPoint _target;
    private readonly ConcurrentDictionary<Socket, bool> _sockets = new();
    private readonly Task _accepting;
    private volatile bool _stopped;
    private int _flips;

    public BadNetwork(DnsEndPoint target)
    {
        _target = new IPEndPoint(IPAddress.Parse(target.Host), target.Port);
        _listener = RawPeer.Listen(new IPEndPoint(IPAddress.Loopback, Member.FreePort()));
        _accepting = AcceptAsync();
    }

    public DnsEndPoint Address => new("127.0.0.1", ((IPEndPoint)_listener.LocalEndPoint!).Port);

    /// <summary>Swallows what comes, while connections stay up: a cable that was pulled.</summary>
    public bool IsSwallowing { get; set; }

    /// <summary>Bits still to be changed.</summary>
    public int Flips => Volatile.Read(ref _flips);

    /// <summary>Changes a bit of what passes next.</summary>
    public void FlipBit() => Interlocked.Increment(ref _flips);

    /// <summary>Cuts all connections.</summary>
    public void Cut()
    {
        foreach ((Socket socket, _) in _sockets)
        {
            socket.Dispose();
        }
    }

    public async ValueTask DisposeAsync()
    {
        _stopped = true;
        _listener.Dispose();
        await _accepting;
        while (!_sockets.IsEmpty)
        {
            Cut();
            await Task.Delay(5);
        }
    }

    private async Task AcceptAsync()
    {
        while (!_stopped)
        {
            try
            {
                Socket near = await _listener.AcceptAsync();
                _ = JoinAsync(near);
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                // Disposed.
            }
        }
    }

    private async Task JoinAsync(Socket near)
    {
        using var far = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        using (near)
        {
            _sockets[near] = true;
            try
            {
                await far.ConnectAsync(_target);
                await await Task.WhenAny(PumpAsync(near, far), PumpAsync(far, near));
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                // Cut, from here or from there.
            }
        }

        _sockets.TryRemove(near, out _);
    }

    private async Task PumpAsync(Socket from, Socket to)
    {
        byte[] buffer = new byte[32 * 1024];
        while (await from.ReceiveAsync(buffer) is > 0 and int count)
        {
            if (count > PeerFrame.HeaderBytes && Volatile.Read(ref _flips) > 0)
            {
                Interlocked.Decrement(ref _flips);
                buffer[count / 2] ^= 4;
            }

            if (!IsSwallowing)
            {
                await to.SendAsync(buffer.AsMemory(0, count));
            }
        }
    }
}
