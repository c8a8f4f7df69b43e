using Orleans.Coord.Jute;
using Orleans.Coord.Tree;

namespace Orleans.Coord.Replication;

/// <content>Serving one request.</content>
public sealed partial class Replica
{
    private const int PingXid = -2;

    private enum Step
    {
        /// <summary>There is no room, or something before it must be answered first: the caller comes again.</summary>
        Wait,

        /// <summary>The leader was asked, and the answer has no place in the session's order.</summary>
        Asked,

        /// <summary>To be answered when it is its turn.</summary>
        Answer,
    }

    // False: it has to wait for room in the log, or for what is before it; the caller keeps it and comes again.
    private bool Serve(Session session, ClientFrames frames, int offset, ReadOnlySpan<byte> frame)
    {
        var reader = new JuteReader(frame);
        var request = new PendingRequest
        {
            Kind = PendingKind.Local,
            Xid = reader.ReadInt(),
            Op = (OpCode)reader.ReadInt(),
            Frames = frames,
            Offset = offset,
            Length = frame.Length,
        };
        if (_authenticator.Refuses(session, request.Op))
        {
            // Nothing of it can be pending: nothing was let through.
            WireFrames.Reply(
                session.Connection.Output, request.Xid, 0, CoordErrorCode.SessionClosedRequireSaslAuth);
            Close(session, "it did not authenticate by a scheme that is required");
            return true;
        }

        request.Code = RefusalOf(session, request.Op, reader.Rest);
        Step step = request.Code == CoordErrorCode.Ok ? Begin(session, ref request, reader.Rest) : Step.Answer;
        if (step != Step.Answer)
        {
            return step == Step.Asked;
        }

        bool early = Has(ReplicaFaults.ReadEarly) && Requests.KindOf(request.Op) == RequestKind.Read;
        if (request.Kind == PendingKind.Local && (session.Pending.Count == 0 || early))
        {
            Answer(session, request, frame);
            return true;
        }

        if (session.Pending.Count == 0)
        {
            session.ProgressMs = _now.MonotonicMs;
        }

        frames.Unfinished++;
        session.Pending.Enqueue(request);
        return true;
    }

    // Asks whomever a request needs: the log, or the leader. Its answer comes in the order of the session.
    private Step Begin(Session session, ref PendingRequest request, ReadOnlySpan<byte> body)
    {
        switch (Requests.KindOf(request.Op))
        {
            case RequestKind.Write when session.Barriers > 0:
                // Reads between a sync and this write must be answered between them.
                return Step.Wait;
            case RequestKind.Write when session.IsLocal && request.Op == OpCode.CloseSession:
                session.SaidLast = true;
                break;
            case RequestKind.Write when session.IsLocal:
                Upgrade(session);
                return Step.Wait;
            case RequestKind.Write:
                request.Kind = PendingKind.Write;
                if (!Refused(session, ref request, body) && !ProposeRequest(session, ref request, body))
                {
                    return Step.Wait;
                }

                session.SaidLast = request.Op == OpCode.CloseSession;
                break;
            case RequestKind.Sync when !Has(ReplicaFaults.SyncAtOnce)
                && !(request.Op == OpCode.LinearizableRead && Has(ReplicaFaults.ReadLocally)):
                request.Kind = PendingKind.Barrier;
                request.Ticket = NextTicket();
                if (!AskBarrier(session, request.Ticket))
                {
                    return Step.Wait;
                }

                session.Barriers++;
                break;
            case RequestKind.Ping when !IsAlone && !session.IsUnlogged:
                // Answered when the leader vouches for it, and out of order: clients expect no order of heartbeats.
                return AskPing(session, 1) ? Step.Asked : Step.Wait;
            case RequestKind.Auth or RequestKind.Sasl when session.Pending.Count > 0:
                // What came before must not gain rights by it, nor what comes after miss them: it comes alone.
                return Step.Wait;
            case RequestKind.Unknown:
                session.SaidLast = true;
                break;
        }

        return Step.Answer;
    }

    // What this session may never ask, or not now.
    private CoordErrorCode RefusalOf(Session session, OpCode op, ReadOnlySpan<byte> body) =>
        session.IsReadOnly && NeedsQuorum(session, op) ? CoordErrorCode.NotReadOnly
        : RefusesEphemerals && CoordStateMachine.CreatesEphemeral(op, body) ? CoordErrorCode.EphemeralOnLocalSession
        : CoordErrorCode.Ok;

    // Answers the local requests at the head of the queue, up to the next one that waits for the log.
    private void ServePending(Session session)
    {
        while (session.Pending.Count > 0 && session.Pending.Head.Kind == PendingKind.Local)
        {
            PendingRequest request = session.Pending.Dequeue();
            Answer(session, request, request.Frames.Bytes.Span.Slice(request.Offset, request.Length));
            Session.Finished(request.Frames);
        }
    }

