using Orleans.Coord.Consensus;
using Orleans.Coord.Jute;
using Orleans.Coord.Tree;

namespace Orleans.Coord.Replication;

/// <content>Committed entries: into the tree, then out to the clients.</content>
public sealed partial class Replica
{
    private const int ApplyBatchBytes = 1 << 20;

    private readonly Dictionary<ulong, Session> _barriers = [];

    private void ApplyCommitted(IndexRange committed)
    {
        for (LogIndex next = committed.First; next <= committed.Last;)
        {
            ReadOnlySpan<Entry> entries = _raft.Log.Read(next, committed.Last, ApplyBatchBytes);
            foreach (ref readonly Entry entry in entries)
            {
                Apply(entry);
            }

            next = entries[^1].Index.Next;
            _raft.Applied(next - 1);
        }
    }

    private void Apply(in Entry entry)
    {
        long zxid = entry.Index.Value;
        if (entry.Kind != EntryKind.Command)
        {
            _machine.Advance(zxid);
            if (entry.Kind == EntryKind.NoOp && Leads && entry.Term == _raft.Term)
            {
                BeginServing();
            }

            return;
        }

        bool readable = Command.TryRead(entry.Payload.Span, out Command command);
        Invariant.Check(readable);
        _result.Reset();
        _machine.Apply(zxid, command, _result);
        // Events first: a client must hear of a change before it can see anything newer.
        SendEvents();
        switch (command.Kind)
        {
            case CommandKind.Request:
                AfterRequest(zxid, command);
                break;
            case CommandKind.CreateSession or CommandKind.AttachSession:
                AfterAttach(command);
                break;
            case CommandKind.ExpireSession:
                AfterExpire(command);
                break;
        }
    }

    // All that was committed before this term is applied. Nobody could be heard meanwhile, so every session gets a
    // full time-out.
    private void BeginServing()
    {
        foreach (Tree.Session session in _machine.Sessions.All)
        {
            _leases.Grant(session.Id, session.Generation, session.TimeoutMs, _now.MonotonicMs);
            if (session.Id >> 56 == _nextSessionId >> 56)
            {
                // The clock that ids start from may have gone back.
                _nextSessionId = Math.Max(_nextSessionId, session.Id + 1);
            }
        }

        CanServe = true;
    }

    // The leader was still the leader when the sync was asked for, and all that was committed then is applied.
    private void PassBarrier(ReadState read)
    {
        if (!_barriers.Remove(read.Context, out Session? session) || session.State == SessionState.Dead)
        {
            return;
        }

        if (read.Index is not { } index)
        {
            Close(session, "leadership was lost during a sync");
            return;
        }

        Invariant.Check(index.Value <= _machine.LastApplied);
        session.Pending.Pass(read.Context);
        ServePending(session);
    }

    private void SendEvents()
    {
        foreach (WatchEvent e in _result.Events)
        {
            if (_local.TryGetValue(e.SessionId, out Session? session))
            {
                WireFrames.Event(session.Connection.Output, (int)e.Type, e.Path);
                session.Connection.FlushAfterTurn();
            }
        }
    }

    private void AfterRequest(long zxid, in Command command)
    {
        bool closed = command.Op == OpCode.CloseSession && _result.Code == CoordErrorCode.Ok;
        if (closed)
        {
            _leases.Remove(command.SessionId);
        }

        if (!_local.TryGetValue(command.SessionId, out Session? session) || session.Generation != command.Generation)
        {
            return;
        }

        PendingRequest request = session.Pending.Dequeue();
        // Writes of one session are proposed in order and never lost while its connection lives here.
        Invariant.Check(request.Kind == PendingKind.Write && request.Ticket == (ulong)command.Position);
        WireFrames.Reply(session.Connection.Output, request.Xid, zxid, _result.Code, _result.Body.Written);
        session.Connection.FlushAfterTurn();
        Session.Finished(request.Frames);
        if (closed)
        {
            Close(session, "the client ended its session");
            return;
        }

        ServePending(session);
    }

    private void AfterAttach(in Command command)
    {
        if (_result.Code == CoordErrorCode.Ok && Leads)
        {
            _leases.Grant(command.SessionId, _result.Generation, _result.TimeoutMs, _now.MonotonicMs);
        }

        if (_result.Code == CoordErrorCode.Ok && _local.TryGetValue(command.SessionId, out Session? older))
        {
            Close(older, "the session has moved to another connection");
        }

        if (!_attaching.Remove(command.Ticket, out Session? session) || session.State == SessionState.Dead)
        {
            return;
        }

        JuteWriter output = session.Connection.Output;
        bool withReadOnlyByte = session.Request.HasReadOnlyByte;
        if (_result.Code != CoordErrorCode.Ok)
        {
            WireFrames.Welcome(output, 0, 0, new byte[CoordLimits.PasswordBytes], withReadOnlyByte);
            Close(session, $"session 0x{command.SessionId:x} is not known here, or the password is wrong");
            return;
        }

        session.Generation = _result.Generation;
        session.State = SessionState.Live;
        _local[session.Id] = session;
        WireFrames.Welcome(output, _result.TimeoutMs, session.Id, session.Password.Span, withReadOnlyByte);
        session.Connection.FlushAfterTurn();
        ServeBacklog(session);
    }

    private void AfterExpire(in Command command)
    {
        if (_result.Code != CoordErrorCode.Ok)
        {
            return;
        }

        _leases.Remove(command.SessionId);
        if (_local.TryGetValue(command.SessionId, out Session? session))
        {
            Close(session, "the session has expired");
        }
    }
}
