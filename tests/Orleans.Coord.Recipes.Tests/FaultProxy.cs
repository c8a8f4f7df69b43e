using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Orleans.Coord.Recipes.Tests;

/// <summary>Passes frames to the server and back; stalls or cuts them when told to, and counts watch events.</summary>
internal sealed class FaultProxy : IDisposable
{
    private const int EventXid = -1;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<TcpClient, bool> _clients = [];
    private readonly string _host;
    private readonly int _port;
    private volatile TaskCompletionSource _requests = Open();
    private volatile TaskCompletionSource _answers = Open();
    private int _events;
    private int _cuts;

    public FaultProxy(string server)
    {
        // Of several servers the first: what is cut off has nowhere else to go.
        string first = server.Split(',')[0];
        int colon = first.LastIndexOf(':');
        _host = first[..colon];
        _port = int.Parse(first.AsSpan(colon + 1), CultureInfo.InvariantCulture);
        _listener.Start();
        _ = AcceptAsync();
    }

    /// <summary>After so many answers each connection is cut; 0 for never.</summary>
    public int AnswersPerConnection { get; init; }

    /// <summary>How many connections are cut so; those made after them are not.</summary>
    public int MostCuts { get; set; } = int.MaxValue;

    /// <summary>How many watch events went to clients.</summary>
    public int Events => Volatile.Read(ref _events);

    /// <summary>How many connections were cut for their number of answers.</summary>
    public int Cuts => Volatile.Read(ref _cuts);

    public string Address => $"127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    public void Dispose()
    {
        _listener.Dispose();
        Resume();
        Cut();
    }

    /// <summary>Holds answers back; requests pass.</summary>
    public void StallAnswers() => _answers = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Holds back both directions.</summary>
    public void Stall()
    {
        StallAnswers();
        _requests = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>Lets everything pass, what was held back first.</summary>
    public void Resume()
    {
        TaskCompletionSource requests = _requests, answers = _answers;
        (_requests, _answers) = (Open(), Open());
        requests.TrySetResult();
        answers.TrySetResult();
    }

    /// <summary>Cuts all connections; what is held back is lost. New connections pass.</summary>
    public void Cut()
    {
        foreach (TcpClient client in _clients.Keys)
        {
            // Null once the other side of the pair has disposed it.
            client.Client?.Close(timeout: 0);
        }

        Resume();
    }

    private static TaskCompletionSource Open()
    {
        var open = new TaskCompletionSource();
        open.SetResult();
        return open;
    }

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
        _clients.TryAdd(client, true);
        using (client)
        using (var server = new TcpClient { NoDelay = true })
        {
            try
            {
                client.NoDelay = true;
                await server.ConnectAsync(_host, _port);
                NetworkStream up = server.GetStream(), down = client.GetStream();
                // Whichever side goes takes the other along.
                await Task.WhenAny(PassRequestsAsync(down, up), PassAnswersAsync(up, down));
            }
            catch (SocketException)
            {
                // The server is not there; the client learns it by the closing.
            }
        }

        _clients.TryRemove(client, out _);
    }

    private async Task PassRequestsAsync(NetworkStream from, NetworkStream to)
    {
        while (await ReadFrameAsync(from) is { } frame)
        {
            await _requests.Task;
            await to.WriteAsync(frame);
        }
    }

    private async Task PassAnswersAsync(NetworkStream from, NetworkStream to)
    {
        int left = AnswersPerConnection > 0 && Cuts < MostCuts ? AnswersPerConnection : int.MaxValue;
        while (await ReadFrameAsync(from) is { } frame)
        {
            await _answers.Task;
            if (left-- == 0)
            {
                Interlocked.Increment(ref _cuts);
                return;
            }

            if (BinaryPrimitives.ReadInt32BigEndian(frame.AsSpan(4)) == EventXid)
            {
                Interlocked.Increment(ref _events);
            }

            await to.WriteAsync(frame);
        }
    }

    private static async Task<byte[]?> ReadFrameAsync(NetworkStream from)
    {
        byte[] head = new byte[4];
        try
        {
            await from.ReadExactlyAsync(head);
            byte[] frame = new byte[4 + BinaryPrimitives.ReadInt32BigEndian(head)];
            head.CopyTo(frame, 0);
            await from.ReadExactlyAsync(frame.AsMemory(4));
            return frame;
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            return null;
        }
    }
}
