namespace Orleans.Coord.Consensus;

/// <summary>How a leader sends to a follower.</summary>
internal enum ProgressState : byte
{
    /// <summary>One Append at a time, until it is known where the logs match.</summary>
    Probe = 0,

    /// <summary>Many Appends under way at once.</summary>
    Replicate = 1,

    /// <summary>A snapshot, because the entries are gone.</summary>
    Snapshot = 2,
}

/// <summary>What a leader knows of one other member (nextIndex and matchIndex of the Raft paper, figure 2).</summary>
internal sealed class Progress(ReplicaId id, LogIndex next)
{
    private readonly Queue<(LogIndex Last, int Bytes)> _inflight = new();

    public ReplicaId Id { get; } = id;

    public ProgressState State { get; private set; }

    public LogIndex Match { get; private set; }

    public LogIndex Next { get; private set; } = next;

    /// <summary>Whether it answered since the leader last counted (check-quorum).</summary>
    public bool RecentActive { get; set; }

    /// <summary>Whether it answered in this round of counting or in the one before.</summary>
    public bool IsActive => RecentActive || WasActive;

    /// <summary>Whether it answered in the round before this one.</summary>
    public bool WasActive { get; set; }

    /// <summary>In <see cref="ProgressState.Probe"/>: an Append is out, wait for its answer or a heartbeat's.</summary>
    public bool IsProbeOut { get; set; }

    /// <summary>The commit index last sent to it.</summary>
    public LogIndex CommitSent { get; set; }

    public long InflightBytes { get; private set; }

    public int InflightMessages => _inflight.Count;

    /// <summary>The snapshot being sent.</summary>
    public SnapshotMetadata? Snapshot { get; private set; }

    public long SnapshotOffset { get; set; }

    /// <summary>Ticks since the host was last asked for a piece of the snapshot.</summary>
    public int SnapshotWaitTicks { get; set; }

    public void BecomeProbe(LogIndex next)
    {
        Invariant.Check(next > Match);
        State = ProgressState.Probe;
        Next = next;
        IsProbeOut = false;
        ClearInflight();
        Snapshot = null;
        Invariant.Check(InflightMessages == 0);
    }

    public void BecomeReplicate()
    {
        Invariant.Check(Next > Match);
        State = ProgressState.Replicate;
        Next = Match.Next;
        IsProbeOut = false;
        ClearInflight();
        Snapshot = null;
        Invariant.Check(InflightBytes == 0);
    }

    public void BecomeSnapshot(SnapshotMetadata snapshot)
    {
        Invariant.Check(snapshot.Index > Match);
        State = ProgressState.Snapshot;
        ClearInflight();
        Snapshot = snapshot;
        SnapshotOffset = 0;
        SnapshotWaitTicks = 0;
        Invariant.Check(State == ProgressState.Snapshot);
    }

    /// <summary>Entries up to <paramref name="last"/> left for it.</summary>
    public void Sent(LogIndex last, int bytes)
    {
        Invariant.Check(last >= Next);
        if (State == ProgressState.Replicate)
        {
            Next = last.Next;
            _inflight.Enqueue((last, bytes));
            InflightBytes += bytes;
        }

        Invariant.Check(Next > Match);
    }

    /// <summary>It has durably stored the entries up to <paramref name="index"/>.</summary>
    public void Acknowledged(LogIndex index)
    {
        Match = index > Match ? index : Match;
        Next = Match.Next > Next ? Match.Next : Next;
        while (_inflight.TryPeek(out (LogIndex Last, int Bytes) first) && first.Last <= Match)
        {
            InflightBytes -= _inflight.Dequeue().Bytes;
        }

        Invariant.Check(Next > Match);
        Invariant.Check(InflightBytes >= 0);
    }

    public bool IsFull(RaftOptions options) =>
        InflightMessages >= options.MaxInflightMessages || InflightBytes >= options.MaxInflightBytes;

    private void ClearInflight()
    {
        _inflight.Clear();
        InflightBytes = 0;
    }
}

