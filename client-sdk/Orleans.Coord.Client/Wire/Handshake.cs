using System.Net.Sockets;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Client;

/// <summary>The server's first frame.</summary>
/// <param name="TimeoutMs">The negotiated session time-out; 0 or less when the session is gone.</param>
/// <param name="SessionId">The session.</param>
/// <param name="Password">What resumes it.</param>
/// <param name="AskedAtMs">When the request was sent: the server counts the time-out from a later moment.</param>
internal sealed record Welcome(int TimeoutMs, long SessionId, byte[] Password, long AskedAtMs);

/// <summary>The exchange of the first frames on a new connection.</summary>
internal static class Handshake
{
    private const int MaxWelcomeBytes = 1024;

    /// <summary>Asks for a session; throws <see cref="IOException"/> when the server turns the client away.</summary>
    public static async Task<Welcome> RunAsync(
        Socket socket, long lastZxid, int timeoutMs, long sessionId, byte[] password, CancellationToken cancellation)
    {
        var writer = new JuteWriter();
        writer.WriteInt(0);
        writer.WriteInt(0);
        writer.WriteLong(lastZxid);
        writer.WriteInt(timeoutMs);
        writer.WriteLong(sessionId);
        writer.WriteBuffer(password);
        writer.WriteBool(false);
        writer.PatchInt(0, writer.Length - sizeof(int));

        long askedAt = HeartbeatThread.NowMs;
        using var stream = new NetworkStream(socket, ownsSocket: false);
        await stream.WriteAsync(writer.WrittenMemory, cancellation).ConfigureAwait(false);
        byte[] head = new byte[sizeof(int)];
        await stream.ReadExactlyAsync(head, cancellation).ConfigureAwait(false);
        int length = new JuteReader(head).ReadInt();
        if (length is < 0 or > MaxWelcomeBytes)
        {
            throw new IOException($"The server's welcome has a length of {length}");
        }

        byte[] body = new byte[length];
        await stream.ReadExactlyAsync(body, cancellation).ConfigureAwait(false);
        return Parse(body, askedAt);
    }

    private static Welcome Parse(byte[] body, long askedAt)
    {
        // The read-only byte that may follow says nothing: this client never asks for a read-only server.
        var reader = new JuteReader(body);
        reader.ReadInt();
        var welcome = new Welcome(reader.ReadInt(), reader.ReadLong(), reader.ReadBuffer().ToArray(), askedAt);
        return reader.Failed ? throw new IOException("The server's welcome cannot be read") : welcome;
    }
}
