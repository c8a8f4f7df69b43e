using System.Net;
using System.Net.Sockets;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Tcp.Tests;

/// <summary>A member, or something worse, that a test plays by hand.</summary>
internal sealed class RawPeer(Socket socket) : IDisposable
{
    public static async Task<RawPeer> DialAsync(IPEndPoint endPoint)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(endPoint);
        return new RawPeer(socket);
    }

    /// <summary>Says hello as member <paramref name="from"/> to a member of a test's ensemble.</summary>
    public static async Task<RawPeer> DialAsync(Member to, byte from, ulong incarnation)
    {
        RawPeer peer = await DialAsync(to.Transport.EndPoint);
        await peer.SendAsync(HelloOf(from, to.Options.Self.Value, incarnation).Encode());
        Assert.Equal(Verdict.Welcome, (await peer.ReadHelloAsync()).Verdict);
        return peer;
    }

    /// <summary>Waits for a member's call, reads its greeting and welcomes it.</summary>
    public static async Task<RawPeer> AnswerAsync(Socket listener, byte self, ulong incarnation)
    {
        var peer = new RawPeer(await listener.AcceptAsync().WaitAsync(Eventually.Patience));
        Hello hello = await peer.ReadHelloAsync();
        await peer.SendAsync(HelloOf(self, hello.From.Value, incarnation).Encode());
        return peer;
    }

    /// <summary>Listens where a test's member expects another one.</summary>
    public static Socket Listen(IPEndPoint endPoint)
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(endPoint);
        listener.Listen();
        return listener;
    }

    public static Hello HelloOf(byte from, byte to, ulong incarnation) => new(
        Hello.CurrentVersion, Verdict.Welcome, new ReplicaId(from), new ReplicaId(to), incarnation, Member.Cluster);

    public static byte[] Frame(params byte[] envelope)
    {
        var writer = new JuteWriter();
        PeerFrame.Write(writer, envelope);
        return writer.Written.ToArray();
    }

    public async Task SendAsync(byte[] bytes) => await socket.SendAsync(bytes);

    public Task<Hello> ReadHelloAsync() =>
        Hello.ReadAsync(new NetworkStream(socket), CancellationToken.None).WaitAsync(Eventually.Patience);

    public async Task<int> ReadAsync(byte[] buffer) =>
        await socket.ReceiveAsync(buffer, SocketFlags.None).WaitAsync(Eventually.Patience);

    /// <summary>Reads until the other side closes; returns how many bytes came.</summary>
    public async Task<long> ReadToEndAsync()
    {
        byte[] buffer = new byte[64 * 1024];
        long total = 0;
        try
        {
            while (await ReadAsync(buffer) is > 0 and int count)
            {
                total += count;
            }
        }
        catch (SocketException)
        {
            // Reset: just as closed.
        }

        return total;
    }

    /// <summary>No goodbye: what a killed process with unread input leaves behind.</summary>
    public void Reset()
    {
        socket.LingerState = new LingerOption(true, 0);
        socket.Dispose();
    }

    public void Dispose() => socket.Dispose();
}
