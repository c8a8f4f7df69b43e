namespace Orleans.Coord.Consensus;

/// <content>Proposals, membership (Raft paper, section 6) and leader transfer (Ongaro's thesis, section
/// 3.10).</content>
public sealed partial class RaftNode
{
    private ReplicaId _transferTarget;

    /// <summary>Appends a command to the leader's log; it goes out with the next <see cref="TakeReady"/>.</summary>
    /// <param name="payload">The command. The caller must not change the bytes any more.</param>
    public ProposeResult Propose(ReadOnlyMemory<byte> payload)
    {
        ProposeStatus status = CanPropose(payload.Length);
        return status == ProposeStatus.Accepted
            ? new ProposeResult(status, AppendOwn(EntryKind.Command, payload), Term, Id)
            : Refused(status);
    }

    /// <summary>
    /// Changes the membership to <paramref name="target"/>: through a joint configuration if the voters differ, which
    /// the leader leaves by itself, else directly. One change at a time, and none before the leader has committed in
    /// its term: a leader that does not know all that is committed might not see another change.
    /// </summary>
    public ProposeResult ProposeConfiguration(QuorumConfig target)
    {
        ProposeStatus status = CanPropose(0);
        if (status != ProposeStatus.Accepted)
        {
            return Refused(status);
        }

        Invariant.Check(!target.IsJoint && target.Voters.Length > 0);
        if (Configuration.IsJoint || ConfigurationIndex > Log.Commit || !HasCommittedInTerm)
        {
            return Refused(ProposeStatus.ChangeInFlight);
        }

        bool direct = Configuration.HasSameVoters(target) || Has(RaftFaults.SkipJoint);
        LogIndex index = AppendConfiguration(direct ? target : Configuration.EnterJoint(target));
        return new ProposeResult(ProposeStatus.Accepted, index, Term, Id);
    }

    /// <summary>
    /// Hands leadership to a voter, once it has the whole log; proposals are refused meanwhile, for an election timeout
    /// at most. Returns whether the attempt was started.
    /// </summary>
    public bool TransferLeadership(ReplicaId target)
    {
        if (Role != RaftRole.Leader || target == Id || !Configuration.IsVoter(target))
        {
            return false;
        }

        _transferTarget = target;
        _electionElapsed = 0;
        HandOverIfReady();
        return true;
    }

    /// <summary>
    /// Whether this member leads and the other one follows closely: it answers, and lacks nothing that was committed an
    /// election timeout ago. As a voter it would hold up no commit for longer (Ongaro's thesis, section 4.2.1).
    /// </summary>
    public bool IsCaughtUp(ReplicaId id) => id == Id
        ? Role == RaftRole.Leader
        : PeerOf(id) is { IsActive: true, State: ProgressState.Replicate } peer && peer.Match >= _caughtUpFrom;

    /// <summary>How far the other member's log is known to match; 0 unless this member leads.</summary>
    public LogIndex MatchOf(ReplicaId id) => PeerOf(id)?.Match ?? default;

    private ProposeStatus CanPropose(int bytes)
    {
        if (Role != RaftRole.Leader)
        {
            return ProposeStatus.NotLeader;
        }

        if (_transferTarget != ReplicaId.None)
        {
            return ProposeStatus.Transferring;
        }

        bool tooMuch = _uncommittedBytes > 0 && _uncommittedBytes + bytes > _options.MaxUncommittedBytes;
        return tooMuch ? ProposeStatus.TooMuchInFlight : ProposeStatus.Accepted;
    }

    private ProposeResult Refused(ProposeStatus status)
    {
        Invariant.Check(status != ProposeStatus.Accepted);
        ReplicaId hint = status == ProposeStatus.Transferring ? _transferTarget : Leader;
        return new ProposeResult(status, default, default, hint);
    }

    private LogIndex AppendConfiguration(QuorumConfig config)
    {
        LogIndex index = AppendOwn(EntryKind.Configuration, config.Encode());
        UseConfiguration(index, config);
        return index;
    }

    private void UseConfiguration(LogIndex index, QuorumConfig config)
    {
        Invariant.Check(index == Log.LastIndex);
        _configurations.Append(index, config);
        _tracker.Reconfigure(config, index);
        if (Role == RaftRole.Leader && !config.IsVoter(_transferTarget))
        {
            _transferTarget = ReplicaId.None;
        }
    }

    /// <summary>
    /// A joint configuration is left once committed; a leader without a vote steps down once that is (section 6).
    /// </summary>
    private void AfterCommit()
    {
        if (ConfigurationIndex > Log.Commit || !HasCommittedInTerm)
        {
            return;
        }

        if (Configuration.IsJoint)
        {
            LogIndex index = AppendConfiguration(Configuration.LeaveJoint());
            Invariant.Check(index > Log.Commit);
        }
        else if (!Configuration.IsVoter(Id))
        {
            StepDownAsRemoved();
        }
    }

    /// <summary>The others learn the last commit index first, and the one furthest ahead is asked to follow.</summary>
    private void StepDownAsRemoved()
    {
        Invariant.Check(!Configuration.IsVoter(Id));
        Replicate();
        Progress? successor = null;
        foreach (Progress peer in _tracker.Peers)
        {
            bool ahead = successor is null || peer.Match > successor.Match;
            successor = Configuration.IsVoter(peer.Id) && ahead ? peer : successor;
        }

        Invariant.Check(successor is not null);
        Send(new TimeoutNow(Id, successor.Id, Term));
        BecomeFollower(Term, ReplicaId.None);
    }

    private void HandOverIfReady()
    {
        if (Role != RaftRole.Leader || _transferTarget == ReplicaId.None)
        {
            return;
        }

        Progress? target = _tracker.Find(_transferTarget);
        Invariant.Check(target is not null);
        if (target.Match == Log.LastIndex)
        {
            Send(new TimeoutNow(Id, target.Id, Term));
        }
    }

    /// <summary>The configuration whose quorum decides.</summary>
    private QuorumConfig DecidingConfig => Has(RaftFaults.IgnoreOutgoing) && Configuration.IsJoint
        ? Configuration.LeaveJoint()
        : Configuration;

    private LogIndex AgreedIndex()
    {
        if (Has(RaftFaults.CountLearners) && Configuration.Learners.Length > 0)
        {
            ReplicaId[] all = [.. Configuration.Voters, .. Configuration.Learners];
            return _tracker.AgreedMatch(QuorumConfig.Create(all));
        }

        return _tracker.AgreedMatch(DecidingConfig);
    }
}
