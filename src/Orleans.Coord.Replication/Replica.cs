using System.Net;
using Orleans.Coord.Consensus;
using Orleans.Coord.Jute;
using Orleans.Coord.Tree;

namespace Orleans.Coord.Replication;

/// <summary>
/// One member of the consensus group: binds the Raft core, the tree, the log and the clients. A single-threaded actor:
/// its host gives it turns, each <see cref="BeginTurn"/>, any number of events, <see cref="EndTurn"/>.
/// </summary>
public sealed partial class Replica
{
    private const int PayloadChunkBytes = 64 << 10;

    private readonly ReplicaOptions _options;
    private readonly RaftNode _raft;
    private CoordStateMachine _machine;
    private readonly ILogStore _log;
    private readonly ISnapshotStore _snapshots;
    private readonly IPeerTransport? _peers;
    private readonly SessionLeases _leases;
    private readonly Authenticator _authenticator;
    private readonly ApplyResult _result = new();
    private readonly JuteWriter _command = new();
    private readonly JuteWriter _body = new();
    private readonly List<ReadState> _readStates = [];
    private byte[] _payloads = [];
    private int _payloadsUsed;
    private bool _raftHasWork;
    private ulong _lastTicket;
    private long _nextSessionId;
    private TurnTime _now;

    private Replica(
        ReplicaOptions options, RaftNode raft, CoordStateMachine machine, ILogStore log, ISnapshotStore snapshots,
        IPeerTransport? peers, SplitMix64 random, TurnTime now)
    {
        _options = options;
        _peers = peers;
        _raft = raft;
        _machine = machine;
        _log = log;
        _snapshots = snapshots;
        _guard = new DivergenceGuard(options.Id);
        _authenticator = new Authenticator(options.Authentication, options.PasswordSecret);
        _leases = new SessionLeases(Math.Max(1, options.TickTimeMs / 4));
        _localLeases = new SessionLeases(Math.Max(1, options.TickTimeMs / 4));
        _now = now;
        _leaderlessSinceMs = now.MonotonicMs;
        _lastTickMs = now.MonotonicMs;
        _given = new Dictionary<ReplicaId, DnsEndPoint>(options.Peers);
        _logAtStart = log.LastIndex;
        _ensemble = machine.Ensemble;
        _nextReapMs = now.MonotonicMs + options.ContainerCheckMs;
        // Starts anywhere: a ticket of an entry from before a restart must not meet one of ours.
        _lastTicket = random.Next();
        // So does a batch of touches: an answer to one of an earlier life must not pass for one of this.
        _nextBatch = (long)(random.Next() >> 2);
        // ZooKeeper's shape: the member in the high byte, then the time, then a counter.
        _nextSessionId = ((long)options.Id.Value << 56) | (long)((ulong)(now.WallMs << 24) >> 8);
    }

    /// <summary>The tree, for inspection in the replica's turn.</summary>
    public CoordStateMachine Machine => _machine;

    /// <summary>The consensus state, for inspection in the replica's turn.</summary>
    public RaftNode Raft => _raft;

    /// <summary>The sessions' deadlines, for inspection in the replica's turn.</summary>
    public SessionLeases Leases => _leases;

    /// <summary>The time at which the turn began.</summary>
    public TurnTime Now => _now;

    /// <summary>
    /// Whether clients can be served: this member leads and has applied all that was committed before, or it follows a
    /// leader that acknowledges its sessions' touches.
    /// </summary>
    public bool CanServe { get; private set; }

    /// <summary>Whether this is the only member of its group.</summary>
    public bool IsAlone => _peers is null;

    /// <summary>Recovers a member from its storage.</summary>
    /// <param name="options">What the host decides.</param>
    /// <param name="log">The durable log, open and owned.</param>
    /// <param name="snapshots">The durable snapshots.</param>
    /// <param name="peers">The links to the other members; null for a group of one.</param>
    /// <param name="random">Seeded by the host.</param>
    /// <param name="now">The time.</param>
    /// <exception cref="StorageException">A snapshot or the log cannot be read.</exception>
    /// <exception cref="FeatureLevelException">The group is at a level that this member does not know.</exception>
    public static Replica Open(
        ReplicaOptions options, ILogStore log, ISnapshotStore snapshots, IPeerTransport? peers, SplitMix64 random,
        TurnTime now)
    {
        Invariant.Check(peers is not null || options.Voters.Count == 1);
        Invariant.Check(options.Voters.Count == 0 || options.Voters.Contains(options.Id));
        SnapshotMetadata? latest = snapshots.Latest;
        CoordStateMachine machine = latest is null ? new() : Restore(options, snapshots, latest);
        var start = new RaftStart
        {
            Id = options.Id,
            HardState = log.HardState,
            Snapshot = latest
                ?? new SnapshotMetadata(default, default, QuorumConfig.Create([.. options.Voters]).Encode()),
            FirstIndex = log.FirstIndex,
            LastIndex = log.LastIndex,
            ReadEntries = log.Read,
        };
        return new Replica(
            options, new RaftNode(start, options.Raft, random), machine, log, snapshots, peers, random, now);
    }

