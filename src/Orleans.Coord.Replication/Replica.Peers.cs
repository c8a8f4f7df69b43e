using System.Buffers;
using Orleans.Coord.Consensus;
using Orleans.Coord.Jute;
using Orleans.Coord.Tree;

namespace Orleans.Coord.Replication;

/// <summary>
/// What an envelope between members holds; its first byte. The second is the highest feature level that the sender
/// knows. A kind that is not known is passed over; new ones are sent only once the group's level includes them.
/// </summary>
internal enum EnvelopeKind : byte
{
    /// <summary>A message of the consensus core.</summary>
    Raft = 1,

    /// <summary>Writes of another member's clients, for the leader.</summary>
    Forward = 2,

    /// <summary>Sessions heard of since the last acknowledged batch, and the batch's number.</summary>
    Touch = 3,

    /// <summary>The leader has counted all touches up to a batch.</summary>
    TouchAck = 4,

    /// <summary>The sender's state digests after some entries.</summary>
    Digest = 5,
}

/// <content>The other members: forwarded writes, and what to do when the leader changes.</content>
public sealed partial class Replica
{
    private const int EnvelopeHeaderBytes = 2;
    private const int MaxForwardBytes = 4 << 20;
    private const int ResendMs = 1000;
    private const int AttachMs = 2000;

    private readonly ArrayBufferWriter<byte> _envelope = new();
    private readonly JuteWriter _forward = new();
    private ReplicaId _leader;
    private Term _leaderTerm;
    private bool _resendDue;
    private long _nextStuckCheckMs;

    /// <summary>An envelope came from another member.</summary>
    public void PeerMessage(ReplicaId from, ReadOnlyMemory<byte> envelope)
    {
        if (envelope.Length < EnvelopeHeaderBytes)
        {
            return;
        }

        _levels[from] = envelope.Span[1];
        ReadOnlyMemory<byte> body = envelope[EnvelopeHeaderBytes..];
        switch ((EnvelopeKind)envelope.Span[0])
        {
            case EnvelopeKind.Raft:
                StepRaft(from, body);
                break;
            case EnvelopeKind.Forward when Leads && WritesStopped is null:
                TakeForwards(body.Span);
                break;
            case EnvelopeKind.Touch when Leads:
                TakeTouches(from, body.Span);
                break;
            case EnvelopeKind.TouchAck when from == _leader:
                TakeTouchAck(body.Span);
                break;
            case EnvelopeKind.Digest:
                TakeDigests(from, body.Span);
                break;
        }
    }

    /// <summary>The link to a member broke; what was on its way is lost.</summary>
    public void PeerUnreachable(ReplicaId peer)
    {
        _raft.PeerUnreachable(peer);
        _levels.Remove(peer);
        _raftHasWork = true;
        if (peer == _leader)
        {
            _resendDue = true;
            DropAttaching();
        }
    }

    /// <summary>
    /// Hands leadership to another voter, for a stop without a gap. False if there is nobody to take it.
    /// </summary>
    public bool HandOver() => HandOver(_ => true);

    private void StepRaft(ReplicaId from, ReadOnlyMemory<byte> bytes)
    {
        if (MessageCodec.TryRead(bytes, out Message? message) && message.From == from && message.To == _options.Id)
        {
            _raft.Step(message);
            _raftHasWork = true;
        }
    }

    private void BeginEnvelope(EnvelopeKind kind)
    {
        _envelope.ResetWrittenCount();
        _envelope.Write([(byte)kind, _options.FeatureLevel]);
    }

    private void SendRaft(Message message)
    {
        BeginEnvelope(EnvelopeKind.Raft);
        MessageCodec.Write(message, _envelope);
        _peers!.Send(message.To, _envelope.WrittenSpan);
    }

    private bool Forward(ReadOnlySpan<byte> command)
    {
        if (_leader == ReplicaId.None || _leader == _options.Id || _forward.Length > MaxForwardBytes)
        {
            return false;
        }

        _forward.WriteBuffer(command);
        return true;
    }

    private void SendForwards()
    {
        if (_forward.Length == 0)
        {
            return;
        }

        BeginEnvelope(EnvelopeKind.Forward);
        _envelope.Write(_forward.Written);
        _peers!.Send(_leader, _envelope.WrittenSpan);
        _forward.Clear();
    }

    // Whatever is not taken here the owner sends again; apply refuses gaps and repetitions.
    private void TakeForwards(ReadOnlySpan<byte> body)
    {
        var reader = new JuteReader(body);
        while (!reader.Rest.IsEmpty && !reader.Failed)
        {
            ReadOnlySpan<byte> bytes = reader.ReadBuffer();
            if (!Command.TryRead(bytes, out Command command))
            {
                return;
            }

            _leases.Touch(command.SessionId, _now.MonotonicMs);
            _command.Clear();
            _command.WriteRaw(bytes);
            CommandCodec.Stamp(_command, _now.WallMs);
            if (command.Op == OpCode.Reconfig)
            {
                CommandCodec.SetOptions(_command, command.Options | LeadersView(command.Body));
            }

            if (!Append(_command.Written))
            {
                return;
            }
        }
    }