/// <summary>What a leader or a candidate knows of all members, and whether a quorum of them agrees.</summary>
internal sealed class ProgressTracker(ReplicaId self)
{
    private const int Ids = byte.MaxValue + 1;
    private const long VoteGranted = 2;
    private const long VotePending = 1;

    private readonly List<Progress> _peers = [];
    private readonly long[] _match = new long[Ids];
    private readonly long[] _readRound = new long[Ids];
    private readonly long[] _votes = new long[Ids];

    public QuorumConfig Config { get; private set; } = QuorumConfig.Empty;

    /// <summary>All members but this one, in ascending order.</summary>
    public List<Progress> Peers => _peers;

    public Progress? Find(ReplicaId id) => _peers.Find(peer => peer.Id == id);

    /// <summary>Starts a term as its leader: nothing is known of anyone.</summary>
    public void Restart(QuorumConfig config, LogIndex next)
    {
        Invariant.Check(next.Value > 0);
        _peers.Clear();
        Array.Clear(_match);
        Array.Clear(_readRound);
        Reconfigure(config, next);
        Invariant.Check(_match[self.Value] == 0);
    }

    /// <summary>
    /// Keeps what is known of those who stay; those who join count as heard of, lest they end a leader's term.
    /// </summary>
    public void Reconfigure(QuorumConfig config, LogIndex next)
    {
        Invariant.Check(next.Value > 0);
        Config = config;
        foreach (Progress gone in _peers.FindAll(peer => !config.Contains(peer.Id)))
        {
            _match[gone.Id.Value] = _readRound[gone.Id.Value] = 0;
            _peers.Remove(gone);
        }

        for (int value = 1; value < Ids; value++)
        {
            var id = new ReplicaId((byte)value);
            if (id != self && config.Contains(id) && Find(id) is null)
            {
                _peers.Add(new Progress(id, next) { RecentActive = true });
            }
        }

        _peers.Sort((a, b) => a.Id.CompareTo(b.Id));
        Invariant.Check(Find(self) is null);
    }

    public void SetMatch(ReplicaId id, LogIndex match)
    {
        Invariant.Check(match.Value >= _match[id.Value]);
        Invariant.Check(id != ReplicaId.None);
        _match[id.Value] = match.Value;
    }

    /// <summary>The highest entry that a quorum has durably (section 5.3).</summary>
    public LogIndex AgreedMatch(QuorumConfig config) => new(config.AgreedValue(_match));

    public void SetReadRound(ReplicaId id, long round)
    {
        Invariant.Check(round >= 0);
        Invariant.Check(id != ReplicaId.None);
        _readRound[id.Value] = Math.Max(_readRound[id.Value], round);
    }

    /// <summary>The newest round of heartbeats that a quorum has answered (section 8).</summary>
    public long AgreedReadRound() => Config.AgreedValue(_readRound);

    public void ClearVotes() => Array.Fill(_votes, VotePending);

    public void SetVote(ReplicaId id, bool granted)
    {
        Invariant.Check(id != ReplicaId.None);
        if (_votes[id.Value] == VotePending)
        {
            _votes[id.Value] = granted ? VoteGranted : 0;
        }

        Invariant.Check(_votes[id.Value] != VotePending);
    }

    public bool IsElectionWon(QuorumConfig config) => config.AgreedValue(_votes) == VoteGranted;

    public bool IsElectionLost(QuorumConfig config) => config.AgreedValue(_votes) == 0;

    /// <summary>Whether a quorum was heard of since the last call, which starts counting afresh.</summary>
    public bool TakeQuorumActive()
    {
        Span<long> active = stackalloc long[Ids];
        active.Clear();
        active[self.Value] = 1;
        foreach (Progress peer in _peers)
        {
            active[peer.Id.Value] = peer.RecentActive ? 1 : 0;
            peer.WasActive = peer.RecentActive;
            peer.RecentActive = false;
        }

        return Config.AgreedValue(active) == 1;
    }
}
