namespace Orleans.Coord.Consensus;

/// <content>Snapshots: Raft paper, section 7. The host moves the bytes; here is which, to whom and when.</content>
public sealed partial class RaftNode
{
    private SnapshotMetadata _snapshot;
    private InboundSnapshot? _inbound;
    private bool _resetPending;

    /// <summary>A snapshot of this member's own state is durable; it may now be sent to followers.</summary>
    public void SnapshotTaken(SnapshotMetadata snapshot)
    {
        Invariant.Check(snapshot.Index <= Log.Applied);
        Invariant.Check(Log.Matches(snapshot.Index, snapshot.Term));
        _snapshot = snapshot.Index > _snapshot.Index ? snapshot : _snapshot;
    }

    /// <summary>
    /// The store is about to forget the entries up to <paramref name="index"/>, which <see cref="SnapshotTaken"/>
    /// covers. Followers that need them get the snapshot instead.
    /// </summary>
    public void Compact(LogIndex index)
    {
        Invariant.Check(index <= _snapshot.Index);
        if (index > Log.BaseIndex)
        {
            Log.Compact(index);
            _configurations.Compact(index);
        }

        Invariant.Check(Log.BaseIndex >= index);
    }

    /// <summary>The host has read a piece that a <see cref="SnapshotRead"/> asked for.</summary>
    /// <param name="read">What was asked.</param>
    /// <param name="data">The piece, from the offset on.</param>
    /// <param name="done">Whether the snapshot ends with it.</param>
    public void SupplySnapshotChunk(in SnapshotRead read, ReadOnlyMemory<byte> data, bool done)
    {
        Invariant.Check(done || data.Length > 0);
        Progress? peer = PeerOf(read.To);
        bool isAsked = peer?.Snapshot?.Index == read.Snapshot.Index && peer.SnapshotOffset == read.Offset;
        if (isAsked && peer?.Snapshot is { } snapshot)
        {
            Invariant.Check(peer.State == ProgressState.Snapshot);
            Send(new InstallSnapshot(Id, read.To, Term, snapshot, read.Offset, data, done));
        }
    }

    /// <summary>
    /// The host cannot read the snapshot for a follower any more: start over, with a newer one if there is.
    /// </summary>
    public void SnapshotUnavailable(ReplicaId to)
    {
        Progress? peer = PeerOf(to);
        if (peer is { State: ProgressState.Snapshot })
        {
            peer.BecomeProbe(peer.Match.Next);
            // Not at once: the next try comes when the follower answers a heartbeat.
            peer.IsProbeOut = true;
        }
    }

    /// <summary>The host has room for the next piece of the snapshot being received.</summary>
    public void SnapshotChunkTaken(in SnapshotChunk chunk)
    {
        if (_inbound is { } inbound && inbound.IsFor(chunk.Snapshot) && inbound.Awaiting)
        {
            Invariant.Check(chunk.Offset + chunk.Data.Length == inbound.NextOffset);
            Invariant.Check(!inbound.Complete || chunk.Done);
            inbound.Awaiting = false;
            if (!inbound.Complete)
            {
                AcknowledgeChunk(inbound);
            }
        }
    }

    /// <summary>The host gave up receiving: the leader is asked to begin again.</summary>
    public void SnapshotAborted() => _inbound = null;

    /// <summary>
    /// A received snapshot is durable. Returns whether the state machine must now be loaded from it, and stands at its
    /// index; the log restarts there. False: the log has caught up meanwhile, go on as before.
    /// </summary>
    public bool SnapshotInstalled(SnapshotMetadata snapshot)
    {
        ReplicaId leader = _inbound is { } inbound && inbound.IsFor(snapshot) ? inbound.Leader : ReplicaId.None;
        _inbound = null;
        if (Role == RaftRole.Leader || snapshot.Index <= Log.Commit)
        {
            return false;
        }

        Invariant.Check(snapshot.Index > _snapshot.Index);
        bool matches = Log.Matches(snapshot.Index, snapshot.Term);
        _snapshot = snapshot;
        if (matches)
        {
            Log.CommitTo(snapshot.Index);
        }
        else
        {
            RestartAfter(snapshot);
        }

        if (leader != ReplicaId.None && leader == Leader)
        {
            SendWhenDurable(new AppendResponse(Id, leader, Term, true, snapshot.Index, default, default));
        }

        return !matches;
    }