    private void LeaderChanged(SoftState state)
    {
        bool same = state.Leader == _leader && state.Term == _leaderTerm;
        if (same)
        {
            return;
        }

        if (_leader == _options.Id)
        {
            _leases.Clear();
            _lastAckMs = _now.MonotonicMs;
        }

        if (_leader != ReplicaId.None && state.Leader == ReplicaId.None)
        {
            _leaderlessSinceMs = _now.MonotonicMs;
        }

        _leader = state.Leader;
        _leaderTerm = state.Term;
        _touchRounds.Clear();
        _resendDue = true;

        // The new leader may be lost as quickly: its word for this member's sessions is wanted at once.
        _touchNow = true;
        _forward.Clear();
        DropAttaching();
        if (_leader != ReplicaId.None && !IsAlone)
        {
            // A change of leader costs the clients a round trip, not the rest of a tick on top.
            ResendAll();
        }
    }

    // A client that was just connecting tries again; sending its request twice could raise the generation twice. Not
    // so that of a local session's first write, which waits here and asks again.
    private void DropAttaching()
    {
        foreach (Session session in _attaching.Values.ToArray())
        {
            session.AttachingSinceMs = null;
            if (!session.IsLocal)
            {
                Close(session, "the leader was lost while the session was being attached");
            }
        }

        _attaching.Clear();
    }

    private void CloseStuckAttaching()
    {
        if (_attaching.Values.Any(s => _now.MonotonicMs - s.AttachingSinceMs > AttachMs + _roundTripMs))
        {
            DropAttaching();
        }
    }

    private void TickPeers()
    {
        if (IsAlone)
        {
            return;
        }

        Join();
        BeginReadOnlyIfDue();
        CloseStuckAttaching();
        if (_leader != ReplicaId.None)
        {
            ResendIfDue();
        }

        if (!Leads && (CanServe || IsReadOnly) && IsRemoved)
        {
            StopServing("this member was removed from the ensemble");
        }

        // The shortest time-out that is allowed, not that is in use: who is cut off lets its clients go while they have
        // the time to find another member, and those with long time-outs wait no longer for it than others.
        long patience = (_options.MinSessionTimeoutMs / 3) + _roundTripMs;
        if (!Leads && CanServe && _now.MonotonicMs - _lastAckMs > patience)
        {
            StopServing("no leader has acknowledged this member's sessions for too long");
        }
    }

    // A member that has just found its leader serves once it has caught up with what was committed by then.
    private void Join()
    {
        bool wants = !CanServe && !Leads && !IsRemoved && _leader != ReplicaId.None;
        if (wants && _now.MonotonicMs - _lastJoinMs > JoinRetryMs)
        {
            _lastJoinMs = _now.MonotonicMs;
            if (_joins.Count == MaxJoinAsks)
            {
                _joins.Dequeue();
            }

            ulong ticket = NextTicket();
            _joins.Enqueue((ticket, _now.MonotonicMs));
            _raft.ReadIndex(ticket);
            _raftHasWork = true;
        }
    }

    // Any of the questions may be the one that is answered: over a slow link the next is asked long before.
    private bool TryJoin(ulong ticket)
    {
        foreach ((ulong asked, long sentMs) in _joins)
        {
            if (asked == ticket)
            {
                NoteAck(sentMs);
                // The first touches leave only now.
                _lastAckMs = _now.MonotonicMs;
                BeginService();
                return true;
            }
        }

        return false;
    }

    private void StopServing(string why)
    {
        CanServe = false;
        IsReadOnly = false;
        foreach (Session session in _local.Values.ToArray())
        {
            Close(session, why);
        }

        DropAttaching();
    }

    private void ResendIfDue()
    {
        if (_resendDue)
        {
            ResendAll();
        }
        else if (!Leads && _now.MonotonicMs >= _nextStuckCheckMs)
        {
            // An envelope may be lost without a word, whatever the other sessions' fare. What a leader has in its own
            // log is not lost, only slow.
            _nextStuckCheckMs = _now.MonotonicMs + (ResendMs / 4);
            foreach (Session session in _local.Values)
            {
                if (session.Pending.Count > 0 && _now.MonotonicMs - session.ProgressMs > ResendMs + _roundTripMs)
                {
                    Resend(session);
                }
            }
        }
    }

    // Everything that waits for the leader is asked again, in each session's order.
    private void ResendAll()
    {
        _resendDue = false;
        _barriers.Clear();
        _pings.Clear();
        foreach (Session session in _local.Values)
        {
            int pings = session.WaitingPings;
            session.WaitingPings = 0;
            if (pings > 0 && !AskPing(session, pings))
            {
                session.WaitingPings = pings;
                _resendDue = true;
            }

            Resend(session);
        }
    }

    private void Resend(Session session)
    {
        session.ProgressMs = _now.MonotonicMs;
        for (int i = 0; i < session.Pending.Count && !Has(ReplicaFaults.NeverResend); i++)
        {
            if (!ResendOne(session, ref session.Pending[i]))
            {
                _resendDue = true;
                return;
            }
        }
    }

    private bool ResendOne(Session session, ref PendingRequest request)
    {
        if (request.Kind == PendingKind.Write)
        {
            ReadOnlySpan<byte> frame = request.Frames.Bytes.Span.Slice(request.Offset, request.Length);
            return ProposeAt(session, (long)request.Ticket, request.Op, frame[Requests.HeaderBytes..]);
        }

        if (request.Kind == PendingKind.Barrier)
        {
            _barriers.Remove(request.Ticket);
            request.Ticket = NextTicket();
            return AskBarrier(session, request.Ticket);
        }

        return true;
    }
}
