namespace Orleans.Coord.Consensus;

/// <content>A leader's duties: Raft paper, section 5.3 and 5.4.</content>
public sealed partial class RaftNode
{
    private LogIndex _termStart;
    private LogIndex _caughtUpFrom;
    private long _uncommittedBytes;

    private void TickLeader()
    {
        _electionElapsed++;
        _heartbeatElapsed++;
        TickSnapshots();
        if (_electionElapsed >= _options.ElectionTicks)
        {
            _electionElapsed = 0;
            _transferTarget = ReplicaId.None;
            _caughtUpFrom = Log.Commit;
            if (!_tracker.TakeQuorumActive())
            {
                BecomeFollower(Term, ReplicaId.None);
                return;
            }
        }

        if (_heartbeatElapsed >= _options.HeartbeatTicks)
        {
            BroadcastHeartbeat();
        }
    }

    private void BecomeLeader()
    {
        Invariant.Check(Role == RaftRole.Candidate);
        Invariant.Check(Vote == Id);
        Role = RaftRole.Leader;
        Leader = Id;
        _electionElapsed = 0;
        _transferTarget = ReplicaId.None;
        _uncommittedBytes = 0;
        _inbound = null;
        _termStart = Log.LastIndex.Next;
        _caughtUpFrom = _termStart;
        _tracker.Restart(Configuration, _termStart);
        _tracker.SetMatch(Id, Log.Stable);
        AppendOwn(EntryKind.NoOp, default);
        BroadcastHeartbeat();
    }

    private void LeaveLeadership()
    {
        Invariant.Check(Role == RaftRole.Leader);
        _transferTarget = ReplicaId.None;
        _snapshotReads.Clear();
        foreach (PendingRead read in _reads.TakeAll())
        {
            AnswerRead(read, null);
        }

        Invariant.Check(_reads.IsEmpty);
    }

    private LogIndex AppendOwn(EntryKind kind, ReadOnlyMemory<byte> payload)
    {
        Invariant.Check(Role == RaftRole.Leader);
        LogIndex index = Log.LastIndex.Next;
        Log.Append(new Entry(index, Term, kind, payload));
        _uncommittedBytes += payload.Length;
        return index;
    }

    private void BroadcastHeartbeat()
    {
        _heartbeatElapsed = 0;
        foreach (Progress peer in _tracker.Peers)
        {
            LogIndex commit = Has(RaftFaults.CommitUnmatched) ? Log.Commit : Min(Log.Commit, peer.Match);
            Send(new Heartbeat(Id, peer.Id, Term, commit, _reads.Round));
        }
    }

    private void HandleAppendResponse(AppendResponse response)
    {
        Progress? peer = PeerOf(response.From);
        if (peer is null)
        {
            return;
        }

        peer.RecentActive = true;
        if (!response.Success)
        {
            HandleRefusedAppend(peer, response);
            return;
        }

        Invariant.Check(response.Index <= Log.LastIndex);
        peer.Acknowledged(response.Index);
        _tracker.SetMatch(peer.Id, peer.Match);
        bool caughtUp = peer.State != ProgressState.Snapshot || peer.Match >= peer.Snapshot!.Index;
        if (peer.State != ProgressState.Replicate && caughtUp)
        {
            peer.BecomeReplicate();
        }

        AdvanceCommit();
        HandOverIfReady();
    }

    /// <summary>
    /// The logs differ at the entry before: go back to where they may match (section 5.3, last part).
    /// </summary>
    private void HandleRefusedAppend(Progress peer, AppendResponse response)
    {
        bool isStale = response.Index <= peer.Match || response.Index >= peer.Next;
        if (isStale || peer.State == ProgressState.Snapshot)
        {
            return;
        }

        LogIndex match = Log.LastNotAbove(response.HintIndex, response.HintTerm);
        LogIndex next = Min(match.Next, response.Index);
        peer.BecomeProbe(next > peer.Match ? next : peer.Match.Next);
    }

    private void HandleHeartbeatResponse(HeartbeatResponse response)
    {
        Progress? peer = PeerOf(response.From);
        if (peer is null)
        {
            return;
        }

        peer.RecentActive = true;
        peer.IsProbeOut = false;
        _tracker.SetReadRound(peer.Id, response.ReadRound);
        AnswerConfirmedReads();
        if (peer.State == ProgressState.Replicate && peer.Match < Log.LastIndex)
        {
            AskWhatIsMissing(peer);
        }

        HandOverIfReady();
    }

