using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Client;

internal sealed partial class Connection
{
    private const int BatchBytes = 64 * 1024;
    private const int KeepBytes = 2 * BatchBytes;
    private const int PingXid = -2;
    private const int AuthXid = -4;
    private const int SetWatchesXid = -8;

    private readonly Lock _writeGate = new();
    private readonly JuteWriter _out = new();
    private readonly Queue<Request> _preamble;
    private readonly Queue<Request> _repeats;
    private readonly HashSet<(WatchScope Scope, string Path)> _armed;

    // Answered in order, by their numbers.
    private readonly ConcurrentQueue<Request> _inFlight = new();

    // Answered in order among themselves, but the server may answer authentication ahead of all others.
    private readonly ConcurrentQueue<Request> _auths = new();
    private readonly ConcurrentQueue<Request> _watchSets = new();
    private int _lastXid;
    private int _flushScheduled;
    private bool _sendPending;
    private bool _pingDue;
    private bool _waitsForAnswers;
    private long _pingSentAtMs;

    /// <summary>When the last ping was sent.</summary>
    public long LastPingMs { get; private set; } = HeartbeatThread.NowMs;

    /// <summary>Sees to it that what is queued goes out; the work itself runs on the thread pool.</summary>
    public void ScheduleFlush()
    {
        if (Interlocked.Exchange(ref _flushScheduled, 1) == 0)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    /// <summary>The writer loop: ends when the queue is empty and nobody has added to it meanwhile.</summary>
    void IThreadPoolWorkItem.Execute()
    {
        bool again = true;
        while (again)
        {
            lock (_writeGate)
            {
                WriteQueued();
            }

            Interlocked.Exchange(ref _flushScheduled, 0);
            again = !_dead && !Volatile.Read(ref _sendPending) && !_session.QueueIsEmpty && !MustWait()
                && Interlocked.Exchange(ref _flushScheduled, 1) == 0;
        }
    }

    /// <summary>Sends a ping, unless one is unanswered. Called by the heartbeat thread.</summary>
    public void SendPing(long nowMs)
    {
        lock (_writeGate)
        {
            if (_dead || _pingDue || Volatile.Read(ref _pingSentAtMs) != 0)
            {
                return;
            }

            LastPingMs = nowMs;
            _pingDue = true;
            if (!_sendPending)
            {
                _out.Clear(KeepBytes);
                EncodeDuePing();
                Send();
            }
        }
    }

    private void WriteQueued()
    {
        while (!_dead && !_sendPending)
        {
            _out.Clear(KeepBytes);
            EncodeDuePing();
            while (_out.Length < BatchBytes && TryNext(out Request? request))
            {
                Encode(request);
            }

            if (_out.Length == 0)
            {
                return;
            }

            Send();
        }
    }

    private bool TryNext([NotNullWhen(true)] out Request? request) =>
        _preamble.TryDequeue(out request)
        || (IsDiscovered && (TryNextRepeat(out request) || (!MustWaitForRoom() && _session.TryDequeue(out request))));

    private void EncodeDuePing()
    {
        if (_pingDue)
        {
            _pingDue = false;
            Volatile.Write(ref _pingSentAtMs, HeartbeatThread.NowMs);
            _out.WriteInt(2 * sizeof(int));
            _out.WriteInt(PingXid);
            _out.WriteInt((int)OpCode.Ping);
        }
    }

    private void Encode(Request request)
    {
        // A write that has a number goes out again also when nobody waits for it: the answers keep their order.
        if (request.IsAnswered && request.Number == 0)
        {
            request.End();
            return;
        }

        if (request.Code == OpCode.GetChanges && !Has(ServerExtensions.ChangeHistory))
        {
            // ZooKeeper would close the connection.
            request.Fail(CoordException.For(CoordErrorCode.Unimplemented, request.Path));
            return;
        }

        if (request.IsLinearizable && !Has(ServerExtensions.LinearizableReads))
        {
            Encode(new Request<SyncOperation, Nothing>(new("/", OnLoss.Drop)));
        }

        int start = _out.Length;
        request.Xid = NextXid(request.Code);
        _out.WriteInt(0);
        _out.WriteInt(request.Xid);
        WriteExtension(request);
        _out.WriteInt((int)request.Code);
        if (!TryWriteBody(request))
        {
            _out.Truncate(start);
            TakeNumberBack(request);
            return;
        }

        int length = _out.Length - start - sizeof(int);
        if (length > _session.Options.MaxRequestBytes)
        {
            _out.Truncate(start);
            TakeNumberBack(request);
            request.Fail(new CoordException(
                CoordErrorCode.BadArguments, request.Path, $"The request of {length} bytes is too large to send"));
            return;
        }

        _out.PatchInt(start, length);
        NoteArmed(request);
        NoteWriteSent(request, length);
        request.Sends++;
        QueueFor(request.Xid).Enqueue(request);
    }

    // A caller's list may throw from its enumerator; that is the caller's error and not the connection's.
    private bool TryWriteBody(Request request)
    {
        try
        {
            request.WriteBody(_out, NeedsWatch(request));
            return true;
        }
        catch (Exception e)
        {
            request.Fail(e);
            return false;
        }
    }

    private ConcurrentQueue<Request> QueueFor(int xid) => xid switch
    {
        AuthXid => _auths,
        SetWatchesXid => _watchSets,
        _ => _inFlight,
    };

    private int NextXid(OpCode code)
    {
        switch (code)
        {
            case OpCode.Auth:
                return AuthXid;
            case OpCode.SetWatches or OpCode.SetWatches2:
                return SetWatchesXid;
            default:
                _lastXid = _lastXid == int.MaxValue ? 1 : _lastXid + 1;
                return _lastXid;
        }
    }

    // ZooKeeper before 3.9 keeps one mode per path and session: a one-shot watch would turn a persistent one into a
    // one-shot. Where a persistent watch sees what the one-shot would, it does that one's work too.
    private bool NeedsWatch(Request request) => request.Watch switch
    {
        OneShotKind.None => false,
        OneShotKind.Children => !_armed.Contains((WatchScope.Znode, request.Path!)),
        _ => !_armed.Contains((WatchScope.Znode, request.Path!))
            && !_armed.Contains((WatchScope.Subtree, request.Path!)),
    };

    private void NoteArmed(Request request)
    {
        switch (request)
        {
            case Request<AddWatchOperation, Nothing> add:
                _armed.Add((add.Operation.Scope, add.Operation.Path));
                break;
            case Request<RemoveWatchesOperation, Nothing> remove:
                _armed.Remove((WatchScope.Znode, remove.Operation.Path));
                _armed.Remove((WatchScope.Subtree, remove.Operation.Path));
                break;
        }
    }

    private void Send()
    {
        try
        {
            int sent = _socket.Send(_out.Written, SocketFlags.None, out SocketError error);
            if (error is not (SocketError.Success or SocketError.WouldBlock))
            {
                Abort($"sending failed: {error}");
                return;
            }

            sent = error == SocketError.WouldBlock ? 0 : sent;
            if (sent < _out.Length)
            {
                _sendPending = true;
                _ = SendRestAsync(_out.WrittenMemory[sent..]);
            }
        }
        catch (ObjectDisposedException)
        {
            Abort("the socket was closed");
        }
    }

    // The kernel's buffer is full: the server is slower than we are. Nothing else is written until it took the rest.
    private async Task SendRestAsync(ReadOnlyMemory<byte> rest)
    {
        try
        {
            while (rest.Length > 0)
            {
                rest = rest[await _socket.SendAsync(rest, SocketFlags.None).ConfigureAwait(false)..];
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            Abort($"sending failed: {e.Message}");
            return;
        }

        lock (_writeGate)
        {
            _sendPending = false;
        }

        ScheduleFlush();
    }
}
