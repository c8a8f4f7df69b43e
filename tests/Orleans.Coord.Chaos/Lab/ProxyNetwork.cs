using System.Net;
using System.Net.Sockets;

namespace Orleans.Coord.Chaos.Lab;

/// <summary>
/// Where namespaces are not to be had: all members on this machine, and between each two a proxy of ours for either
/// that dials. Bytes of a direction that is cut stay where they are until it is healed, as TCP would have it.
/// </summary>
internal sealed class ProxyNetwork : Network
{
    private const int BufferBytes = 64 << 10;
    private readonly CancellationTokenSource _end = new();
    private readonly Lock _gate = new();
    private readonly HashSet<(int From, int To)> _cuts = [];
    private readonly Dictionary<(int From, int To), TcpListener> _proxies = [];
    private readonly int[] _clientPorts;
    private readonly int[] _peerPorts;
    private TaskCompletionSource _healed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ProxyNetwork(int members)
    {
        _clientPorts = FreePorts(members + 1);
        _peerPorts = FreePorts(members + 1);
        for (int from = 1; from <= members; from++)
        {
            for (int to = 1; to <= members; to++)
            {
                if (from != to)
                {
                    var proxy = new TcpListener(IPAddress.Loopback, 0);
                    proxy.Start();
                    _proxies.Add((from, to), proxy);
                    _ = AcceptAsync(proxy, from, to);
                }
            }
        }
    }

    public override (string Host, int Port) ClientAddress(int member) => ("127.0.0.1", _clientPorts[member]);

    public override IReadOnlyList<string> Launcher(int member) => ["dotnet"];

    public override (string ClientHost, string Members) Settings(int member) =>
        ("127.0.0.1", List(_peerPorts.Length - 1, id => $"127.0.0.1:{PeerPort(member, id)}"));

    public override void Cut(int from, int to)
    {
        lock (_gate)
        {
            _cuts.Add((from, to));
        }
    }

    public override void Heal()
    {
        lock (_gate)
        {
            _cuts.Clear();
            _healed.SetResult();
            _healed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    public override void Dispose()
    {
        _end.Cancel();
        foreach (TcpListener proxy in _proxies.Values)
        {
            proxy.Dispose();
        }

        _end.Dispose();
        base.Dispose();
    }

    private int PeerPort(int from, int to) =>
        from == to ? _peerPorts[to] : ((IPEndPoint)_proxies[(from, to)].LocalEndpoint).Port;

    private async Task AcceptAsync(TcpListener proxy, int from, int to)
    {
        try
        {
            while (true)
            {
                _ = CarryAsync(await proxy.AcceptTcpClientAsync(_end.Token), from, to);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The lab is taken down.
        }
    }

    private async Task CarryAsync(TcpClient dialler, int from, int to)
    {
        using TcpClient near = dialler;
        using var far = new TcpClient();
        try
        {
            await WhenWholeAsync(from, to);
            await far.ConnectAsync(IPAddress.Loopback, _peerPorts[to], _end.Token);
            near.NoDelay = far.NoDelay = true;
            await Task.WhenAny(
                PumpAsync(near.GetStream(), far.GetStream(), from, to),
                PumpAsync(far.GetStream(), near.GetStream(), to, from));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or IOException)
        {
            // Either end is gone: the other one sees its connection closed.
        }
    }

    private async Task PumpAsync(NetworkStream source, NetworkStream sink, int from, int to)
    {
        byte[] buffer = new byte[BufferBytes];
        try
        {
            while (await source.ReadAsync(buffer, _end.Token) is var count and > 0)
            {
                await WhenWholeAsync(from, to);
                await sink.WriteAsync(buffer.AsMemory(0, count), _end.Token);
            }
        }
        catch (IOException)
        {
            // Reset by one end; the other one hears of it below.
        }

        // That a connection has ended is news too.
        await WhenWholeAsync(from, to);
    }

    private async Task WhenWholeAsync(int from, int to)
    {
        while (Cure(from, to) is { } healed)
        {
            await healed.WaitAsync(_end.Token);
        }
    }

    private Task? Cure(int from, int to)
    {
        lock (_gate)
        {
            return _cuts.Contains((from, to)) ? _healed.Task : null;
        }
    }

    private static int[] FreePorts(int count)
    {
        TcpListener[] listeners = [.. Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0))];
        Array.ForEach(listeners, listener => listener.Start());
        int[] ports = [.. listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        Array.ForEach(listeners, listener => listener.Dispose());
        return ports;
    }
}
