namespace Orleans.Coord.Consensus;

/// <content>Linearizable reads: Raft paper, section 8; Ongaro's thesis, section 6.4. Never by lease.</content>
public sealed partial class RaftNode
{
    private readonly ReadIndexQueue _reads = new();
    private readonly ReadConfirmations _confirmations = new();

    /// <summary>
    /// Asks for an index such that a read served after that entry is applied sees every write acknowledged before now.
    /// The answer comes as a <see cref="ReadState"/>; it may be lost with a message, so callers ask again after a
    /// while, with a new number.
    /// </summary>
    /// <param name="context">The caller's number of the read, not used before by this node object.</param>
    /// <returns>False if no leader is known; no answer will come.</returns>
    public bool ReadIndex(ulong context)
    {
        if (Role == RaftRole.Leader)
        {
            AddRead(Id, _incarnation, context);
            return true;
        }

        if (Leader == ReplicaId.None)
        {
            return false;
        }

        Send(new ReadIndexRequest(Id, Leader, Term, _incarnation, context));
        return true;
    }

    private void HandleReadIndexRequest(ReadIndexRequest request)
    {
        if (Role == RaftRole.Leader)
        {
            AddRead(request.From, request.Incarnation, request.Context);
        }
        else
        {
            Send(new ReadIndexResponse(Id, request.From, Term, request.Incarnation, request.Context, null));
        }
    }

    private void HandleReadIndexResponse(ReadIndexResponse response)
    {
        if (response.Incarnation == _incarnation)
        {
            _readStates.Add(new ReadState(response.Context, response.Index));
        }
    }

    private void AddRead(ReplicaId from, ulong incarnation, ulong context)
    {
        Invariant.Check(Role == RaftRole.Leader);
        if (!HasCommittedInTerm && !Has(RaftFaults.ReadBeforeNoOp))
        {
            _reads.AddEarly(from, incarnation, context);
            return;
        }

        _reads.Add(Log.Commit, from, incarnation, context);
        if (Has(RaftFaults.StaleRead))
        {
            AnswerRead(new PendingRead(0, Log.Commit, from, incarnation, context), Log.Commit);
        }
    }

    /// <summary>Starts the round of heartbeats that this turn's reads wait for.</summary>
    private void StartReadRound()
    {
        if (_reads.TakeRoundToSend())
        {
            BroadcastHeartbeat();
            AnswerConfirmedReads();
        }
    }

    private void AnswerConfirmedReads()
    {
        Invariant.Check(Role == RaftRole.Leader);
        _tracker.SetReadRound(Id, Confirm(_reads.Round));
        while (!_reads.IsEmpty && _reads.TryTakeConfirmed(_tracker.AgreedReadRound(), out PendingRead read))
        {
            AnswerRead(read, read.Index);
        }
    }

    /// <summary>The newest round, up to one that is asked about, that this member confirms by now.</summary>
    private long Confirm(long round)
    {
        if (!_options.ConfirmReadsByWrite)
        {
            return round;
        }

        _confirmations.Ask(Term, round);
        return _confirmations.Confirmed;
    }

    /// <summary>A write has come through that a round waited for.</summary>
    private void RoundConfirmed()
    {
        if (Role == RaftRole.Leader)
        {
            AnswerConfirmedReads();
        }
        else if (Leader != ReplicaId.None)
        {
            Send(new HeartbeatResponse(Id, Leader, Term, Confirm(0)));
        }
    }

    private void AnswerRead(in PendingRead read, LogIndex? index)
    {
        Invariant.Check(read.From != ReplicaId.None);
        if (read.From == Id)
        {
            _readStates.Add(new ReadState(read.Context, index));
        }
        else
        {
            Send(new ReadIndexResponse(Id, read.From, Term, read.Incarnation, read.Context, index));
        }
    }
}
