using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Orleans.Coord.LoadGenerator;

/// <summary>
/// One session with requests outstanding. Replies come in request order, so a ring of send times is all the state a
/// request needs, and a reply is read in place: its header is looked at and its body is skipped.
/// </summary>
internal sealed unsafe class Connection : IDisposable
{
    private const int ReceiveCapacity = 32 * 1024;
    private const int ReplyHeaderLength = 16;
    private const int FrameHeaderLength = sizeof(int) + ReplyHeaderLength;
    private const int PingXid = -2;

    private static readonly byte[] PingFrame = new FrameWriter().Int(PingXid).Int(11).ToFrame();

    private readonly Socket _socket;
    private readonly int _descriptor;
    private readonly int _timeoutMs;
    private readonly int _sendCapacity;
    private readonly byte* _sendBuffer;
    private readonly byte* _receiveBuffer = (byte*)NativeMemory.Alloc(ReceiveCapacity);
    private readonly long[] _sentAt;

    private int _sendStart;
    private int _sendEnd;
    private int _received;
    private int _replyXid;
    private int _replyError;
    private int _bodyLeft = -1;
    private int _nextXid = 1;
    private int _oldestXid = 1;
    private long _lastQueuedAt = Clock.Now;

    public Connection(int number, (Socket Socket, int TimeoutMs) session, int maxDepth, int sendCapacity)
    {
        Number = number;
        _socket = session.Socket;
        _timeoutMs = session.TimeoutMs;
        _descriptor = (int)_socket.SafeHandle.DangerousGetHandle();
        _sendCapacity = sendCapacity + PingFrame.Length;
        _sendBuffer = (byte*)NativeMemory.Alloc((nuint)_sendCapacity);
        _sentAt = new long[(int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)maxDepth)];

        // A blocking receive must wake up now and then to notice a silent server.
        _socket.ReceiveTimeout = 1000;
    }

    public int Number { get; }

    public int Descriptor => _descriptor;

    public int Outstanding => _nextXid - _oldestXid;

    public bool HasUnsentBytes => _sendEnd > _sendStart;

    /// <summary>Whether the epoll interest of this connection includes room to send.</summary>
    public bool IsWatchedWritable { get; set; }

    public bool CanQueue(int depth, int maxFrameLength) =>
        Outstanding < depth && _sendEnd + maxFrameLength + PingFrame.Length <= _sendCapacity;

    public void Queue(Workload workload, long sequence, long startedAt)
    {
        int length = workload.Write(
            new Span<byte>(_sendBuffer + _sendEnd, _sendCapacity - _sendEnd), _nextXid, (uint)sequence);
        _sendEnd += length;
        _sentAt[_nextXid & (_sentAt.Length - 1)] = startedAt;
        _nextXid++;
        _lastQueuedAt = startedAt;
    }

    /// <summary>Keeps the session of an idle connection alive.</summary>
    public void PingIfIdle(long now)
    {
        bool idle = now - _lastQueuedAt > Clock.FromMilliseconds(_timeoutMs / 3);
        if (!idle || HasUnsentBytes)
        {
            return;
        }

        PingFrame.CopyTo(new Span<byte>(_sendBuffer, PingFrame.Length));
        _sendEnd = PingFrame.Length;
        _lastQueuedAt = now;
        Flush(Native.MessageDontWait);
    }

    /// <summary>Sends all that is queued in one call; what the socket does not take stays queued.</summary>
    public void Flush(int flags)
    {
        while (HasUnsentBytes)
        {
            nint sent = Native.Send(
                _descriptor, _sendBuffer + _sendStart, _sendEnd - _sendStart, flags | Native.MessageNoSignal);
            if (sent < 0)
            {
                if (IsTransient())
                {
                    return;
                }

                throw Lost();
            }

            _sendStart += (int)sent;
        }

        _sendStart = 0;
        _sendEnd = 0;
    }

    /// <summary>Receives once and tallies the replies that are complete; returns the time of their arrival.</summary>
    public long Receive(int flags, Tally tally)
    {
        nint count = Native.Receive(_descriptor, _receiveBuffer + _received, ReceiveCapacity - _received, flags);
        long now = Clock.Now;
        if (count > 0)
        {
            _received += (int)count;
            Parse(tally, now);
        }
        else if (count == 0 || !IsTransient())
        {
            throw Lost();
        }

        return now;
    }

    public void Dispose()
    {
        NativeMemory.Free(_sendBuffer);
        NativeMemory.Free(_receiveBuffer);
        _socket.Dispose();
    }

    /// <summary>Asks the server to end the session, so that no expiry disturbs a later run.</summary>
    public void CloseSession()
    {
        byte[] frame = new FrameWriter().Int(_nextXid).Int(-11).ToFrame();
        fixed (byte* bytes = frame)
        {
            Native.Send(_descriptor, bytes, frame.Length, Native.MessageNoSignal | Native.MessageDontWait);
        }
    }

    /// <summary>Waits for the server to close its end, for a second at most.</summary>
    public void AwaitClose()
    {
        while (Native.Receive(_descriptor, _receiveBuffer, ReceiveCapacity, 0) > 0)
        {
        }
    }

    private static bool IsTransient() => Marshal.GetLastPInvokeError() is Native.WouldBlock or Native.Interrupted;

    private void Parse(Tally tally, long now)
    {
        int at = 0;
        while (true)
        {
            if (_bodyLeft < 0)
            {
                if (_received - at < FrameHeaderLength)
                {
                    break;
                }

                ReadHeader(new ReadOnlySpan<byte>(_receiveBuffer + at, FrameHeaderLength));
                at += FrameHeaderLength;
            }

            int skipped = Math.Min(_bodyLeft, _received - at);
            at += skipped;
            _bodyLeft -= skipped;
            if (_bodyLeft > 0)
            {
                break;
            }

            _bodyLeft = -1;
            Complete(tally, now);
        }

        // At most a header's beginning is left: bodies are skipped, never kept.
        _received -= at;
        Buffer.MemoryCopy(_receiveBuffer + at, _receiveBuffer, ReceiveCapacity, _received);
    }

    private void ReadHeader(ReadOnlySpan<byte> header)
    {
        int length = BinaryPrimitives.ReadInt32BigEndian(header);
        if (length < ReplyHeaderLength)
        {
            throw new LoadException(ExitCode.ServerLost, $"The server sent a frame of impossible length {length}.");
        }

        _replyXid = BinaryPrimitives.ReadInt32BigEndian(header[sizeof(int)..]);
        _replyError = BinaryPrimitives.ReadInt32BigEndian(header[ReplyHeaderLength..]);
        _bodyLeft = length - ReplyHeaderLength;
    }

    private void Complete(Tally tally, long now)
    {
        if (_replyXid < 0)
        {
            return; // A ping's reply or a watch event answers no request.
        }

        if (_replyXid != _oldestXid || Outstanding == 0)
        {
            throw new LoadException(
                ExitCode.ServerLost,
                $"Connection {Number} got a reply to request {_replyXid} where {_oldestXid} was due.");
        }

        tally.Record(now - _sentAt[_replyXid & (_sentAt.Length - 1)], _replyError);
        _oldestXid++;
    }

    private LoadException Lost() => new(
        ExitCode.ServerLost,
        $"The server closed connection {Number} after {_oldestXid - 1:N0} replies, with {Outstanding} outstanding.");
}
