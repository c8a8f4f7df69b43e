namespace Orleans.Coord.Consensus;

/// <summary>
/// One member of a Raft group as a pure machine: messages, ticks, proposals and completions in; a <see cref="Ready"/>
/// per turn out. It starts no thread, reads no clock, does no I/O, and draws its only randomness from the generator
/// passed in. Not safe for concurrent use: its host gives it turns.
/// </summary>
public sealed partial class RaftNode
{
    private readonly RaftOptions _options;
    private readonly SplitMix64 _random;
    private readonly ConfigurationHistory _configurations;
    private readonly ProgressTracker _tracker;
    private readonly PersistQueue _writes = new();
    private readonly ulong _incarnation;
    private readonly RaftFaults _faults;
    private int _electionElapsed;
    private int _heartbeatElapsed;
    private int _electionTimeout;

    /// <summary>Starts a member from its own storage. A sole voter campaigns at once.</summary>
    public RaftNode(RaftStart start, RaftOptions options, SplitMix64 random)
        : this(start, options, random, options.Faults)
    {
    }

    internal RaftNode(RaftStart start, RaftOptions options, SplitMix64 random, RaftFaults faults)
    {
        options.Validate();
        Invariant.Check(start.Id != ReplicaId.None);
        Id = start.Id;
        _options = options;
        _random = random;
        _faults = faults;
        _incarnation = random.Next();
        _tracker = new ProgressTracker(Id);
        _snapshot = start.Snapshot;
        _configurations = new ConfigurationHistory(
            start.Snapshot.Index, QuorumConfig.Decode(start.Snapshot.Configuration.Span));
        Log = new RaftLog(start.ReadEntries);
        RestoreLog(start);
        Term = start.HardState.Term > Log.LastTerm ? start.HardState.Term : Log.LastTerm;
        Vote = Term == start.HardState.Term && !Has(RaftFaults.ForgetVote) ? start.HardState.Vote : ReplicaId.None;
        _savedTerm = start.HardState.Term;
        _savedVote = start.HardState.Vote;
        _delivered = start.Snapshot.Index;
        _tracker.Reconfigure(Configuration, Log.LastIndex.Next);
        ResetElectionTimer();
        if (Configuration.IsSoleVoter(Id))
        {
            Campaign();
        }
    }

    /// <summary>This member.</summary>
    public ReplicaId Id { get; }

    /// <summary>The latest term it has seen (Raft paper, figure 2: currentTerm).</summary>
    public Term Term { get; private set; }

    /// <summary>Whom it voted for in that term, or none (votedFor).</summary>
    public ReplicaId Vote { get; private set; }

    /// <summary>What it is in that term.</summary>
    public RaftRole Role { get; private set; }

    /// <summary>The leader it knows of in that term, or none.</summary>
    public ReplicaId Leader { get; private set; }

    /// <summary>Its log.</summary>
    public RaftLog Log { get; }

    /// <summary>The newest configuration in its log, by which it acts, committed or not.</summary>
    public QuorumConfig Configuration => _configurations.Current;

    /// <summary>
    /// The entry that brought <see cref="Configuration"/>; committed once <see cref="RaftLog.Commit"/> is there.
    /// </summary>
    public LogIndex ConfigurationIndex => _configurations.CurrentIndex;

    /// <summary>
    /// Whether it leads and has committed an entry of its own term, so that it knows all that is committed.
    /// </summary>
    public bool HasCommittedInTerm =>
        Role == RaftRole.Leader && Log.TryGetTerm(Log.Commit, out Term term) && term == Term;

    /// <summary>
    /// The configuration in force at an entry not older than the newest snapshot: what a new snapshot names.
    /// </summary>
    public QuorumConfig ConfigurationAt(LogIndex index) => _configurations.At(index);

    /// <summary>A unit of time has passed.</summary>
    public void Tick()
    {
        if (Role == RaftRole.Leader)
        {
            TickLeader();
            return;
        }

        _electionElapsed++;
        if (_electionElapsed >= _electionTimeout)
        {
            // A learner cannot campaign, but no longer hears its leader either: its vote, should a change have made it
            // a voter without its knowledge, is free.
            _electionElapsed = 0;
            Leader = ReplicaId.None;
            Campaign();
        }
    }

