using Orleans.Coord.Consensus;
using Orleans.Coord.Jute;
using Orleans.Coord.Tree;

namespace Orleans.Coord.Replication;

/// <content>Committed entries: into the tree, then out to the clients.</content>
public sealed partial class Replica
{
    private const int ApplyBatchBytes = 1 << 20;
    private const string MovedReason = "the session has moved to another connection";

    private readonly Dictionary<ulong, Session> _barriers = [];
    private readonly List<(ulong Ticket, long Index)> _confirmed = [];

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

        RequireKnown(zxid, Command.LevelOf(entry.Payload.Span));
        bool readable = Command.TryRead(entry.Payload.Span, out Command command);
        Invariant.Check(readable);
        _result.Reset();
        _machine.Apply(zxid, command, _result);
        bool isRestored = _machine.Successor is not null;
        _machine = _machine.Successor ?? _machine;
        ReportDigest(zxid);
        // Events first: a client must hear of a change before it can see anything newer.
        bool late = Has(ReplicaFaults.EventsLate);
        if (!late)
        {
            SendEvents();
        }

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
            case CommandKind.RestorePart:
                AfterRestorePart(command, isRestored);
                break;
        }

        if (late)
        {
            SendEvents();
        }
    }

    // All that was committed before this term is applied. Nobody could be heard meanwhile, so every session gets a
    // full time-out.
    private void BeginServing()
    {
        BeginLevel();
        _restoreHeardMs = _now.MonotonicMs;
        ProposeFirstMembers();
        foreach (Tree.Session session in _machine.Sessions.All)
        {
            int granted = Has(ReplicaFaults.GrantLittle) ? 1 : session.TimeoutMs;
            if (!Has(ReplicaFaults.GrantNothing))
            {
                _leases.Grant(session.Id, session.Generation, granted, _now.MonotonicMs);
            }

            if (session.Id >> 56 == _nextSessionId >> 56)
            {
                // The clock that ids start from may have gone back.
                _nextSessionId = Math.Max(_nextSessionId, session.Id + 1);
            }
        }

        if (!IsRemoved)
        {
            BeginService();
        }
    }

    private void TakeReadState(ReadState read)
    {
        if (read.Index is { } index)
        {
            _confirmed.Add((read.Context, index.Value));
        }
        else
        {
            _resendDue = true;
        }
    }

    // The leader still led when the read was asked for; once all that was committed then is applied here, it is passed.
    private void PassBarriers()
    {
        for (int i = 0; i < _confirmed.Count; i++)
        {
            (ulong ticket, long index) = _confirmed[i];
            if (index <= _machine.LastApplied)
            {
                _confirmed.RemoveAt(i--);
                PassBarrier(ticket);
            }
        }
    }

    private void PassBarrier(ulong ticket)
    {
        if (TryJoin(ticket))
        {
            return;
        }

        if (_touchRounds.Remove(ticket, out (ReplicaId From, long Batch) touch))
        {
            SendTouchAck(touch.From, touch.Batch);
        }
        else if (_barriers.Remove(ticket, out Session? session) && session.State != SessionState.Dead)
        {
            session.Pending.Pass(ticket);
            session.Barriers--;
            session.ProgressMs = _now.MonotonicMs;
            ServePending(session);
        }
        else if (_pings.Remove(ticket, out (Session Session, int Count) ping))
        {
            AnswerPings(ping.Session, ping.Count);
        }
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

        if (_result.Code == CoordErrorCode.ConnectionLoss)
        {
            // A copy that was sent twice, or one that a lost one before it left a gap for: only then is it sent again.
            _resendDue |= session.Pending.Count > 0 && (ulong)command.Position >= session.Pending.Head.Ticket;
            return;
        }

        PendingRequest request = session.Pending.Dequeue();
        Invariant.Check(request.Kind == PendingKind.Write && request.Ticket == (ulong)command.Position);
        session.ProgressMs = _now.MonotonicMs;
        WireFrames.Reply(session.Connection.Output, request.Xid, _result.Zxid, _result.Code, _result.Body.Written);
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

        bool isOurs = _attaching.Remove(command.Ticket, out Session? session) && session.State != SessionState.Dead;
        _local.TryGetValue(command.SessionId, out Session? older);
        bool isUpgrade = command.Kind == CommandKind.CreateSession && older is { IsLocal: true }
            && _upgrading.Contains(older.Id);
        if (isUpgrade)
        {
            AfterUpgrade(older!);
        }
        else if (_result.Code == CoordErrorCode.Ok && older is not null)
        {
            Close(older, MovedReason);
        }

        if (!isOurs || session == older)
        {
            return;
        }

        if (isUpgrade || (_result.Code == CoordErrorCode.NodeExists && command.Kind == CommandKind.CreateSession))
        {
            // A local session that another proposal has made known already. Or a wall clock that was set back or stood
            // still over a restart gave an id that is in use: take the next.
            _nextSessionId = Math.Max(_nextSessionId, command.SessionId + 1);
            if (!ProposeAttach(session!))
            {
                Close(session!, "the log takes no more writes for now");
            }

            return;
        }

        if (_result.Code != CoordErrorCode.Ok)
        {
            TurnAway(session!);
            return;
        }

        session!.Generation = _result.Generation;
        Welcome(session, _result.TimeoutMs);
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
