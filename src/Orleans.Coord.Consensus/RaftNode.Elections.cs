namespace Orleans.Coord.Consensus;

/// <content>Elections: Raft paper, section 5.2 and 5.4.1; pre-vote and check-quorum: Ongaro's thesis, section
/// 9.6.</content>
public sealed partial class RaftNode
{
    /// <summary>
    /// Whether it has heard a leader within the shortest election timeout; then it helps no one to replace it.
    /// </summary>
    private bool HearsLeader =>
        Role == RaftRole.Leader || (Leader != ReplicaId.None && _electionElapsed < _options.ElectionTicks);

    /// <summary>
    /// Whether it may stand for election: as a voter of its newest configuration, or of one before that may still be in
    /// force. Without the second, a group whose newest entries only a leaving voter has would wait for ever; it leads
    /// without counting itself (Ongaro's thesis, section 4.2.2).
    /// </summary>
    private bool MayLead => _configurations.IsVoterAfter(Log.Commit, Id);

    /// <summary>Stands for election, by a pre-vote first, without waiting for a timeout. Only voters do.</summary>
    public void Campaign()
    {
        if (Role == RaftRole.Leader || !MayLead)
        {
            return;
        }

        if (Configuration.IsSoleVoter(Id))
        {
            BecomeCandidate(false);
        }
        else
        {
            BecomePreCandidate();
        }
    }

    private void BecomeFollower(Term term, ReplicaId leader)
    {
        Invariant.Check(term >= Term);
        Invariant.Check(leader != Id);
        if (Role == RaftRole.Leader)
        {
            LeaveLeadership();
        }

        if (term > Term)
        {
            Term = term;
            Vote = ReplicaId.None;
        }

        Role = RaftRole.Follower;
        Leader = leader;
        ResetElectionTimer();
    }

    private void BecomePreCandidate()
    {
        Invariant.Check(Role != RaftRole.Leader);
        Invariant.Check(MayLead);
        Role = RaftRole.PreCandidate;
        Leader = ReplicaId.None;
        ResetElectionTimer();
        _tracker.ClearVotes();
        foreach (Progress peer in _tracker.Peers)
        {
            if (Configuration.IsVoter(peer.Id))
            {
                Send(new PreVote(Id, peer.Id, Term.Next, Log.LastIndex, Log.LastTerm));
            }
        }

        HandleVoteResponse(Id, true, RaftRole.PreCandidate);
    }

    /// <summary>
    /// The vote for itself is a message to itself that, like the requests, waits until term and vote are durable.
    /// </summary>
    private void BecomeCandidate(bool isTransfer)
    {
        Invariant.Check(Role != RaftRole.Leader);
        Invariant.Check(MayLead);
        Role = RaftRole.Candidate;
        Term = Term.Next;
        Vote = Id;
        Leader = ReplicaId.None;
        ResetElectionTimer();
        _tracker.ClearVotes();
        SendWhenDurable(new RequestVoteResponse(Id, Id, Term, true));
        foreach (Progress peer in _tracker.Peers)
        {
            if (Configuration.IsVoter(peer.Id))
            {
                SendWhenDurable(new RequestVote(Id, peer.Id, Term, Log.LastIndex, Log.LastTerm, isTransfer));
            }
        }
    }

    private void HandlePreVote(PreVote request)
    {
        bool granted = request.Term > Term && !HearsLeader && IsUpToDate(request.LastLogIndex, request.LastLogTerm);
        Send(new PreVoteResponse(Id, request.From, granted ? request.Term : Term, granted));
    }

    private void HandleRequestVote(RequestVote request)
    {
        Invariant.Check(request.Term == Term);
        bool free = Vote == request.From || (Vote == ReplicaId.None && Leader == ReplicaId.None);
        free |= Has(RaftFaults.VoteTwice) && Role == RaftRole.Follower;
        if (!free || !IsUpToDate(request.LastLogIndex, request.LastLogTerm))
        {
            Send(new RequestVoteResponse(Id, request.From, Term, false));
            return;
        }

        if (Role == RaftRole.PreCandidate)
        {
            BecomeFollower(Term, ReplicaId.None);
        }

        Invariant.Check(Role == RaftRole.Follower);
        Vote = request.From;
        _electionElapsed = 0;
        SendWhenDurable(new RequestVoteResponse(Id, request.From, Term, true));
    }

    private void HandleVoteResponse(ReplicaId from, bool granted, RaftRole asked)
    {
        if (Role != asked)
        {
            return;
        }

        Invariant.Check(from != ReplicaId.None);
        _tracker.SetVote(from, granted);
        if (_tracker.IsElectionWon(DecidingConfig))
        {
            if (asked == RaftRole.PreCandidate)
            {
                BecomeCandidate(false);
            }
            else
            {
                BecomeLeader();
            }
        }
        else if (_tracker.IsElectionLost(Configuration))
        {
            BecomeFollower(Term, ReplicaId.None);
        }
    }

    private bool IsUpToDate(LogIndex lastIndex, Term lastTerm) =>
        Log.IsUpToDate(lastIndex, lastTerm) || Has(RaftFaults.VoteForStaleLog);

    private void HandleTimeoutNow()
    {
        if (Role != RaftRole.Leader && MayLead)
        {
            BecomeCandidate(true);
        }
    }

    private void ResetElectionTimer()
    {
        _electionElapsed = 0;
        _electionTimeout = _options.ElectionTicks + _random.Below(_options.ElectionTicks);
    }
}