    private void RestartAfter(SnapshotMetadata snapshot)
    {
        Invariant.Check(snapshot.Index > Log.Commit);
        Invariant.Check(Role != RaftRole.Leader);
        if (Role != RaftRole.Follower)
        {
            // The snapshot's configuration may have no place for this candidate.
            BecomeFollower(Term, ReplicaId.None);
        }

        Log.Reset(snapshot.Index, snapshot.Term);
        _writes.Truncate(snapshot.Index.Next);
        _configurations.Reset(snapshot.Index, QuorumConfig.Decode(snapshot.Configuration.Span));
        _tracker.Reconfigure(Configuration, snapshot.Index.Next);
        _delivered = snapshot.Index;
        _resetPending = true;
    }

    private void HandleInstallSnapshot(InstallSnapshot install)
    {
        HearLeader(install.From);
        SnapshotMetadata snapshot = install.Snapshot;
        if (snapshot.Index <= Log.Commit || Log.Matches(snapshot.Index, snapshot.Term))
        {
            CommitFromLeader(Max(snapshot.Index, Log.Commit));
            SendWhenDurable(new AppendResponse(Id, install.From, Term, true, Log.Commit, default, default));
            return;
        }

        if (_inbound is null || !_inbound.IsFor(snapshot) || _inbound.Leader != install.From || _inbound.Term != Term)
        {
            _inbound = new InboundSnapshot(snapshot, install.From, Term);
        }

        TakeChunk(_inbound, install);
    }

    private void TakeChunk(InboundSnapshot inbound, InstallSnapshot install)
    {
        Invariant.Check(inbound.NextOffset >= 0);
        if (inbound.Awaiting || inbound.Complete)
        {
            return;
        }

        if (install.Offset != inbound.NextOffset)
        {
            AcknowledgeChunk(inbound);
            return;
        }

        inbound.NextOffset += install.Data.Length;
        inbound.Awaiting = true;
        inbound.Complete = install.Done;
        _snapshotChunks.Add(new SnapshotChunk(inbound.Snapshot, install.Offset, install.Data, install.Done));
        Invariant.Check(inbound.NextOffset >= install.Offset);
    }

    private void AcknowledgeChunk(InboundSnapshot inbound) => Send(
        new InstallSnapshotResponse(Id, inbound.Leader, inbound.Term, inbound.Snapshot.Index, inbound.NextOffset));

    private void StartSnapshot(Progress peer)
    {
        Invariant.Check(Role == RaftRole.Leader);
        Invariant.Check(_snapshot.Index >= Log.BaseIndex);
        peer.BecomeSnapshot(_snapshot);
        _snapshotReads.Add(new SnapshotRead(peer.Id, _snapshot, 0));
    }

    private void HandleInstallSnapshotResponse(InstallSnapshotResponse response)
    {
        Progress? peer = PeerOf(response.From);
        if (peer is null)
        {
            return;
        }

        peer.RecentActive = true;
        bool isAnswer = peer.Snapshot?.Index == response.Index && response.NextOffset != peer.SnapshotOffset;
        if (isAnswer)
        {
            peer.SnapshotOffset = response.NextOffset;
            AskForChunk(peer);
        }
    }

    /// <summary>
    /// A piece or its answer was lost, or the follower is slow: send the same piece again after a while.
    /// </summary>
    private void TickSnapshots()
    {
        foreach (Progress peer in _tracker.Peers)
        {
            if (peer.State == ProgressState.Snapshot && ++peer.SnapshotWaitTicks >= _options.ElectionTicks)
            {
                AskForChunk(peer);
            }
        }
    }

    private void AskForChunk(Progress peer)
    {
        Invariant.Check(peer.Snapshot is not null);
        peer.SnapshotWaitTicks = 0;
        _snapshotReads.Add(new SnapshotRead(peer.Id, peer.Snapshot, peer.SnapshotOffset));
    }

    /// <summary>A snapshot on its way in. It starts over with every leader: another's bytes may differ.</summary>
    private sealed class InboundSnapshot(SnapshotMetadata snapshot, ReplicaId leader, Term term)
    {
        public SnapshotMetadata Snapshot { get; } = snapshot;

        public ReplicaId Leader { get; } = leader;

        public Term Term { get; } = term;

        public long NextOffset { get; set; }

        /// <summary>The host has a piece and has not asked for more.</summary>
        public bool Awaiting { get; set; }

        /// <summary>The last piece is here.</summary>
        public bool Complete { get; set; }

        public bool IsFor(SnapshotMetadata other) => other.Index == Snapshot.Index && other.Term == Snapshot.Term;
    }
}
