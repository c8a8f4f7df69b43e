using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using Orleans.Coord.Jute;
using Orleans.Coord.Tree;

namespace Orleans.Coord.SiloHost.Administration;

/// <summary>As much of ZooKeeper's protocol as changing the membership needs, one request at a time.</summary>
internal sealed class WireClient : IDisposable
{
    private const int TimeoutMs = 10_000;
    private const int MaxFrameBytes = 4 << 20;
    private const int AuthXid = -4;

    private readonly TcpClient _tcp;
    private readonly NetworkStream _stream;
    private int _xid;

    private WireClient(TcpClient tcp)
    {
        _tcp = tcp;
        _stream = tcp.GetStream();
    }

    /// <summary>Opens a session at the first of some servers that serves.</summary>
    /// <param name="servers">HOST:PORT, separated by commas.</param>
    /// <exception cref="StartupException">None of them does; the sentence says what the last one answered.</exception>
    public static WireClient Connect(string servers)
    {
        Exception? last = null;
        foreach (string server in servers.Split(',', StringSplitOptions.TrimEntries))
        {
            try
            {
                WireClient client = new(Dial(server));
                client.Greet();
                return client;
            }
            catch (Exception e) when (e is IOException or SocketException)
            {
                last = e;
            }
        }

        throw new StartupException(
            $"No member serves clients at {servers} ({last?.Message.TrimEnd('.')}); name one that does with --server.",
            last!);
    }

    /// <summary>Asks a four-letter word; null where nobody answers.</summary>
    public static string? Ask(string server, string word)
    {
        try
        {
            using TcpClient tcp = Dial(server);
            tcp.GetStream().Write(Encoding.ASCII.GetBytes(word));
            using var reader = new StreamReader(tcp.GetStream());
            return reader.ReadToEnd();
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            return null;
        }
    }

    /// <summary>Shows who asks.</summary>
    /// <param name="credentials">user:password of the digest scheme.</param>
    /// <exception cref="IOException">The connection broke.</exception>
    public CoordErrorCode Authenticate(string credentials)
    {
        var body = new JuteWriter();
        body.WriteInt(0);
        body.WriteString("digest");
        body.WriteBuffer(Encoding.UTF8.GetBytes(credentials));
        return Call(AuthXid, OpCode.Auth, body.Written, out _);
    }

    /// <summary>Reads the ensemble's configuration as it was committed last.</summary>
    /// <exception cref="IOException">The connection broke.</exception>
    public EnsembleConfig ReadConfiguration()
    {
        var body = new JuteWriter();
        body.WriteString("/zookeeper/config");
        Call(++_xid, OpCode.Sync, body.Written, out _);
        body.WriteBool(false);
        CoordErrorCode code = Call(++_xid, OpCode.GetData, body.Written, out byte[] reply);
        return code == CoordErrorCode.Ok && EnsembleConfig.TryRead(
            new JuteReader(reply).ReadBuffer(), default, out EnsembleConfig? config)
            ? config
            : throw new StartupException($"The configuration cannot be read there: {code}.");
    }

    /// <summary>Asks for another configuration.</summary>
    /// <exception cref="IOException">The connection broke: whether it was changed is not known.</exception>
    public CoordErrorCode Reconfigure(in ReconfigRequest request)
    {
        var body = new JuteWriter();
        request.Write(body);
        return Call(++_xid, OpCode.Reconfig, body.Written, out _);
    }

    /// <summary>Ends the session.</summary>
    public void Dispose()
    {
        try
        {
            Call(++_xid, OpCode.CloseSession, default, out _);
        }
        catch (IOException)
        {
            // It is gone already.
        }

        _tcp.Dispose();
    }

    private static TcpClient Dial(string server)
    {
        int colon = server.LastIndexOf(':');
        if (colon <= 0 || !ushort.TryParse(server.AsSpan(colon + 1), out ushort port) || port == 0)
        {
            throw new StartupException($"--server names '{server}'; a server is HOST:PORT.");
        }

        var tcp = new TcpClient { SendTimeout = TimeoutMs, ReceiveTimeout = TimeoutMs, NoDelay = true };
        try
        {
            tcp.Connect(server[..colon].Trim('[', ']'), port);
            return tcp;
        }
        catch
        {
            tcp.Dispose();
            throw;
        }
    }

    private void Greet()
    {
        var hello = new JuteWriter();
        hello.WriteInt(0);
        hello.WriteLong(0);
        hello.WriteInt(TimeoutMs);
        hello.WriteLong(0);
        hello.WriteBuffer(new byte[CoordLimits.PasswordBytes]);
        hello.WriteBool(false);
        Send(hello.Written);
        Receive();
    }

    private CoordErrorCode Call(int xid, OpCode op, ReadOnlySpan<byte> body, out byte[] reply)
    {
        var request = new JuteWriter();
        request.WriteInt(xid);
        request.WriteInt((int)op);
        request.WriteRaw(body);
        Send(request.Written);
        while (true)
        {
            var reader = new JuteReader(Receive());
            int answered = reader.ReadInt();
            reader.ReadLong();
            var code = (CoordErrorCode)reader.ReadInt();
            if (answered == xid && !reader.Failed)
            {
                reply = reader.Rest.ToArray();
                return code;
            }
        }
    }

    private void Send(ReadOnlySpan<byte> body)
    {
        byte[] frame = new byte[sizeof(int) + body.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, body.Length);
        body.CopyTo(frame.AsSpan(sizeof(int)));
        _stream.Write(frame);
    }

    private byte[] Receive()
    {
        byte[] head = new byte[sizeof(int)];
        _stream.ReadExactly(head);
        int length = BinaryPrimitives.ReadInt32BigEndian(head);
        if (length is < 0 or > MaxFrameBytes)
        {
            throw new IOException($"it sent a frame of {length} bytes, so it is no ZooKeeper server");
        }

        byte[] body = new byte[length];
        _stream.ReadExactly(body);
        return body;
    }
}
