using System.Net.Sockets;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Gateway;

/// <summary>
/// One connection's way out, in three buffers: the turn writes the first without a lock; <see cref="EndTurn"/> hands
/// it over as the pending one; <see cref="Flush"/> sends the pending one, whole, while turns go on. Whatever piles up
/// during a send leaves with the next one.
/// </summary>
internal sealed class OutputChannel(
    IOutputOwner owner, ClientWire wire, BufferPools pools, IntakeGate gate, int unsentBytesToPause)
{
    private readonly Lock _lock = new();
    private JuteWriter? _turn;
    private JuteWriter? _pending;
    private long _unsent;
    private bool _sending;
    private bool _full;
    private bool _last;
    private bool _dead;

    /// <summary>Where the turn writes.</summary>
    public JuteWriter Turn => _turn ??= pools.RentWriter();

    /// <summary>What the turn wrote.</summary>
    public ReadOnlySpan<byte> TurnBytes => _turn is null ? default : _turn.Written;

    /// <summary>Hands over what the turn wrote. <paramref name="last"/>: nothing follows, close after it.</summary>
    /// <returns>Bytes that now wait for the socket.</returns>
    public long EndTurn(bool last)
    {
        JuteWriter? turn = _turn;
        lock (_lock)
        {
            _last |= last;
            if (turn is null)
            {
                return _unsent;
            }

            if (_dead || turn.Length == 0)
            {
                _turn = null;
                pools.Return(turn);
            }
            else if (_pending is null)
            {
                _turn = null;
                _pending = turn;
                _unsent += turn.Length;
            }
            else
            {
                _unsent += turn.Length;
                _pending.WriteRaw(turn.Written);
                turn.Clear();
            }

            UpdateGate();
            return _unsent;
        }
    }

    /// <summary>Sends what is pending, unless a send is under way: that one goes on with it. Never throws.</summary>
    public void Flush()
    {
        JuteWriter? buffer;
        lock (_lock)
        {
            if (_sending || _dead || (_pending is null && !_last))
            {
                return;
            }

            buffer = _pending;
            _pending = null;
            _sending = buffer is not null;
        }

        if (buffer is null)
        {
            owner.LastByteSent();
        }
        else
        {
            Send(buffer);
        }
    }

    /// <summary>The connection is gone: drops everything, now and from now on.</summary>
    public void Kill()
    {
        lock (_lock)
        {
            _dead = true;
            if (_pending is not null)
            {
                pools.Return(_pending);
                _pending = null;
            }
        }
    }

    // Most sends complete at once, and then nothing is allocated.
    private void Send(JuteWriter? buffer)
    {
        try
        {
            while (buffer is not null)
            {
                ValueTask send = wire.SendAsync(buffer.WrittenMemory);
                if (!send.IsCompletedSuccessfully)
                {
                    _ = FinishSendAsync(send, buffer);
                    return;
                }

                send.GetAwaiter().GetResult();
                buffer = Sent(buffer);
            }
        }
        catch (Exception exception) when (IsBroken(exception))
        {
            Fail(exception);
        }
    }

    private static bool IsBroken(Exception exception) =>
        exception is SocketException or IOException or ObjectDisposedException;

    private async Task FinishSendAsync(ValueTask send, JuteWriter buffer)
    {
        JuteWriter? next;
        try
        {
            await send;
            next = Sent(buffer);
        }
        catch (Exception exception) when (IsBroken(exception))
        {
            Fail(exception);
            return;
        }

        Send(next);
    }

    // Within the lock: told after it, the gate could hear of the emptying before the filling, and stay closed.
    private void UpdateGate()
    {
        bool full = _unsent > (_full ? unsentBytesToPause / 2 : unsentBytesToPause);
        if (full != _full)
        {
            _full = full;
            gate.SetOutputFull(full);
        }
    }

    private void Fail(Exception exception)
    {
        Kill();
        owner.SendFailed(exception);
    }

    // Returns the next buffer; null when nothing has come meanwhile, and then the sending is over: from the end of
    // the lock on another thread may be sending.
    private JuteWriter? Sent(JuteWriter buffer)
    {
        JuteWriter? next;
        bool finished;
        lock (_lock)
        {
            _unsent -= buffer.Length;
            next = _pending;
            _pending = null;
            _sending = next is not null;
            finished = _last && next is null;
            UpdateGate();
        }

        pools.Return(buffer);
        owner.Sent();
        if (finished)
        {
            owner.LastByteSent();
        }

        return next;
    }
}

/// <summary>What an <see cref="OutputChannel"/> tells its connection.</summary>
internal interface IOutputOwner
{
    /// <summary>One socket write is done.</summary>
    void Sent();

    /// <summary>The last byte that the connection will ever send is on its way.</summary>
    void LastByteSent();

    /// <summary>The socket refused to send: the connection is over.</summary>
    void SendFailed(Exception exception);
}
