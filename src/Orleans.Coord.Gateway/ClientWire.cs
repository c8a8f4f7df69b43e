using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Orleans.Coord.Gateway;

/// <summary>What a connection reads from and writes to: a bare socket, or TLS on one.</summary>
internal abstract class ClientWire : IDisposable
{
    /// <summary>What the client sends.</summary>
    public abstract PipeReader Input { get; }

    /// <summary>What the wire proves about the client.</summary>
    public virtual IReadOnlyList<(string Scheme, string Id)> Identities => [];

    /// <summary>Sends all of the bytes. One caller at a time.</summary>
    /// <exception cref="IOException">The connection is broken.</exception>
    /// <exception cref="SocketException">The connection is broken.</exception>
    /// <exception cref="ObjectDisposedException">The connection is over.</exception>
    public abstract ValueTask SendAsync(ReadOnlyMemory<byte> bytes);

    /// <summary>
    /// Tells the client that nothing more will come. Only our half: closing with unread input would reset the
    /// connection and destroy the last replies on their way.
    /// </summary>
    public abstract void EndSending();

    /// <summary>Ends the connection at once.</summary>
    public abstract void Abort();

    /// <inheritdoc/>
    public abstract void Dispose();
}

/// <summary>The bare socket. Sends bypass Kestrel's pipe: a whole turn's output is one call.</summary>
internal sealed class SocketWire(ConnectionContext connection, Socket socket) : ClientWire
{
    /// <inheritdoc/>
    public override PipeReader Input => connection.Transport.Input;

    /// <inheritdoc/>
    public override ValueTask SendAsync(ReadOnlyMemory<byte> bytes)
    {
        ValueTask<int> send = socket.SendAsync(bytes, SocketFlags.None);
        if (!send.IsCompletedSuccessfully)
        {
            return FinishAsync(send, bytes.Length);
        }

        // A stream socket's send completes with everything or with an error.
        Invariant.Check(send.Result == bytes.Length);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public override void EndSending() => socket.Shutdown(SocketShutdown.Send);

    /// <inheritdoc/>
    public override void Abort() => connection.Abort();

    /// <inheritdoc/>
    public override void Dispose()
    {
        // Kestrel's.
    }

    private static async ValueTask FinishAsync(ValueTask<int> send, int length) =>
        Invariant.Check(await send == length);
}
