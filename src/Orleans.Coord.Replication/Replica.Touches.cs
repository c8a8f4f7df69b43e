using System.Buffers.Binary;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Replication;

/// <content>
/// Keeping sessions alive through the leader. A ping is answered only when the leader, confirmed by a quorum after the
/// touch, has counted it: so whoever believes to hold a session still does.
/// </content>
public sealed partial class Replica
{
    private const int TouchMs = 200;
    private const int JoinRetryMs = 300;
    private const int MaxJoinAsks = 16;

    // Sessions heard of, with the batch that first carries the newest touch; they stay until a batch that has them is
    // acknowledged.
    private readonly Dictionary<long, long> _touched = [];
    private readonly Queue<(long Batch, ulong Ticket)> _touchWaiters = [];
    private readonly Queue<(long Batch, long SentMs)> _touchesSent = [];
    private readonly Dictionary<ulong, (ReplicaId From, long Batch)> _touchRounds = [];
    private readonly Dictionary<ulong, (Session Session, int Count)> _pings = [];
    private readonly JuteWriter _touches = new();
    private long _nextBatch;
    private long _lastTouchMs;
    private long _lastAckMs;

    // How long the leader's last word took, at most the shortest time-out: over a slow link everything comes later.
    private long _roundTripMs;
    private readonly Queue<(ulong Ticket, long SentMs)> _joins = [];
    private long _lastJoinMs = long.MinValue / 2;
    private bool _touchNow;

    private void Touch(long sessionId)
    {
        if (Leads)
        {
            _leases.Touch(sessionId, _now.MonotonicMs);
        }
        else
        {
            _touched[sessionId] = _nextBatch;
        }
    }

    // False: there is no leader to ask.
    private bool AskPing(Session session, int count)
    {
        ulong ticket = NextTicket();
        if (Leads)
        {
            _raft.ReadIndex(ticket);
            _raftHasWork = true;
        }
        else if (_leader != ReplicaId.None)
        {
            Touch(session.Id);
            _touchWaiters.Enqueue((_nextBatch, ticket));
            _touchNow = true;
        }
        else
        {
            return false;
        }

        _pings.Add(ticket, (session, count));
        session.WaitingPings += count;
        return true;
    }

    private void AnswerPings(Session session, int count)
    {
        session.WaitingPings -= count;
        for (int i = 0; i < count && session.State == SessionState.Live; i++)
        {
            WireFrames.Reply(session.Connection.Output, PingXid, _machine.LastApplied, CoordErrorCode.Ok);
            session.Connection.FlushAfterTurn();
        }
    }

    private void SendTouches()
    {
        bool follows = _leader != ReplicaId.None && !Leads && CanServe;
        bool due = _touchNow || _now.MonotonicMs - _lastTouchMs >= TouchMs;
        if (!follows || !due)
        {
            return;
        }

        _touches.Clear();
        _touches.WriteByte((byte)EnvelopeKind.Touch);
        _touches.WriteByte(_options.FeatureLevel);
        _touches.WriteLong(_nextBatch);
        foreach (long id in _touched.Keys)
        {
            _touches.WriteLong(id);
        }

        _peers!.Send(_leader, _touches.Written);
        _touchesSent.Enqueue((_nextBatch, _now.MonotonicMs));
        _nextBatch++;
        _lastTouchMs = _now.MonotonicMs;
        _touchNow = false;
    }

    private void TakeTouches(ReplicaId from, ReadOnlySpan<byte> body)
    {
        if (body.Length < sizeof(long) || body.Length % sizeof(long) != 0)
        {
            return;
        }

        for (int at = sizeof(long); at < body.Length && !Has(ReplicaFaults.IgnoreTouches); at += sizeof(long))
        {
            _leases.Touch(BinaryPrimitives.ReadInt64BigEndian(body[at..]), _now.MonotonicMs);
        }

        ulong round = NextTicket();
        if (_raft.ReadIndex(round))
        {
            _touchRounds.Add(round, (from, BinaryPrimitives.ReadInt64BigEndian(body)));
            _raftHasWork = true;
        }
    }

    private void SendTouchAck(ReplicaId to, long batch)
    {
        _touches.Clear();
        _touches.WriteByte((byte)EnvelopeKind.TouchAck);
        _touches.WriteByte(_options.FeatureLevel);
        _touches.WriteLong(batch);
        _peers!.Send(to, _touches.Written);
    }

    private void NoteAck(long sentMs)
    {
        _lastAckMs = Math.Max(_lastAckMs, sentMs);
        _roundTripMs = Math.Min(_now.MonotonicMs - sentMs, _options.MinSessionTimeoutMs);
    }

    private void TakeTouchAck(ReadOnlySpan<byte> body)
    {
        if (body.Length != sizeof(long))
        {
            return;
        }

        long batch = BinaryPrimitives.ReadInt64BigEndian(body);
        bool ours = _touchesSent.TryPeek(out (long Batch, long SentMs) oldest)
            && batch >= oldest.Batch && batch < _nextBatch;
        if (!ours)
        {
            // Late, or for a batch of this member's life before its restart: it vouches for nothing.
            return;
        }

        while (_touchesSent.TryPeek(out (long Batch, long SentMs) sent) && sent.Batch <= batch)
        {
            // Counted from the sending: the leader may have heard of it at once.
            NoteAck(sent.SentMs);
            _touchesSent.Dequeue();
        }

        foreach ((long id, long newest) in _touched)
        {
            if (newest <= batch)
            {
                _touched.Remove(id);
            }
        }

        while (_touchWaiters.TryPeek(out (long Batch, ulong Ticket) waiter) && waiter.Batch <= batch)
        {
            _touchWaiters.Dequeue();
            PassBarrier(waiter.Ticket);
        }
    }
}
