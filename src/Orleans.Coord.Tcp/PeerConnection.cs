using System.Net.Sockets;

namespace Orleans.Coord.Tcp;

/// <summary>One established connection, dialled or accepted: reader, sender and watch over silence.</summary>
internal sealed class PeerConnection : IFrameSink
{
    private readonly Socket _socket;
    private readonly FrameReader _reader;
    private readonly Action<byte[]> _received;
    private readonly int _maxSilentTicks;
    private string? _reason;
    private int _silentTicks;

    /// <param name="socket">The connection, closed with this object.</param>
    /// <param name="stream">The same, perhaps through TLS.</param>
    /// <param name="options">Time-outs.</param>
    /// <param name="counters">What is counted.</param>
    /// <param name="received">Takes envelopes; null if none may come.</param>
    public PeerConnection(
        Socket socket,
        Stream stream,
        PeerTransportOptions options,
        PeerCounters counters,
        Action<byte[]>? received)
    {
        const int HeartbeatBufferBytes = 256;
        const int EnvelopeBufferBytes = 64 * 1024;
        _socket = socket;
        _maxSilentTicks = options.SilentTicks;
        _received = received ?? (_ => { });
        _reader = received is null
            ? new FrameReader(stream, HeartbeatBufferBytes, 0, this, counters)
            : new FrameReader(stream, EnvelopeBufferBytes, options.MaxEnvelopeBytes, this, counters);
        Sender = new LinkSender(stream, counters, Close, ShutDown);
    }

    /// <summary>The way out.</summary>
    public LinkSender Sender { get; }

    /// <summary>Whether anything ever came.</summary>
    public bool WasHeard { get; private set; }

    /// <summary>Reads until the connection ends.</summary>
    /// <returns>Why it ended.</returns>
    /// <exception cref="InvalidDataException">The other side broke the protocol.</exception>
    public async Task<string> RunAsync()
    {
        try
        {
            await _reader.RunAsync();
            return Volatile.Read(ref _reason) ?? "closed by the other side";
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            return Volatile.Read(ref _reason) ?? exception.Message;
        }
        finally
        {
            Close("read to its end");
        }
    }

    /// <summary>A heartbeat's interval is over.</summary>
    public void Tick()
    {
        if (Interlocked.Increment(ref _silentTicks) > _maxSilentTicks)
        {
            Close("nothing came for too long");
        }
        else
        {
            Sender.Tick();
        }
    }

    /// <summary>Ends the connection at once. The first reason given is the one that counts.</summary>
    public void Close(string reason)
    {
        if (Interlocked.CompareExchange(ref _reason, reason, null) is null)
        {
            Sender.Kill();
            _socket.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Heard()
    {
        WasHeard = true;
        Volatile.Write(ref _silentTicks, 0);
    }

    /// <inheritdoc/>
    public void Received(byte[] envelope) => _received(envelope);

    // The other side reads what is under way, then the end, and closes.
    private void ShutDown()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            Close(exception.Message);
        }
    }
}
