using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net.Sockets;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Client;

internal sealed partial class Connection
{
    private const int ReadBytes = 64 * 1024;
    private const int HeaderBytes = 16;
    private const int EventXid = -1;

    private readonly Lock _readGate = new();
    private byte[]? _in;
    private int _filled;

    // Waits with an empty buffer and reads synchronously, so that no byte is ever in the hands of a continuation
    // that a starved thread pool does not run: the heartbeat thread can always read on by itself.
    private async Task ReadAsync()
    {
        try
        {
            while (!_dead)
            {
                await _socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None).ConfigureAwait(false);
                Drain();
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            Abort($"receiving failed: {e.Message}");
        }
    }

    /// <summary>Takes in all that the socket holds; does not wait.</summary>
    public void Drain()
    {
        lock (_readGate)
        {
            try
            {
                bool more = true;
                while (more && !_dead)
                {
                    more = ReceiveOnce();
                    TakeFrames();
                }
            }
            catch (Exception e)
            {
                // What a server sends ends its connection at worst, never the process that reads it.
                Abort($"receiving failed: {e.Message}");
            }

            if (_filled == 0)
            {
                ReturnBuffer();
            }
        }
    }

    // True when the socket may hold more. It does not when it could not fill the buffer.
    private bool ReceiveOnce()
    {
        _in ??= ArrayPool<byte>.Shared.Rent(ReadBytes);
        Span<byte> free = _in.AsSpan(_filled);
        int count = _socket.Receive(free, SocketFlags.None, out SocketError error);
        if (error == SocketError.WouldBlock)
        {
            return false;
        }

        if (error != SocketError.Success || count == 0)
        {
            Abort(error == SocketError.Success ? "the server closed the connection" : $"receiving failed: {error}");
            return false;
        }

        _filled += count;
        return count == free.Length;
    }

    private void TakeFrames()
    {
        int position = 0;
        while (!_dead && _filled - position >= sizeof(int))
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(_in.AsSpan(position));
            if (length < HeaderBytes || length > _session.Options.MaxReplyBytes)
            {
                RefuseFrame(length);
                break;
            }

            if (_filled - position - sizeof(int) < length)
            {
                MakeRoom(ref position, sizeof(int) + length);
                break;
            }

            TakeFrame(_in.AsSpan(position + sizeof(int), length));
            position += sizeof(int) + length;
        }

        _in.AsSpan(position, _filled - position).CopyTo(_in);
        _filled -= position;
    }

    // The frame is larger than the buffer: moves what there is of it to the start of a larger one.
    private void MakeRoom(ref int position, int needed)
    {
        if (needed <= _in!.Length)
        {
            return;
        }

        byte[] larger = ArrayPool<byte>.Shared.Rent(needed);
        _in.AsSpan(position, _filled - position).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_in);
        _in = larger;
        _filled -= position;
        position = 0;
    }

    // The head of the queue is most likely what it answers: asking again would bring the same frame again.
    private void RefuseFrame(int length)
    {
        if (_inFlight.TryDequeue(out Request? head))
        {
            head.Fail(new CoordException(
                CoordErrorCode.MarshallingError, head.Path, $"The server's answer has a length of {length}"));
        }

        Abort($"the server sent a frame with a length of {length}");
    }

    private void TakeFrame(ReadOnlySpan<byte> frame)
    {
        var reader = new JuteReader(frame);
        int xid = reader.ReadInt();
        long zxid = reader.ReadLong();
        var code = (CoordErrorCode)reader.ReadInt();
        switch (xid)
        {
            case EventXid:
                TakeEvent(ref reader, zxid);
                break;
            case PingXid:
                _session.Confirm(Interlocked.Exchange(ref _pingSentAtMs, 0));
                break;
            default:
                if (xid > 0)
                {
                    _session.NoteZxid(zxid);
                }

                TakeAnswer(xid, code, ref reader);
                break;
        }
    }

    private void TakeAnswer(int xid, CoordErrorCode code, ref JuteReader body)
    {
        ConcurrentQueue<Request> queue = QueueFor(xid);
        if (!queue.TryPeek(out Request? request) || request.Xid != xid)
        {
            Abort($"the server answered request {xid}, which was not the next");
            return;
        }

        queue.TryDequeue(out _);
        if (request.Number > 0)
        {
            NoteWriteAnswered(request);
        }

        if (!request.Answer(code, ref body))
        {
            Abort($"the server's answer to {request.Code} cannot be read");
        }
        else if (code == CoordErrorCode.SessionExpired)
        {
            _session.Expire("the server said so");
        }
    }

    private void TakeEvent(ref JuteReader reader, long zxid)
    {
        int type = reader.ReadInt();
        reader.ReadInt();
        string path = reader.ReadText();
        if (reader.Failed)
        {
            Abort("the server sent an event that cannot be read");
        }
        else if (type is >= (int)WatchEventKind.Created and <= (int)WatchEventKind.ChildrenChanged)
        {
            // Other types tell of the connection's state or confirm the removal of a watch.
            _session.Watches.Dispatch((WatchEventKind)type, path, zxid);
        }
    }

    private void ReturnBuffer()
    {
        if (_in is not null)
        {
            ArrayPool<byte>.Shared.Return(_in);
            _in = null;
            _filled = 0;
        }
    }
}
