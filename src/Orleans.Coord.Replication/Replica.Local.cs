using System.Security.Cryptography;
using Orleans.Coord.Jute;
using Orleans.Coord.Tree;

namespace Orleans.Coord.Replication;

/// <content>
/// Service without the log: local sessions, which only this member knows until their first write, and reads for
/// clients that agree to them while there is no quorum (ZooKeeper's localSessionsEnabled and readonlymode.enabled).
/// </content>
public sealed partial class Replica
{
    // Every session that is served without the leader's word; local ones stay a time-out longer than their connection.
    private readonly SessionLeases _localLeases;

    // Local sessions that the log was told of, and may know by now: nothing is said of them here without asking it.
    private readonly HashSet<long> _upgrading = [];
    private long _leaderlessSinceMs;

    /// <summary>
    /// Whether clients that agree to it are served reads of this member's own tree, which may be old, as it has had no
    /// leader for a tick.
    /// </summary>
    public bool IsReadOnly { get; private set; }

    /// <summary>Milliseconds until a local session expires, negative once it has; null if there is none.</summary>
    public long? LocalSessionRemaining(long sessionId) => _localLeases.Remaining(sessionId, _now.MonotonicMs);

    /// <summary>
    /// The sessions that only this member knows, each with its time-out and the time left, milliseconds; not to be
    /// held.
    /// </summary>
    public IEnumerable<(long SessionId, int TimeoutMs, long RemainingMs)> LocalSessions =>
        _localLeases.All(_now.MonotonicMs).Where(lease => !_machine.Sessions.TryGet(lease.SessionId, out _));

    private bool RefusesEphemerals => _options is { LocalSessions: true, LocalSessionsUpgrading: false };

    private static bool NeedsQuorum(Session session, OpCode op) =>
        Requests.KindOf(op) is RequestKind.Write or RequestKind.Sync && !(session.IsLocal && op == OpCode.CloseSession);

    // False: the log has to know of the session.
    private bool AttachLocally(Session session)
    {
        ConnectRequest request = session.Request;
        bool isNew = request.SessionId == 0;
        bool isLogged = _machine.Sessions.TryGet(request.SessionId, out Tree.Session? logged);
        session.IsLocal = isNew
            ? IsReadOnly || _options.LocalSessions
            : !isLogged && LocalSessionRemaining(request.SessionId) is not null
                && !_upgrading.Contains(request.SessionId);
        session.IsReadOnly = IsReadOnly;
        if (!session.IsUnlogged)
        {
            return false;
        }

        session.Id = isNew ? NewLocalId() : request.SessionId;
        session.Password = isNew ? PasswordOf(session.Id) : request.Password;
        bool isKnown = isLogged
            ? logged!.HasPassword(session.Password.Span)
            : session.IsLocal && CryptographicOperations.FixedTimeEquals(session.Password.Span, PasswordOf(session.Id));
        if (!isKnown)
        {
            TurnAway(session);
            return true;
        }

        if (_local.TryGetValue(session.Id, out Session? older))
        {
            Close(older, MovedReason);
        }

        int timeout = TimeoutOf(request);
        _localLeases.Grant(session.Id, 0, timeout, _now.MonotonicMs);
        Welcome(session, timeout);
        return true;
    }

    // A clock that was set back must not give a local session the id of one that is known to all.
    private long NewLocalId()
    {
        while (_machine.Sessions.TryGet(_nextSessionId, out _))
        {
            _nextSessionId++;
        }

        return _nextSessionId++;
    }

    // A session's writes are ordered and counted by what the log knows of it: the first one brings it there. Asked
    // again when the leader was lost meanwhile.
    private void Upgrade(Session session)
    {
        if (session.AttachingSinceMs is not null)
        {
            return;
        }

        ulong ticket = NextTicket();
        _command.Clear();
        CommandCodec.WriteCreateSession(
            _command, _now.WallMs, session.Id, ticket, SHA256.HashData(session.Password.Span),
            TimeoutOf(session.Request));
        if (Propose(_command.Written))
        {
            session.AttachingSinceMs = _now.MonotonicMs;
            _attaching.Add(ticket, session);
            _upgrading.Add(session.Id);
        }
    }

    // What told the log of it may have been lost on the way.
    private bool IsStillLocal(Session session) =>
        _upgrading.Contains(session.Id) && !_machine.Sessions.TryGet(session.Id, out _)
        && CryptographicOperations.FixedTimeEquals(session.Password.Span, PasswordOf(session.Id));

    // An entry that makes a local session known to all is applied; its first write waits for that.
    private void AfterUpgrade(Session session)
    {
        if (_result.Code != CoordErrorCode.Ok)
        {
            Close(session, "its local session could not be made known to the others");
            return;
        }

        session.IsLocal = false;
        session.Generation = _result.Generation;
        ForgetLocally(session.Id);
    }

    private void ExpireLocally()
    {
        _expired.Clear();
        _localLeases.CollectExpired(_now.MonotonicMs, ExpiriesPerTick, _expired);
        foreach ((long id, _) in _expired)
        {
            ForgetLocally(id);
            if (_local.TryGetValue(id, out Session? session) && session.IsUnlogged)
            {
                Close(session, "the session has expired");
            }
        }
    }

    private bool EndLocalSession(long sessionId)
    {
        if (LocalSessionRemaining(sessionId) is null)
        {
            return false;
        }

        ForgetLocally(sessionId);
        if (_local.TryGetValue(sessionId, out Session? session))
        {
            Close(session, "an operator ended the session");
        }

        return true;
    }

    private void EndLocally(Session session)
    {
        ForgetLocally(session.Id);
        Close(session, "the client ended its session");
    }

    private void ForgetLocally(long sessionId)
    {
        _localLeases.Remove(sessionId);
        _upgrading.Remove(sessionId);
    }

    private void BeginReadOnlyIfDue()
    {
        bool isDue = _options.ReadOnlyMode && !IsReadOnly && !CanServe && IsMember && !IsRemoved
            && _leader == ReplicaId.None
            && _now.MonotonicMs - _leaderlessSinceMs >= _options.TickTimeMs;
        IsReadOnly |= isDue;
    }

    // Its clients come back, to whom they like, and write again.
    private void BeginService()
    {
        foreach (Session session in IsReadOnly ? _local.Values.ToArray() : [])
        {
            Close(session, "there is a quorum again");
        }

        CanServe = true;
        IsReadOnly = false;
        _joins.Clear();
        if (!_options.LocalSessions)
        {
            _localLeases.Clear();
            _upgrading.Clear();
        }
    }
}
