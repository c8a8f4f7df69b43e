using System.IO.Pipelines;
using System.Net.Security;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Orleans.Coord.Gateway;

/// <summary>TLS on a client's socket.</summary>
internal sealed class TlsWire : ClientWire
{
    private readonly ConnectionContext _connection;
    private readonly Socket _socket;
    private readonly SslStream _stream;

    public TlsWire(
        ConnectionContext connection,
        Socket socket,
        SslStream stream,
        IReadOnlyList<(string Scheme, string Id)> identities)
    {
        _connection = connection;
        _socket = socket;
        _stream = stream;
        Identities = identities;
        Input = PipeReader.Create(stream, new StreamPipeReaderOptions(leaveOpen: true, useZeroByteReads: true));
    }

    /// <inheritdoc/>
    public override PipeReader Input { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<(string Scheme, string Id)> Identities { get; }

    /// <inheritdoc/>
    public override ValueTask SendAsync(ReadOnlyMemory<byte> bytes) => _stream.WriteAsync(bytes);

    /// <inheritdoc/>
    public override void EndSending() => _ = EndSendingAsync();

    /// <inheritdoc/>
    public override void Abort() => _connection.Abort();

    /// <inheritdoc/>
    public override void Dispose() => _stream.Dispose();

    private async Task EndSendingAsync()
    {
        try
        {
            await _stream.ShutdownAsync();
            _socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception exception) when (exception is IOException or SocketException or ObjectDisposedException
            or InvalidOperationException)
        {
            // The client was faster: there is nobody to tell.
        }
    }
}
