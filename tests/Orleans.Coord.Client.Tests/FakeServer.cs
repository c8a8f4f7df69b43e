using System.Net;
using System.Net.Sockets;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Client.Tests;

/// <summary>A server whose every answer the test writes itself. Waits at most 30 s for anything.</summary>
internal sealed class FakeServer : IDisposable
{
    public const long SessionId = 0x5151;
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public FakeServer() => _listener.Start();

    public string Address => $"127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    public void Dispose() => _listener.Dispose();

    public CoordClient NewClient(string root = "", Action<CoordClientOptions>? configure = null)
    {
        CoordClientOptions options = NewOptions(root);
        configure?.Invoke(options);
        return new CoordClient(options);
    }

    public CoordClientOptions NewOptions(string root = "") => new()
    {
        ConnectionString = Address + root,
        ConnectTimeout = Patience,
        ReconnectDelay = TimeSpan.FromMilliseconds(1),
        CloseTimeout = TimeSpan.Zero,
    };

    /// <summary>Accepts a connection and reads its first frame.</summary>
    public async Task<FakeConnection> AcceptAsync()
    {
        using var limit = new CancellationTokenSource(Patience);
        var connection = new FakeConnection(await _listener.AcceptSocketAsync(limit.Token));
        byte[] frame = await connection.ReadFrameAsync();
        connection.Connect = ConnectRequest.TryRead(frame)!;
        return connection;
    }

    /// <summary>Accepts a connection, grants it a session and tells it the extensions.</summary>
    public async Task<FakeConnection> WelcomeAsync(
        int timeoutMs = 60_000, long sessionId = SessionId, string? extensions = null)
    {
        FakeConnection connection = await AcceptAsync();
        await connection.SendWelcomeAsync(timeoutMs, sessionId);
        if (timeoutMs > 0)
        {
            await connection.TellExtensionsAsync(extensions);
        }

        return connection;
    }
}

/// <summary>A request as it came.</summary>
internal sealed record FakeRequest(int Xid, OpCode Code, byte[] Body)
{
    /// <summary>The string that most requests begin with.</summary>
    public string Path
    {
        get
        {
            var reader = new JuteReader(Body);
            return reader.ReadText();
        }
    }

    /// <summary>The byte that reads end in: whether they set a watch.</summary>
    public bool Watch => Body[^1] != 0;
}

/// <summary>The server's side of one connection.</summary>
internal sealed class FakeConnection(Socket socket) : IDisposable
{
    public static readonly byte[] Password = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
    private readonly NetworkStream _stream = new(socket, ownsSocket: true);

    public ConnectRequest Connect { get; set; } = null!;

    public void Dispose() => _stream.Dispose();

    public async Task<byte[]> ReadFrameAsync()
    {
        using var limit = new CancellationTokenSource(FakeServer.Patience);
        byte[] head = new byte[4];
        await _stream.ReadExactlyAsync(head, limit.Token);
        byte[] body = new byte[new JuteReader(head).ReadInt()];
        await _stream.ReadExactlyAsync(body, limit.Token);
        return body;
    }

    /// <summary>The next request that is not a ping; pings are answered.</summary>
    public async Task<FakeRequest> NextAsync()
    {
        while (true)
        {
            FakeRequest request = await NextOrPingAsync();
            if (request.Code != OpCode.Ping)
            {
                return request;
            }

            await ReplyAsync(request, 0);
        }
    }

    public async Task<FakeRequest> NextOrPingAsync()
    {
        byte[] frame = await ReadFrameAsync();
        var reader = new JuteReader(frame);
        return new(reader.ReadInt(), (OpCode)reader.ReadInt(), reader.Rest.ToArray());
    }

    /// <summary>The next request, which must be of the kind.</summary>
    public async Task<FakeRequest> ExpectAsync(OpCode code)
    {
        FakeRequest request = await NextAsync();
        Assert.Equal(code, request.Code);
        return request;
    }

    public Task ReplyAsync(FakeRequest request, long zxid, Action<JuteWriter>? body = null) =>
        SendAsync(request.Xid, zxid, CoordErrorCode.Ok, body);

    public Task ReplyAsync(FakeRequest request, CoordErrorCode code) => SendAsync(request.Xid, 1, code, null);

    public Task SendEventAsync(WatchEventKind kind, string path) => SendAsync(-1, -1, CoordErrorCode.Ok, writer =>
    {
        writer.WriteInt((int)kind);
        writer.WriteInt(3);
        writer.WriteString(path);
    });

    public Task SendWelcomeAsync(int timeoutMs, long sessionId)
    {
        var writer = new JuteWriter();
        writer.WriteInt(0);
        writer.WriteInt(timeoutMs);
        writer.WriteLong(sessionId);
        writer.WriteBuffer(Password);
        writer.WriteBool(false);
        return SendRawAsync(writer.Written.ToArray());
    }

    /// <summary>Answers the client's look for extensions as ZooKeeper does, or with the text.</summary>
    public async Task TellExtensionsAsync(string? extensions = null)
    {
        FakeRequest look = await ExpectAsync(OpCode.GetData);
        Assert.Equal("/zookeeper/coord", look.Path);
        await (extensions is null
            ? ReplyAsync(look, CoordErrorCode.NoNode)
            : ReplyAsync(look, 0, writer =>
            {
                writer.WriteString(extensions);
                writer.WriteStat(default);
            }));
    }

    public Task SendAsync(int xid, long zxid, CoordErrorCode code, Action<JuteWriter>? body)
    {
        var writer = new JuteWriter();
        writer.WriteInt(xid);
        writer.WriteLong(zxid);
        writer.WriteInt((int)code);
        body?.Invoke(writer);
        return SendRawAsync(writer.Written.ToArray());
    }

    /// <summary>Sends a frame's length and bytes.</summary>
    public async Task SendRawAsync(byte[] body)
    {
        var head = new JuteWriter();
        head.WriteBuffer(body);
        await _stream.WriteAsync(head.WrittenMemory);
    }

    /// <summary>Sends bytes as they are.</summary>
    public async Task SendBytesAsync(byte[] bytes) => await _stream.WriteAsync(bytes);

    /// <summary>Answers pings with blocking calls, on the caller's own thread.</summary>
    public void AnswerPingsSynchronously(int count)
    {
        socket.ReceiveTimeout = (int)FakeServer.Patience.TotalMilliseconds;
        byte[] ping = new byte[12];
        for (int i = 0; i < count; i++)
        {
            _stream.ReadExactly(ping);
            var frame = new JuteWriter();
            frame.WriteInt(16);
            frame.WriteInt(-2);
            frame.WriteLong(0);
            frame.WriteInt(0);
            _stream.Write(frame.Written);
        }
    }

    /// <summary>Waits until the client has closed the connection.</summary>
    public async Task WaitForCloseAsync()
    {
        using var limit = new CancellationTokenSource(FakeServer.Patience);
        byte[] rest = new byte[1024];
        try
        {
            while (await _stream.ReadAsync(rest, limit.Token) > 0)
            {
            }
        }
        catch (IOException)
        {
            // A reset closes it as well.
        }
    }
}
