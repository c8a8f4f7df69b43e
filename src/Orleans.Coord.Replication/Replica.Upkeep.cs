using Orleans.Coord.Consensus;
using Orleans.Coord.Jute;
using Orleans.Coord.Tree;

namespace Orleans.Coord.Replication;

/// <content>What happens by the clock or the disk: expiry, reaping, snapshots.</content>
public sealed partial class Replica
{
    private const int ExpiriesPerTick = 256;
    private const int ReapedPerCheck = 1024;
    private const int SnapshotSliceZnodes = 200;
    private const long SnapshotMaxPendingBytes = 8 << 20;

    private readonly List<(long SessionId, int Generation)> _expired = [];
    private readonly List<byte[]> _reapable = [];
    private readonly JuteWriter _chunk = new(64 << 10);
    private TreeSnapshot? _snapshot;
    private ISnapshotWriter? _snapshotWriter;
    private long _bytesSinceSnapshot;
    private long _lastSnapshotBytes;
    private long _lastTickMs;
    private long _nextReapMs;
    private bool _diskLow;

    /// <summary>True while the replica wants another turn soon although no event has come.</summary>
    public bool WantsTurn => _snapshot is not null && _snapshotWriter!.PendingBytes < SnapshotMaxPendingBytes;

    private bool Leads => _raft.Role == RaftRole.Leader;

    /// <summary>Time has passed.</summary>
    public void Tick()
    {
        if (_now.MonotonicMs - _lastTickMs > _options.LateTickMs)
        {
            // This process was paused or starved: clients could not be heard, so none may expire for it.
            _leases.GrantAll(_now.MonotonicMs);
        }

        _lastTickMs = _now.MonotonicMs;
        _raft.Tick();
        if (Leads)
        {
            ProposeExpiries();
            ProposeReaping();
        }
    }

    /// <summary>Free disk space fell below the reserve, or is above it again.</summary>
    public void DiskLow(bool low) => _diskLow = low;

    /// <summary>A snapshot is durable: what it covers may leave the log.</summary>
    public void SnapshotPersisted(SnapshotMetadata metadata)
    {
        _raft.SnapshotTaken(metadata);
        _raft.Compact(metadata.Index);
        _log.TrimTo(metadata.Index);
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

    // Snapshots follow the bytes logged, and at least the size of the last one, so that writing them costs at most
    // about as much as writing the log.
    private void StartSnapshotIfDue()
    {
        if (_snapshot is not null || _bytesSinceSnapshot < Math.Max(_options.SnapshotLogBytes, _lastSnapshotBytes))
        {
            return;
        }

        var index = new LogIndex(_machine.LastApplied);
        bool known = _raft.Log.TryGetTerm(index, out Term term);
        Invariant.Check(known);
        _snapshotWriter = _snapshots.Create(
            new SnapshotMetadata(index, term, _raft.ConfigurationAt(index).Encode()));
        _snapshot = _machine.BeginSnapshot();
        _bytesSinceSnapshot = 0;
        _lastSnapshotBytes = 0;
    }

    private void ContinueSnapshot()
    {
        if (!WantsTurn)
        {
            return;
        }

        _chunk.Clear();
        bool more = _snapshot!.NextSlice(_chunk, SnapshotSliceZnodes);
        if (_chunk.Length > 0)
        {
            _snapshotWriter!.Write(_chunk.Written);
            _lastSnapshotBytes += _chunk.Length;
        }

        if (!more)
        {
            _snapshotWriter!.Commit();
            _snapshot = null;
            _snapshotWriter = null;
        }
    }
}