    private void Answer(Session session, in PendingRequest request, ReadOnlySpan<byte> frame)
    {
        JuteWriter output = session.Connection.Output;
        ReadOnlySpan<byte> body = frame[Requests.HeaderBytes..];
        long zxid = _machine.LastApplied;
        switch (Requests.KindOf(request.Op))
        {
            case var _ when request.Code != CoordErrorCode.Ok:
                WireFrames.Reply(output, request.Xid, zxid, request.Code);
                break;
            case RequestKind.Read:
                AnswerRead(session, request.Xid, request.Op, body);
                break;
            case RequestKind.Ping:
                WireFrames.Reply(output, PingXid, zxid, CoordErrorCode.Ok);
                break;
            case RequestKind.Watch:
                AnswerWatchOperation(session, request, body);
                break;
            case RequestKind.Write:
                // Only a local session's goodbye is answered without the log.
                WireFrames.Reply(output, request.Xid, zxid, CoordErrorCode.Ok);
                EndLocally(session);
                return;
            case RequestKind.Sync when request.Op == OpCode.LinearizableRead:
                var reader = new JuteReader(body);
                AnswerRead(session, request.Xid, (OpCode)reader.ReadInt(), reader.Rest);
                break;
            case RequestKind.Sync:
                AnswerSync(output, request, body);
                break;
            case RequestKind.Auth:
                AnswerAuth(session, request.Xid, output, body);
                break;
            case RequestKind.Sasl:
                AnswerSasl(session, request.Xid, output, body);
                break;
            default:
                WireFrames.Reply(output, request.Xid, -1, CoordErrorCode.Unimplemented);
                Close(session, $"operation {(int)request.Op} is not known");
                return;
        }

        session.Connection.FlushAfterTurn();
    }

    private void AnswerRead(Session session, int xid, OpCode op, ReadOnlySpan<byte> body)
    {
        JuteWriter output = session.Connection.Output;
        int start = WireFrames.BeginReply(output, xid, _machine.LastApplied);
        CoordErrorCode code = _machine.Read(op, body, session.Id, session.Identities, output);
        WireFrames.EndReply(output, start, code);
    }

    private void AnswerWatchOperation(Session session, in PendingRequest request, ReadOnlySpan<byte> body)
    {
        _result.Reset();
        CoordErrorCode code = _machine.WatchOperation(
            request.Op, body, session.Id, session.Identities, _result.Body, _result.Events);
        SendEvents();
        WireFrames.Reply(
            session.Connection.Output, request.Xid, _machine.LastApplied, code, _result.Body.Written);
    }

    private void AnswerSync(JuteWriter output, in PendingRequest request, ReadOnlySpan<byte> body)
    {
        var reader = new JuteReader(body);
        reader.ReadString();
        CoordErrorCode code = reader.Failed ? CoordErrorCode.MarshallingError : CoordErrorCode.Ok;
        WireFrames.Reply(output, request.Xid, _machine.LastApplied, code, body[..reader.Position]);
    }

    private bool ProposeRequest(Session session, ref PendingRequest request, ReadOnlySpan<byte> body)
    {
        long position = session.LastPosition + 1;
        if (!ProposeAt(session, position, request.Op, body))
        {
            return false;
        }

        request.Ticket = (ulong)position;
        session.LastPosition = position;
        return true;
    }

    private bool ProposeAt(Session session, long position, OpCode op, ReadOnlySpan<byte> body)
    {
        CommandOptions options = (_options.ExtendedTypes ? CommandOptions.ExtendedTypesAllowed : CommandOptions.None)
            | (_options.EnforceQuota ? CommandOptions.EnforceQuota : CommandOptions.None);
        if (op == OpCode.Reconfig)
        {
            options |= _options.ReconfigEnabled ? CommandOptions.ReconfigAllowed : CommandOptions.None;
            options |= Leads ? LeadersView(body) : CommandOptions.None;
        }

        _command.Clear();
        CommandCodec.WriteRequest(
            _command, options, _now.WallMs, session.Id, session.Generation, position, op, session.Identities.Encoded,
            body);
        return Propose(_command.Written);
    }

    private bool AskBarrier(Session session, ulong ticket)
    {
        if (!_raft.ReadIndex(ticket))
        {
            return false;
        }

        _raftHasWork = true;
        _barriers.Add(ticket, session);
        return true;
    }

    // While no state can be trusted, or the disk is low.
    private bool Refused(Session session, ref PendingRequest request, ReadOnlySpan<byte> body)
    {
        if (WritesStopped is null && (!IsDiskLow || MayPassLowDisk(session, request.Op, body)))
        {
            return false;
        }

        request.Kind = PendingKind.Local;
        request.Code = CoordErrorCode.SystemError;
        return true;
    }

    // Deletes and goodbyes give room back; and a write that has run already must not be called refused.
    private bool MayPassLowDisk(Session session, OpCode op, ReadOnlySpan<byte> body) =>
        CoordStateMachine.Unwrap(op, body) is OpCode.Delete or OpCode.CloseSession or OpCode.DeleteContainer
            or OpCode.TryRemove or OpCode.RemoveRecursive
        || (op == OpCode.Numbered && _machine.HasRun(session.Id, body));

    private void AnswerAuth(Session session, int xid, JuteWriter output, ReadOnlySpan<byte> body)
    {
        CoordErrorCode code = _authenticator.Authenticate(session, body);
        if (code == CoordErrorCode.MarshallingError)
        {
            // ZooKeeper hangs up without a word.
            Close(session, "its authentication request cannot be read");
            return;
        }

        WireFrames.Reply(output, xid, 0, code);
        if (code != CoordErrorCode.Ok)
        {
            Close(session, "authentication failed");
        }
    }

    private void AnswerSasl(Session session, int xid, JuteWriter output, ReadOnlySpan<byte> body)
    {
        CoordErrorCode code = _authenticator.Sasl(session, body, out byte[]? token);
        if (code == CoordErrorCode.MarshallingError)
        {
            Close(session, "its SASL request cannot be read");
            return;
        }

        _body.Clear();
        _body.WriteBufferOrNull(token);
        WireFrames.Reply(output, xid, 0, code, _body.Written);
        if (code != CoordErrorCode.Ok)
        {
            Close(session, "SASL authentication failed");
        }
    }
}
