using System.Net;
using System.Net.Sockets;

namespace Orleans.Coord.Client.Tests;

/// <summary>
/// Passes bytes to a real server, and cuts each connection after so many bytes of answers; after so many cuts, none.
/// </summary>
internal sealed class CuttingProxy : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly string _host;
    private readonly int _port;
    private readonly int _bytesPerConnection;
    private readonly int _mostCuts;
    private int _cuts;

    public CuttingProxy(string server, int bytesPerConnection, int mostCuts = int.MaxValue)
    {
        // Of several servers the first: what is cut off has nowhere else to go.
        string first = server.Split(',')[0];
        int colon = first.LastIndexOf(':');
        _host = first[..colon];
        _port = int.Parse(first.AsSpan(colon + 1), System.Globalization.CultureInfo.InvariantCulture);
        _bytesPerConnection = bytesPerConnection;
        _mostCuts = mostCuts;
        _listener.Start();
        _ = AcceptAsync();
    }

    /// <summary>How many connections were cut.</summary>
    public int Cuts => Volatile.Read(ref _cuts);

    public string Address => $"127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = PassAsync(await _listener.AcceptTcpClientAsync());
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task PassAsync(TcpClient client)
    {
        using (client)
        using (var server = new TcpClient())
        {
            try
            {
                await server.ConnectAsync(_host, _port);
                Task requests = client.GetStream().CopyToAsync(server.GetStream());
                await PassAnswersAsync(server.GetStream(), client.GetStream());
                client.Client.Close(timeout: 0);
                await requests;
            }
            catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException)
            {
                // Either side may go at any time.
            }
        }
    }

    private async Task PassAnswersAsync(NetworkStream from, NetworkStream to)
    {
        byte[] buffer = new byte[4096];
        int left = Cuts < _mostCuts ? _bytesPerConnection : int.MaxValue;
        int count;
        while (left > 0 && (count = await from.ReadAsync(buffer.AsMemory(0, Math.Min(left, buffer.Length)))) > 0)
        {
            await to.WriteAsync(buffer.AsMemory(0, count));
            left -= count;
        }

        if (left == 0)
        {
            Interlocked.Increment(ref _cuts);
        }
    }
}