    /// <summary>A turn begins.</summary>
    public void BeginTurn(TurnTime now) => _now = now;

    /// <summary>
    /// The turn's events are in: what they proposed goes to the log as one append, what is committed is applied, and
    /// the clients' outputs are ready to be sent.
    /// </summary>
    public void EndTurn()
    {
        do
        {
            _raftHasWork = false;
            Work(_raft.TakeReady());
            FollowMembership();
            ResumeStalled();
        }
        while (_raftHasWork);

        SendForwards();
        SendTouches();
        SendDigests();
        _peers?.Flush();
        StartSnapshotIfDue();
        ContinueSnapshot();
    }

    /// <summary>All appends with this token or a lower one are durable.</summary>
    public void Persisted(long token) => _raft.Persisted(token);

    private static CoordStateMachine Restore(
        ReplicaOptions options, ISnapshotStore snapshots, SnapshotMetadata metadata)
    {
        try
        {
            CoordStateMachine machine = CoordStateMachine.Restore(snapshots.ReadChunks(metadata));
            return machine.FeatureLevel <= options.FeatureLevel
                ? machine
                : throw FeatureLevelException.Above(
                    $"The snapshot at index {metadata.Index}", machine.FeatureLevel, options.FeatureLevel);
        }
        catch (SnapshotFormatException e)
        {
            throw new StorageException(
                $"The snapshot at index {metadata.Index} is whole on disk but holds no valid tree ({e.Message}). "
                + "Move it out of the data directory to start from an older one.", e);
        }
    }

    private void Work(Ready ready)
    {
        if (ready.Reset is { } reset)
        {
            _log.Reset(reset.Index, reset.Term, reset.Token);
        }

        if (ready.Token != 0)
        {
            foreach (ref readonly Entry entry in ready.Entries)
            {
                _bytesSinceSnapshot += entry.Payload.Length;
            }

            _log.Append(ready.Entries, ready.HardState, ready.Token);
        }

        foreach (Message message in ready.Messages)
        {
            SendRaft(message);
        }

        // What follows may call the node, which ends the spans' lives.
        _readStates.Clear();
        _readStates.AddRange(ready.ReadStates);
        SnapshotRead[] reads = ready.SnapshotReads.ToArray();
        SnapshotChunk[] chunks = ready.SnapshotChunks.ToArray();
        SoftState? changed = ready.SoftState;
        ApplyCommitted(ready.Committed);
        if (changed is { } state)
        {
            LeaderChanged(state);
        }

        foreach (ReadState read in _readStates)
        {
            TakeReadState(read);
        }

        PassBarriers();
        SupplySnapshots(reads);
        ReceiveSnapshot(chunks);
    }

    // False: nobody takes it now, or there is no room; the caller keeps it and comes again.
    private bool Propose(ReadOnlySpan<byte> command) =>
        WritesStopped is null && (Leads ? Append(command) : Forward(command));

    // Copies the command to where it stays until the entry is no longer needed: many share one chunk.
    private bool Append(ReadOnlySpan<byte> command)
    {
        if (_payloads.Length - _payloadsUsed < command.Length)
        {
            _payloads = new byte[Math.Max(PayloadChunkBytes, command.Length)];
            _payloadsUsed = 0;
        }

        Memory<byte> payload = _payloads.AsMemory(_payloadsUsed, command.Length);
        command.CopyTo(payload.Span);
        CommandCodec.SetLevel(payload.Span, LevelToPropose());
        if (!_raft.Propose(payload).IsAccepted)
        {
            return false;
        }

        _payloadsUsed += command.Length;
        _raftHasWork = true;
        return true;
    }

    private bool Has(ReplicaFaults fault) => (_options.Faults & fault) != 0;

    private ulong NextTicket() => ++_lastTicket;
}
