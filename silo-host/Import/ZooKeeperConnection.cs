using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using Orleans.Coord.Jute;

namespace Orleans.Coord.SiloHost.Import;

/// <summary>A session with a live ZooKeeper: requests are sent many at a time, answers come in their order.</summary>
internal sealed class ZooKeeperConnection : IDisposable
{
    private const int TimeoutMs = 30_000;
    private const int MaxFrameBytes = 256 << 20;
    private const int HandshakeFixedBytes = 16;

    private readonly TcpClient _client;
    private readonly BufferedStream _input;
    private readonly JuteWriter _output = new();
    private int _xid;

    private ZooKeeperConnection(TcpClient client)
    {
        _client = client;
        _client.ReceiveTimeout = _client.SendTimeout = TimeoutMs;
        _input = new BufferedStream(client.GetStream(), 1 << 16);
    }

    /// <summary>The newest zxid that the server told.</summary>
    public long LastZxid { get; private set; }

    /// <summary>Opens a session.</summary>
    /// <exception cref="StartupException">Nobody serves there.</exception>
    public static ZooKeeperConnection Open(string host, int port)
    {
        try
        {
            var connection = new ZooKeeperConnection(new TcpClient(host, port));
            connection.ShakeHands();
            return connection;
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            throw new StartupException($"ZooKeeper at {host}:{port} does not answer: {e.Message}", e);
        }
    }

    /// <summary>How many znodes the server has, by its own word; 0 if it does not tell.</summary>
    public static long CountZnodes(string host, int port)
    {
        try
        {
            using var client = new TcpClient(host, port) { ReceiveTimeout = TimeoutMs };
            client.GetStream().Write("srvr"u8);
            using var answer = new StreamReader(client.GetStream(), Encoding.ASCII);
            const string Key = "Node count: ";
            string? line = answer.ReadToEnd().Split('\n')
                .FirstOrDefault(line => line.StartsWith(Key, StringComparison.Ordinal));
            return line is not null && long.TryParse(line[Key.Length..], out long count) ? count : 0;
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            return 0;
        }
    }

    /// <summary>Shows who we are.</summary>
    /// <exception cref="StartupException">The server does not accept it.</exception>
    public void Authenticate(string scheme, string credentials)
    {
        Send(OpCode.Auth, body =>
        {
            body.WriteInt(0);
            body.WriteString(scheme);
            body.WriteBuffer(Encoding.UTF8.GetBytes(credentials));
        });
        if (Receive(out _) != CoordErrorCode.Ok)
        {
            throw new StartupException($"ZooKeeper does not accept the credentials of the scheme {scheme}.");
        }
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
    public CoordErrorCode Receive(out byte[] body)
    {
        Flush();
        byte[] frame = ReadFrame();
        var reader = new JuteReader(frame);
        reader.ReadInt();
        LastZxid = Math.Max(LastZxid, reader.ReadLong());
        var code = (CoordErrorCode)reader.ReadInt();
        body = reader.Rest.ToArray();
        return code;
    }

    /// <inheritdoc/>
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

    private void ShakeHands()
    {
        _output.WriteInt(0);
        _output.WriteInt(0);
        _output.WriteLong(0);
        _output.WriteInt(TimeoutMs);
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
            throw new IOException($"it sent a frame of length {length}");
        }

        byte[] frame = new byte[length];
        _input.ReadExactly(frame);
        return frame;
    }
}
