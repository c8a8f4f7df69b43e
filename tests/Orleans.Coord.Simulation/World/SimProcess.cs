using System.Net;
using Orleans.Coord.Consensus;
using Orleans.Coord.Replication;
using Orleans.Coord.Tree;
using Orleans.Coord.Wal;

namespace Orleans.Coord.Simulation;

/// <summary>
/// One life of a member: the shipped replica over the shipped log on a simulated disk, and a pump that does what the
/// silo's does: letters gather while none runs, a turn takes them all, the disk completes by itself, outputs leave
/// after the turn.
/// </summary>
internal sealed class SimProcess : ILogStoreObserver, IPeerTransport
{
    private const string Folder = "/data";
    private const int SpaceCheckMs = 500;
    private readonly SimWorld _world;
    private readonly SimMember _member;
    private readonly DataDirectory _directory;
    private readonly PeerRegistry _registry;
    private readonly SplitMix64 _random;
    private readonly TreeFaults _treeFaults;
    private readonly ObservedLog _log;
    private readonly bool _isGhost;
    private IReadOnlySet<ReplicaId> _refused = new HashSet<ReplicaId>();
    private readonly List<SimConnection> _outputs = [];
    private CoordStateMachine? _limited;
    private List<Action<Replica>> _inbox = [];
    private List<Action<Replica>> _reading = [];
    private bool _turnDue;
    private bool _diskDue;

    /// <exception cref="StorageException">The disk cannot be used or trusted.</exception>
    /// <exception cref="SimCrashException">The machine stopped meanwhile.</exception>
    public SimProcess(SimWorld world, SimMember member, SimDisk disk, bool isGhost = false)
    {
        _isGhost = isGhost;
        _world = world;
        _member = member;
        _random = new SplitMix64(world.Random.Next());
        // One member alone diverges; every other bug is in all of them.
        TreeFaults faults = world.Options.Bug.InTree();
        _treeFaults = faults == TreeFaults.Diverge && member.Id != 2 ? TreeFaults.None : faults;
        _directory = DataDirectory.Open(
            Folder, world.Options.WalOptions with { DrawIncarnation = world.NewSecret }, disk);
        try
        {
            Incarnation = _directory.Incarnation;
            _registry = new PeerRegistry(_directory.Path, disk);
            IReadOnlyList<ReplicaId> voters = FirstVoters.Settle(_directory.Path, disk, member.FirstVoters);
            _log = new ObservedLog(_directory.Log, OnAppended);
            Replica = Replica.Open(
                world.Options.ReplicaOptions(new ReplicaId((byte)member.Id), voters, world.NewSecret()),
                _log,
                _directory.Snapshots,
                world.Options.Members == 1 && !world.Options.HasOperator ? null : this,
                new SplitMix64(_random.Next()),
                member.Clock.Now);
        }
        catch
        {
            _directory.Dispose();
            throw;
        }

        IsAlive = true;
        LimitHistory();
    }

    public int Id => _member.Id;

    public Replica Replica { get; }

    public ulong Incarnation { get; }

    public bool IsAlive { get; private set; }

    /// <summary>What the checkers have seen of it: the last index applied.</summary>
    public long Seen { get; set; }

    /// <summary>The term that the checkers know it to lead; 0 for none.</summary>
    public long LeadsTerm { get; set; }

    /// <summary>The last entry said to be durable.</summary>
    public long Durable => _log.Durable;

    /// <summary>Where the state that it has began: with its own newest snapshot, or one from the leader.</summary>
    public long HistoryBase { get; private set; }

    /// <summary>What recovery noted.</summary>
    public IReadOnlyList<string> Notes => _directory.Notes;

    public void Begin()
    {
        _directory.Start(this);
        Post(_ => { });
        _world.Time.After(_random.Below(SimTimes.TickMs * 1000), Tick);
        _world.Time.After(SpaceCheckMs * 1000, CheckSpace);
    }

    /// <summary>Nothing of it happens any more.</summary>
    public void End()
    {
        IsAlive = false;
        _directory.Dispose();
    }

    public void Post(Action<Replica> letter)
    {
        if (!IsAlive)
        {
            return;
        }

        _inbox.Add(letter);
        if (!_turnDue)
        {
            _turnDue = true;
            _world.Time.After(_random.Below(200), Turn);
        }
    }

    /// <summary>
    /// Whether a link with another member's process may be: its incarnation must be the known one, and it must not have
    /// been removed.
    /// </summary>
    public bool Admits(SimProcess other)
    {
        var id = new ReplicaId((byte)other.Id);
        return !_refused.Contains(id) && _registry.Admit(id, other.Incarnation);
    }

