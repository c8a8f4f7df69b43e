using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using Orleans.Coord.Jute;

namespace Orleans.Coord.SiloHost;

/// <summary>
/// A session with a server that speaks ZooKeeper's protocol, for the command line: requests are sent many at a time or
/// one by one, answers come in their order.
/// </summary>
internal sealed class ZooKeeperConnection : IDisposable
{
    private const int MaxFrameBytes = 256 << 20;
    private const int HandshakeFixedBytes = 16;

    private readonly TcpClient _client;
    private readonly BufferedStream _input;
    private readonly JuteWriter _output = new();
    private int _xid;

    private ZooKeeperConnection(TcpClient client)
    {
        _client = client;
        _input = new BufferedStream(client.GetStream(), 1 << 16);
    }

    /// <summary>The newest zxid that the server told.</summary>
    public long LastZxid { get; private set; }

    /// <summary>Reads <c>HOST:PORT</c>.</summary>
    public static bool TryParse(string server, out string host, out ushort port)
    {
        int colon = server.LastIndexOf(':');
        host = server[..Math.Max(0, colon)].Trim('[', ']');
        port = 0;
        return host.Length > 0 && ushort.TryParse(server.AsSpan(colon + 1), out port) && port > 0;
    }

    /// <summary>Opens a session.</summary>
    /// <param name="host">The server's name or address.</param>
    /// <param name="port">Where it listens for clients.</param>
    /// <param name="timeoutMs">The longest wait for an answer, and the session time-out asked for.</param>
    /// <exception cref="IOException">Nobody serves there, or not in this protocol.</exception>
    /// <exception cref="SocketException">Nobody is there.</exception>
    public static ZooKeeperConnection Open(string host, int port, int timeoutMs)
    {
        var connection = new ZooKeeperConnection(Dial(host, port, timeoutMs));
        try
        {
            connection.ShakeHands(timeoutMs);
            return connection;
        }
        catch
        {
            connection._client.Dispose();
            throw;
        }
    }

    /// <summary>Asks a four-letter word; null where nobody answers.</summary>
    public static string? Ask(string host, int port, string word, int timeoutMs)
    {
        try
        {
            using TcpClient client = Dial(host, port, timeoutMs);
            client.GetStream().Write(Encoding.ASCII.GetBytes(word));
            using var answer = new StreamReader(client.GetStream());
            return answer.ReadToEnd();
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            return null;
        }
    }

    /// <summary>Shows who we are.</summary>
    /// <exception cref="IOException">The connection broke.</exception>
    public CoordErrorCode Authenticate(string scheme, string credentials) => Call(
        OpCode.Auth,
        body =>
        {
            body.WriteInt(0);
            body.WriteString(scheme);
            body.WriteBuffer(Encoding.UTF8.GetBytes(credentials));
        },
        out _);

    /// <summary>Sends a request and waits for its answer; no other may be under way.</summary>
    /// <exception cref="IOException">The connection broke.</exception>
    public CoordErrorCode Call(OpCode op, Action<JuteWriter> body, out byte[] reply)
    {
        Send(op, body);
        return Receive(out reply);
    }

    /// <summary>Queues a request; it leaves with the next <see cref="Receive"/> at the latest.</summary>
    public void Send(OpCode op, Action<JuteWriter> body)
    {
        int start = _output.Length;
        _output.WriteInt(0);
        _output.WriteInt(++_xid);
        _output.WriteInt((int)op);
        body(_output);
        _output.PatchInt(start, _output.Length - start - sizeof(int));
    }

    /// <summary>The answer to the oldest request that has none yet.</summary>
    /// <exception cref="IOException">The connection broke.</exception>
    public CoordErrorCode Receive(out byte[] body)
    {
        Flush();
        var reader = new JuteReader(ReadFrame());
        reader.ReadInt();
        LastZxid = Math.Max(LastZxid, reader.ReadLong());
        var code = (CoordErrorCode)reader.ReadInt();
        body = reader.Rest.ToArray();
        return code;
    }

    /// <summary>Ends the session, as far as the connection allows.</summary>
    public void Dispose()
    {
        try
        {
            Send(OpCode.CloseSession, static _ => { });
            Flush();
        }
        catch (IOException)
        {
            // Then it expires.
        }

        _client.Dispose();
    }

    private static TcpClient Dial(string host, int port, int timeoutMs)
    {
        var client = new TcpClient { SendTimeout = timeoutMs, ReceiveTimeout = timeoutMs, NoDelay = true };
        try
        {
            client.Connect(host, port);
            return client;
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    private void ShakeHands(int timeoutMs)
    {
        _output.WriteInt(0);
        _output.WriteInt(0);
        _output.WriteLong(0);
        _output.WriteInt(timeoutMs);
        _output.WriteLong(0);
        _output.WriteBuffer(new byte[CoordLimits.PasswordBytes]);
        // Not read-only: a server without a quorum may lack what others have.
        _output.WriteBool(false);
        _output.PatchInt(0, _output.Length - sizeof(int));
        Flush();
        if (ReadFrame().Length < HandshakeFixedBytes)
        {
            throw new IOException("its welcome is too short");
        }
    }

    private void Flush()
    {
        _client.GetStream().Write(_output.Written);
        _output.Clear();
    }

    private byte[] ReadFrame()
    {
        byte[] prefix = new byte[sizeof(int)];
        _input.ReadExactly(prefix);
        int length = BinaryPrimitives.ReadInt32BigEndian(prefix);
        if (length is < 0 or > MaxFrameBytes)
        {
            throw new IOException($"it sent a frame of {length} bytes, so it is no ZooKeeper server");
        }

        byte[] frame = new byte[length];
        _input.ReadExactly(frame);
        return frame;
    }
}
