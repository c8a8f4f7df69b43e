using System.Net.Sockets;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Gateway;

// The replica's side of the connection, and what becomes of its output.
internal sealed partial class ClientConnection
{
    // Requests are no longer taken; what the client still sends is thrown away.
    private volatile bool _isClosing;

    private bool _flushAsked;
    private string? _closeReason;
    private bool _overflown;

    /// <inheritdoc/>
    public JuteWriter Output => _output.Turn;

    /// <inheritdoc/>
    public object? Attachment { get; set; }

    /// <inheritdoc/>
    public void FlushAfterTurn()
    {
        if (!_flushAsked)
        {
            _flushAsked = true;
            _gateway.Frontend.FlushLater(this);
        }
    }

    /// <inheritdoc/>
    public void Close(string reason)
    {
        if (_closeReason is null)
        {
            _closeReason = reason;
            _gateway.Log.Closed(RemoteEndPoint, reason);
            FlushAfterTurn();
        }
    }

    /// <inheritdoc/>
    public void EndTurn()
    {
        _flushAsked = false;
        ReadOnlySpan<byte> written = _output.TurnBytes;
        if (!written.IsEmpty)
        {
            FrameScan scan = FrameDecoder.Scan(written, 0, int.MaxValue);
            Invariant.Check(scan.Bytes == written.Length);
            Statistics.NoteSent(scan.Frames, written, scan.LastFrame);
            _gate.NoteReplies(scan.Bytes, scan.Frames);
            _gateway.Counters.AddSent(scan.Frames);
        }

        bool last = _closeReason is not null;
        long unsent = _output.EndTurn(last);
        if (last && !_isClosing)
        {
            StartClosing();
        }

        if (unsent > _gateway.Options.UnsentBytesToClose)
        {
            _overflown = true;
        }
    }

    /// <inheritdoc/>
    public void Flush()
    {
        if (_overflown)
        {
            _overflown = false;
            Abort($"it left more than {_gateway.Options.UnsentBytesToClose} bytes of replies unread");
            return;
        }

        _output.Flush();
    }

    void IOutputOwner.Sent() => _gateway.Counters.AddSocketWrite();

    void IOutputOwner.LastByteSent()
    {
        try
        {
            // The read loop goes on, throwing away, until the client closes or the sweep loses patience.
            _wire.EndSending();
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            _gateway.Log.Ended(RemoteEndPoint, exception.Message);
        }

        _lastByteSent.TrySetResult();
    }

    void IOutputOwner.SendFailed(Exception exception)
    {
        _gateway.Log.Ended(RemoteEndPoint, exception.Message);
        Stop();
    }

    private void StartClosing()
    {
        _isClosing = true;
        Volatile.Write(
            ref _deadline, Environment.TickCount64 + (long)_gateway.Options.CloseTimeout.TotalMilliseconds);
        _gate.Stop();
    }
}