    /// <summary>An empty Append at the end of what was sent: if any of it was lost, the refusal says so.</summary>
    private void AskWhatIsMissing(Progress peer)
    {
        Invariant.Check(peer.State == ProgressState.Replicate);
        Invariant.Check(peer.Match < Log.LastIndex);
        if (peer.Next - 1 < Log.BaseIndex)
        {
            peer.BecomeProbe(peer.Match.Next);
        }
        else
        {
            SendAppend(peer, default, 0);
        }
    }

    /// <summary>Only entries of the leader's own term are committed by counting copies (section 5.4.2).</summary>
    private void AdvanceCommit()
    {
        Invariant.Check(Role == RaftRole.Leader);
        LogIndex agreed = AgreedIndex();
        if (agreed <= Log.Commit || !(agreed >= _termStart || Has(RaftFaults.CommitOldTerm)))
        {
            return;
        }

        for (LogIndex i = Max(Log.Commit.Next, _termStart); i <= agreed; i = i.Next)
        {
            _uncommittedBytes -= Log.Window(i, i)[0].Payload.Length;
        }

        Invariant.Check(_uncommittedBytes >= 0);
        Log.CommitTo(agreed);
        _reads.AdmitEarly(Log.Commit);
        AfterCommit();
    }

    /// <summary>Sends every follower what it lacks and the flow control allows; called once per turn.</summary>
    private void Replicate()
    {
        Invariant.Check(Role == RaftRole.Leader);
        Entry[]? shared = null;
        foreach (Progress peer in _tracker.Peers)
        {
            // What must be read back from the store goes one message a turn: who catches up must not hold up the rest.
            bool readBack;
            do
            {
                readBack = peer.Next < Log.WindowFirst;
            }
            while (SendNext(peer, ref shared) && !readBack);
        }
    }

    /// <summary>Sends one Append, if one may go; returns whether another may follow at once.</summary>
    private bool SendNext(Progress peer, ref Entry[]? shared)
    {
        bool paused = peer.State switch
        {
            ProgressState.Probe => peer.IsProbeOut,
            ProgressState.Replicate => peer.IsFull(_options),
            _ => true,
        };
        if (paused)
        {
            return false;
        }

        if (peer.Next - 1 < Log.BaseIndex)
        {
            StartSnapshot(peer);
            return false;
        }

        if (peer.Next > Log.LastIndex)
        {
            bool commitIsNews = Log.Commit > peer.CommitSent;
            if (commitIsNews || peer.State == ProgressState.Probe)
            {
                SendAppend(peer, default, 0);
            }

            return false;
        }

        Entry[] entries = EntriesFrom(peer.Next, ref shared);
        SendAppend(peer, entries, PayloadBytes(entries));
        return peer.State == ProgressState.Replicate;
    }

    private void SendAppend(Progress peer, ReadOnlyMemory<Entry> entries, int bytes)
    {
        LogIndex previous = peer.Next - 1;
        bool known = Log.TryGetTerm(previous, out Term term);
        Invariant.Check(known);
        Send(new Append(Id, peer.Id, Term, previous, term, Log.Commit, entries));
        peer.CommitSent = Log.Commit;
        peer.IsProbeOut = peer.State == ProgressState.Probe;
        if (!entries.IsEmpty)
        {
            peer.Sent(previous + entries.Length, bytes);
        }
    }

    /// <summary>Followers that are equally far share one array.</summary>
    private Entry[] EntriesFrom(LogIndex from, ref Entry[]? shared)
    {
        if (shared is null || shared[0].Index != from)
        {
            shared = Log.Read(from, Log.LastIndex, _options.MaxAppendBytes).ToArray();
        }

        Invariant.Check(shared.Length > 0);
        return shared;
    }

    private Progress? PeerOf(ReplicaId id) => Role == RaftRole.Leader ? _tracker.Find(id) : null;

    private static int PayloadBytes(Entry[] entries)
    {
        int bytes = 0;
        foreach (Entry entry in entries)
        {
            bytes += entry.Payload.Length;
        }

        return bytes;
    }

    private static LogIndex Min(LogIndex a, LogIndex b) => a < b ? a : b;

    private static LogIndex Max(LogIndex a, LogIndex b) => a > b ? a : b;
}
