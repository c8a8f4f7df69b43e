using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Orleans.Coord.LoadGenerator;

/// <summary>Connects a socket and performs the ZooKeeper handshake, before any measuring starts.</summary>
internal static class Session
{
    private const int RequestedTimeoutMs = 30_000;
    private const int PasswordLength = 16;
    private const int MaxWelcomeLength = 4096;
    private const int ReplyHeaderLength = 16;

    /// <summary>Opens a session and returns its socket and the time-out that the server granted.</summary>
    public static (Socket Socket, int TimeoutMs) Open(EndPoint server, TimeSpan patience)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.SendTimeout = (int)patience.TotalMilliseconds;
            socket.ReceiveTimeout = (int)patience.TotalMilliseconds;
            socket.Connect(server);
            socket.Send(new FrameWriter()
                .Int(0).Long(0).Int(RequestedTimeoutMs).Long(0).Buffer(new byte[PasswordLength]).Bool(false)
                .ToFrame());
            return (socket, ReadWelcome(socket, server));
        }
        catch (SocketException error)
        {
            socket.Dispose();
            throw new LoadException(ExitCode.CannotConnect, error.SocketErrorCode switch
            {
                SocketError.ConnectionRefused => $"Nothing listens on {Name(server)}: start the server first.",
                SocketError.TimedOut or SocketError.WouldBlock =>
                    $"{Name(server)} accepted the connection but did not answer within {patience.TotalSeconds} s.",
                _ => $"Cannot connect to {Name(server)}: {error.Message}.",
            });
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public static string Name(EndPoint server) =>
        server is DnsEndPoint name ? $"{name.Host}:{name.Port}" : server.ToString()!;

    private static int ReadWelcome(Socket socket, EndPoint server)
    {
        byte[] prefix = ReadExactly(socket, sizeof(int), server);
        int length = BinaryPrimitives.ReadInt32BigEndian(prefix);
        if (length is < ReplyHeaderLength or > MaxWelcomeLength)
        {
            throw new LoadException(ExitCode.CannotConnect, $"{Name(server)} does not speak ZooKeeper's protocol.");
        }

        byte[] welcome = ReadExactly(socket, length, server);
        if (length == ReplyHeaderLength)
        {
            int error = BinaryPrimitives.ReadInt32BigEndian(welcome.AsSpan(ReplyHeaderLength - sizeof(int)));
            throw new LoadException(
                ExitCode.CannotConnect, $"{Name(server)} refused the session: {ErrorCode.NameOf(error)}.");
        }

        int timeoutMs = BinaryPrimitives.ReadInt32BigEndian(welcome.AsSpan(sizeof(int)));
        return timeoutMs > 0
            ? timeoutMs
            : throw new LoadException(ExitCode.CannotConnect, $"{Name(server)} refused the session.");
    }

    private static byte[] ReadExactly(Socket socket, int length, EndPoint server)
    {
        byte[] bytes = new byte[length];
        for (int filled = 0; filled < length;)
        {
            int received = socket.Receive(bytes.AsSpan(filled));
            if (received == 0)
            {
                throw new LoadException(
                    ExitCode.CannotConnect,
                    $"{Name(server)} closed the connection during the handshake; it may limit connections per client.");
            }

            filled += received;
        }

        return bytes;
    }
}