    /// <summary>A connection has output of this turn.</summary>
    public void FlushLater(SimConnection connection) => _outputs.Add(connection);

    void IPeerTransport.Send(ReplicaId to, ReadOnlySpan<byte> envelope) =>
        _world.Network.Send(this, to.Value, envelope.ToArray());

    void IPeerTransport.SetPeers(
        IReadOnlyDictionary<ReplicaId, DnsEndPoint> peers, IReadOnlySet<ReplicaId> refused) => _refused = refused;

    void IPeerTransport.Flush()
    {
    }

    void ILogStoreObserver.Persisted(long token)
    {
        _log.Persisted(token);
        Post(replica => replica.Persisted(token));
    }

    void ILogStoreObserver.SnapshotPersisted(SnapshotMetadata metadata) =>
        Post(replica => replica.SnapshotPersisted(metadata));

    void ILogStoreObserver.SnapshotAborted(SnapshotMetadata metadata) =>
        Post(replica => replica.SnapshotAborted(metadata));

    void ILogStoreObserver.Failed(StorageException error) => _member.Halt(this, error);

    void ILogStoreObserver.DiskLow(bool low) => Post(replica => replica.DiskLow(low));

    public override string ToString() =>
        $"{Replica.Raft.Role} term {Replica.Raft.Term} leader {Replica.Raft.Leader} applied "
        + $"{Replica.Machine.LastApplied} commit {Replica.Raft.Log.Commit} log {Replica.Raft.Log.BaseIndex}.."
        + $"{Replica.Raft.Log.LastIndex} {(Replica.CanServe ? "serves" : "waits")}, "
        + $"{Replica.Raft.Configuration} of {Replica.Raft.ConfigurationIndex}";

    // What a second process under a member's id writes on an empty disk is nobody's log, unless others take it.
    private void OnAppended(ReadOnlySpan<Entry> entries)
    {
        if (!_isGhost)
        {
            _world.Log.OnAppended(this, entries);
        }
    }

    private void Tick()
    {
        if (!IsAlive)
        {
            return;
        }

        // A timer that finds the process standing still fires once when it goes on, not once for every time missed.
        if (!_member.IsPaused)
        {
            Post(replica => replica.Tick());
        }

        _world.Time.After(SimTimes.TickMs * 1000, Tick);
    }

    private void CheckSpace()
    {
        if (IsAlive)
        {
            _member.Guard(this, _directory.CheckSpace);
            ScheduleDisk();
            _world.Time.After(SpaceCheckMs * 1000, CheckSpace);
        }
    }

    private void Turn()
    {
        if (!IsAlive)
        {
            return;
        }

        if (_member.IsPaused)
        {
            _world.Time.At(_member.PausedUntilUs + _random.Below(200), Turn);
            return;
        }

        _turnDue = false;
        (_inbox, _reading) = (_reading, _inbox);
        _member.Guard(this, RunTurn);
        _reading.Clear();
        if (!IsAlive)
        {
            return;
        }

        foreach (SimConnection connection in _outputs)
        {
            connection.Flush();
        }

        _outputs.Clear();
        ScheduleDisk();
        if (Replica.WantsTurn)
        {
            Post(_ => { });
        }
    }

    private void RunTurn()
    {
        Replica.Machine.Faults = _treeFaults;
        Replica.BeginTurn(_member.Clock.Now);
        foreach (Action<Replica> letter in _reading)
        {
            letter(Replica);
        }

        Replica.EndTurn();
        LimitHistory();
        _world.AfterTurn(this);
    }

    // A snapshot from the leader comes with a tree, and a history, of its own.
    private void LimitHistory()
    {
        if (_limited != Replica.Machine)
        {
            _limited = Replica.Machine;
            _limited.LimitHistory(_world.Options.HistoryLimits);
            HistoryBase = _limited.LastApplied;
        }
    }

    private void ScheduleDisk()
    {
        if (!_diskDue && IsAlive)
        {
            _diskDue = true;
            _world.Time.After(_member.DiskDelayUs(_random), DiskStep);
        }
    }

    private void DiskStep()
    {
        _diskDue = false;
        if (!IsAlive)
        {
            return;
        }

        if (_member.IsPaused)
        {
            _diskDue = true;
            _world.Time.At(_member.PausedUntilUs + 1, DiskStep);
            return;
        }

        bool worked = false;
        _member.Guard(this, () => worked = _directory.RunOnce());
        if (worked)
        {
            ScheduleDisk();
        }
    }
}
