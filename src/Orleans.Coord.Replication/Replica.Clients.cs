using System.Buffers.Binary;
using System.Security.Cryptography;
using Orleans.Coord.Jute;
using Orleans.Coord.Tree;

namespace Orleans.Coord.Replication;

/// <content>Connections and the order of each session's requests.</content>
public sealed partial class Replica
{
    private readonly Dictionary<long, Session> _local = [];
    private readonly Dictionary<ulong, Session> _attaching = [];
    private readonly List<Session> _stalled = [];
    private readonly List<Session> _resuming = [];

    /// <summary>Connections that have a session here.</summary>
    public int LocalSessionCount => _local.Count;

    /// <summary>A client's first frame arrived.</summary>
    public void Connect(IClientConnection connection, ConnectRequest request)
    {
        if (!CanServe && !(IsReadOnly && request.CanBeReadOnly))
        {
            connection.Close(
                IsReadOnly
                    ? "this member follows no leader now, so it serves only clients that may be read-only"
                    : "this member follows no leader now, so it serves nobody");
            return;
        }

        if (request.LastZxidSeen > _machine.LastApplied)
        {
            // ZooKeeper closes without an answer too: clients take it as "try another server".
            connection.Close(
                $"the client has seen zxid 0x{request.LastZxidSeen:x}, this replica 0x{_machine.LastApplied:x}");
            return;
        }

        var session = new Session(connection, request, _authenticator.IdentitiesOf(connection));
        connection.Attachment = session;
        if (!AttachLocally(session) && !ProposeAttach(session))
        {
            connection.Attachment = null;
            connection.Close("the log takes no more writes for now");
        }
    }

    /// <summary>Request frames arrived.</summary>
    public void Receive(IClientConnection connection, ClientFrames frames)
    {
        Invariant.Check(frames.Unfinished == 0);
        frames.Unfinished = 1;
        if (connection.Attachment is not Session { State: not SessionState.Dead, SaidLast: false } session)
        {
            Session.Finished(frames);
            return;
        }

        if (session.IsUnlogged)
        {
            _localLeases.Touch(session.Id, _now.MonotonicMs);
        }
        else if (session.Id != 0)
        {
            Touch(session.Id);
        }

        if (session.State == SessionState.Attaching || session.HasBacklog)
        {
            session.Postpone(frames);
            return;
        }

        ServeFrames(session, frames, 0);
    }

    /// <summary>The connection is gone; the session stays until it expires.</summary>
    public void Disconnected(IClientConnection connection)
    {
        if (connection.Attachment is Session session)
        {
            connection.Attachment = null;
            Detach(session);
        }
    }

    private void Detach(Session session)
    {
        if (_local.TryGetValue(session.Id, out Session? current) && current == session)
        {
            _local.Remove(session.Id);
            _machine.ForgetWatches(session.Id);
        }

        if (session is { IsReadOnly: true, IsLocal: false })
        {
            // The log knows whether it lives.
            _localLeases.Remove(session.Id);
        }

        session.Abandon();
    }

    private void Close(Session session, string reason)
    {
        Detach(session);
        session.Connection.Attachment = null;
        session.Connection.Close(reason);
    }

    private bool ProposeAttach(Session session)
    {
        ConnectRequest request = session.Request;
        int timeout = TimeoutOf(request);
        ulong ticket = NextTicket();
        session.AttachingSinceMs = _now.MonotonicMs;
        _command.Clear();
        bool isNew = request.SessionId == 0;
        session.Id = isNew ? _nextSessionId++ : request.SessionId;
        session.Password = isNew ? PasswordOf(session.Id) : request.Password;
        if (isNew || IsStillLocal(session))
        {
            CommandCodec.WriteCreateSession(
                _command, _now.WallMs, session.Id, ticket, SHA256.HashData(session.Password.Span), timeout);
        }
        else
        {
            CommandCodec.WriteAttachSession(
                _command, _now.WallMs, session.Id, ticket, SHA256.HashData(session.Password.Span), timeout);
        }

        if (!Propose(_command.Written))
        {
            return false;
        }

        _attaching.Add(ticket, session);
        return true;
    }

    private int TimeoutOf(ConnectRequest request) =>
        Math.Clamp(request.TimeoutMs, _options.MinSessionTimeoutMs, _options.MaxSessionTimeoutMs);

    private void Welcome(Session session, int timeoutMs)
    {
        session.State = SessionState.Live;
        _local[session.Id] = session;
        WireFrames.Welcome(
            session.Connection.Output, timeoutMs, session.Id, session.Password.Span,
            session.Request.HasReadOnlyByte ? session.IsReadOnly : null);
        session.Connection.FlushAfterTurn();
        ServeBacklog(session);
    }

    private void TurnAway(Session session)
    {
        WireFrames.Welcome(
            session.Connection.Output, 0, 0, new byte[CoordLimits.PasswordBytes],
            session.Request.HasReadOnlyByte ? IsReadOnly : null);
        Close(session, $"session 0x{session.Id:x} is not known here, or the password is wrong");
    }

    // Goes on with what a session had to postpone while it was attaching or stalled.
    private void ServeBacklog(Session session)
    {
        while (session.HasBacklog && session is { State: SessionState.Live, Stalled: false })
        {
            (ClientFrames frames, int offset) = session.TakeBacklog();
            ServeFrames(session, frames, offset);
        }
    }

    private void ServeFrames(Session session, ClientFrames frames, int offset)
    {
        ReadOnlySpan<byte> bytes = frames.Bytes.Span;
        while (offset < bytes.Length && session is { State: SessionState.Live, SaidLast: false })
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(bytes[offset..]);
            ReadOnlySpan<byte> frame = bytes.Slice(offset + sizeof(int), length);
            if (length < Requests.HeaderBytes)
            {
                Close(session, $"a request frame of {length} bytes is too short to hold xid and operation");
                break;
            }

            if (!Serve(session, frames, offset + sizeof(int), frame))
            {
                session.Interrupt(frames, offset);
                Stall(session);
                return;
            }

            offset += sizeof(int) + length;
        }

        Session.Finished(frames);
    }

    private void Stall(Session session)
    {
        if (!session.Stalled)
        {
            session.Stalled = true;
            _stalled.Add(session);
        }
    }

    private void ResumeStalled()
    {
        if (_stalled.Count == 0)
        {
            return;
        }

        _resuming.AddRange(_stalled);
        _stalled.Clear();
        foreach (Session session in _resuming)
        {
            session.Stalled = false;
            ServeBacklog(session);
        }

        _resuming.Clear();
    }

    // Nobody can guess it without the secret, and it need not be remembered before its hash is replicated.
    private byte[] PasswordOf(long sessionId)
    {
        Span<byte> id = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(id, sessionId);
        return HMACSHA256.HashData(_options.PasswordSecret.Span, id)[..CoordLimits.PasswordBytes];
    }
}
