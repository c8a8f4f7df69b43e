using Orleans.Coord.Consensus;
using Orleans.Coord.Jute;
using Orleans.Coord.Tree;

namespace Orleans.Coord.Replication;

/// <content>What happens by the clock or the disk: expiry, reaping, snapshots.</content>
public sealed partial class Replica
{
    private const int ExpiriesPerTick = 256;
    private const int ReapedPerCheck = 1024;

    private readonly List<(long SessionId, int Generation)> _expired = [];
    private readonly List<byte[]> _reapable = [];
    private long _lastTickMs;
    private long _nextReapMs;

    private bool Leads => _raft.Role == RaftRole.Leader;

    /// <summary>Time has passed.</summary>
    public void Tick()
    {
        if (_now.MonotonicMs - _lastTickMs > _options.LateTickMs)
        {
            // This process was paused or starved: clients could not be heard, so none may expire for it.
            _leases.GrantAll(_now.MonotonicMs);
            _localLeases.GrantAll(_now.MonotonicMs);
        }

        _lastTickMs = _now.MonotonicMs;
        _raft.Tick();
        _raftHasWork = true;
        TickPeers();
        ExpireLocally();
        if (Leads)
        {
            ProposeExpiries();
            ProposeReaping();
            ProposeEndOfStaleRestore();
            Reconcile();
        }
    }

    /// <summary>Whether the disk is so full that only writes that give room back are taken.</summary>
    public bool IsDiskLow { get; private set; }

    /// <summary>Free disk space fell below the reserve, or is above it again.</summary>
    public void DiskLow(bool low)
    {
        // Another snapshot lets the log before the last one go.
        _snapshotAsked |= low;
        IsDiskLow = low;
    }

    /// <summary>Ends a session as its expiry would, because an operator wants so.</summary>
    /// <returns>False if there is no such session, or no room in the log.</returns>
    public bool EndSession(long sessionId)
    {
        if (!_machine.Sessions.TryGet(sessionId, out Tree.Session? session))
        {
            return EndLocalSession(sessionId);
        }

        _command.Clear();
        CommandCodec.WriteExpireSession(_command, _now.WallMs, sessionId, session.Generation);
        return Propose(_command.Written);
    }

    private void ProposeExpiries()
    {
        _expired.Clear();
        _leases.CollectExpired(_now.MonotonicMs, ExpiriesPerTick, _expired);
        foreach ((long id, int generation) in _expired)
        {
            _command.Clear();
            CommandCodec.WriteExpireSession(_command, _now.WallMs, id, generation);
            if (!Propose(_command.Written))
            {
                // No room in the log: the session gets another time-out rather than be forgotten.
                _leases.Grant(id, generation, _options.MinSessionTimeoutMs, _now.MonotonicMs);
            }
        }
    }

    private void ProposeReaping()
    {
        if (_now.MonotonicMs < _nextReapMs)
        {
            return;
        }

        _nextReapMs = _now.MonotonicMs + _options.ContainerCheckMs;
        _reapable.Clear();
        _machine.CollectReapable(_now.WallMs, ReapedPerCheck, _reapable);
        foreach (byte[] path in _reapable)
        {
            _body.Clear();
            _body.WriteBuffer(path);
            _command.Clear();
            CommandCodec.WriteRequest(
                _command, CommandOptions.None, _now.WallMs, 0, 0, 0, OpCode.DeleteContainer, default, _body.Written);
            if (!Propose(_command.Written))
            {
                return;
            }
        }
    }
}