    /// <summary>A message has come from another member. Anything may come: what is late or void is ignored.</summary>
    public void Step(Message message)
    {
        Invariant.Check(message.To == Id);
        Invariant.Check(message.From != ReplicaId.None);
        if (message.Term > Term)
        {
            if (!StepHigherTerm(message))
            {
                return;
            }
        }
        else if (message.Term < Term && !StepLowerTerm(message))
        {
            return;
        }

        Dispatch(message);
    }

    /// <summary>
    /// The connection to a member broke. A leader sends to it by probing again; a follower whose leader it was stops
    /// waiting for it and asks for pre-votes soon, which those who still hear that leader refuse.
    /// </summary>
    public void PeerUnreachable(ReplicaId peer)
    {
        if (Role == RaftRole.Leader)
        {
            Progress? progress = _tracker.Find(peer);
            if (progress is { State: ProgressState.Replicate })
            {
                progress.BecomeProbe(progress.Match.Next);
            }
        }
        else if (peer == Leader && Role == RaftRole.Follower)
        {
            Leader = ReplicaId.None;
            _electionElapsed = 0;
            _electionTimeout = 1 + _random.Below(_options.ElectionTicks);
        }
    }

    private void Dispatch(Message message)
    {
        switch (message)
        {
            case Append append:
                HandleAppend(append);
                break;
            case AppendResponse response:
                HandleAppendResponse(response);
                break;
            case Heartbeat heartbeat:
                HandleHeartbeat(heartbeat);
                break;
            case HeartbeatResponse response:
                HandleHeartbeatResponse(response);
                break;
            case RequestVote request:
                HandleRequestVote(request);
                break;
            case RequestVoteResponse response:
                HandleVoteResponse(response.From, response.Granted, RaftRole.Candidate);
                break;
            case PreVote request:
                HandlePreVote(request);
                break;
            case PreVoteResponse response when !response.Granted || response.Term == Term.Next:
                HandleVoteResponse(response.From, response.Granted, RaftRole.PreCandidate);
                break;
            case InstallSnapshot install:
                HandleInstallSnapshot(install);
                break;
            case InstallSnapshotResponse response:
                HandleInstallSnapshotResponse(response);
                break;
            case TimeoutNow:
                HandleTimeoutNow();
                break;
            case ReadIndexRequest request:
                HandleReadIndexRequest(request);
                break;
            case ReadIndexResponse response:
                HandleReadIndexResponse(response);
                break;
            default:
                Invariant.Check(message is PreVoteResponse, "unknown message");
                break;
        }
    }

    /// <summary>
    /// Section 5.1: a higher term ends whatever the member was. Returns whether the message is to be handled.
    /// </summary>
    private bool StepHigherTerm(Message message)
    {
        switch (message)
        {
            case PreVote or PreVoteResponse { Granted: true }:
                return true;
            case RequestVote { IsTransfer: false } when HearsLeader:
                return false;
            case Append or Heartbeat or InstallSnapshot:
                BecomeFollower(message.Term, message.From);
                return true;
            default:
                BecomeFollower(message.Term, ReplicaId.None);
                return true;
        }
    }

    /// <summary>
    /// A leader or candidate of an earlier term is told of the newer one. Without the answer to a leader, a member
    /// whose
    /// term ran ahead could never come back: the others refuse its pre-votes while they hear that leader.
    /// </summary>
    private bool StepLowerTerm(Message message)
    {
        switch (message)
        {
            case ReadIndexRequest or ReadIndexResponse:
                return true;
            case Append or Heartbeat or InstallSnapshot:
                Send(new AppendResponse(Id, message.From, Term, false, default, default, default));
                return false;
            case PreVote:
                Send(new PreVoteResponse(Id, message.From, Term, false));
                return false;
            case RequestVote:
                Send(new RequestVoteResponse(Id, message.From, Term, false));
                return false;
            default:
                return false;
        }
    }

    private bool Has(RaftFaults fault) => (_faults & fault) != 0;

    private void RestoreLog(RaftStart start)
    {
        bool fits = Log.Restore(
            start,
            _options.MaxWindowBytes,
            entry => _configurations.Append(entry.Index, QuorumConfig.Decode(entry.Payload.Span)));
        if (!fits)
        {
            _configurations.Reset(start.Snapshot.Index, QuorumConfig.Decode(start.Snapshot.Configuration.Span));
            _resetPending = true;
        }
        else if (start.HardState.Commit > Log.Commit)
        {
            Log.RestoreCommit(start.HardState.Commit);
        }
    }
}
