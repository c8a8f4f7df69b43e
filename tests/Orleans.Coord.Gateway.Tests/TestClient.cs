using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Orleans.Coord.Gateway.Tests;

/// <summary>A client on a bare socket, which can be as rude as a test wants.</summary>
internal sealed class TestClient : IDisposable
{
    private readonly Socket _socket;

    private TestClient(Socket socket) => _socket = socket;

    public IPEndPoint LocalEndPoint => (IPEndPoint)_socket.LocalEndPoint!;

    public static async Task<TestClient> OpenAsync(IPEndPoint server, int receiveBufferBytes = 0)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (receiveBufferBytes > 0)
        {
            socket.ReceiveBufferSize = receiveBufferBytes;
        }

        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, server.Port));
        return new TestClient(socket);
    }

    /// <summary>Opens a connection and shakes hands.</summary>
    public static async Task<TestClient> ConnectAsync(IPEndPoint server, int receiveBufferBytes = 0)
    {
        TestClient client = await OpenAsync(server, receiveBufferBytes);
        await client.SendAsync(Wire.ConnectFrame());
        Assert.NotNull(await client.ReadFrameAsync());
        return client;
    }

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await _socket.SendAsync(bytes)..];
        }
    }

    /// <summary>Sends, and does not mind if the server has hung up meanwhile.</summary>
    public async Task TrySendAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            await SendAsync(bytes);
        }
        catch (SocketException)
        {
            // That is what the test is about.
        }
    }

    public Task SendAsync(string text) => SendAsync(Encoding.ASCII.GetBytes(text));

    public void EndSending() => _socket.Shutdown(SocketShutdown.Send);

    /// <summary>Reads one frame without its length; null at the end of the stream.</summary>
    public async Task<byte[]?> ReadFrameAsync()
    {
        byte[]? prefix = await ReadExactlyAsync(4);
        return prefix is null ? null : await ReadExactlyAsync(BinaryPrimitives.ReadInt32BigEndian(prefix));
    }

    public async Task<byte[]> RequestAsync(byte[] frame)
    {
        await SendAsync(frame);
        byte[]? reply = await ReadFrameAsync();
        Assert.NotNull(reply);
        return reply;
    }

    /// <summary>Everything until the server closes; a reset counts as a close.</summary>
    public async Task<byte[]> ReadToEndAsync()
    {
        var all = new MemoryStream();
        byte[] buffer = new byte[64 * 1024];
        try
        {
            int count;
            while ((count = await _socket.ReceiveAsync(buffer).WaitAsync(Eventually.Patience)) > 0)
            {
                all.Write(buffer, 0, count);
            }
        }
        catch (SocketException)
        {
            // Reset: whatever was on its way is lost.
        }

        return all.ToArray();
    }

    public void Dispose() => _socket.Dispose();

    private async Task<byte[]?> ReadExactlyAsync(int count)
    {
        byte[] bytes = new byte[count];
        int position = 0;
        while (position < count)
        {
            int read = await _socket.ReceiveAsync(bytes.AsMemory(position)).AsTask().WaitAsync(Eventually.Patience);
            if (read == 0)
            {
                return null;
            }

            position += read;
        }

        return bytes;
    }
}
