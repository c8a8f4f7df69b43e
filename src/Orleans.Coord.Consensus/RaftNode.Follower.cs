namespace Orleans.Coord.Consensus;

/// <content>A follower's duties: Raft paper, section 5.3.</content>
public sealed partial class RaftNode
{
    /// <summary>A leader of this term speaks: whoever was a candidate in it has lost (section 5.2).</summary>
    private void HearLeader(ReplicaId leader)
    {
        Invariant.Check(Role != RaftRole.Leader || _faults != RaftFaults.None);
        Invariant.Check(Leader == ReplicaId.None || Leader == leader || _faults != RaftFaults.None);
        if (Role != RaftRole.Follower || Leader != leader)
        {
            BecomeFollower(Term, leader);
        }

        _electionElapsed = 0;
    }

    private void HandleAppend(Append append)
    {
        HearLeader(append.From);
        if (append.PrevLogIndex >= Log.Commit && !Log.Matches(append.PrevLogIndex, append.PrevLogTerm))
        {
            RefuseAppend(append);
            return;
        }

        // What is committed matches by itself; a late or repeated message may reach back even before the log's base.
        long skip = Math.Clamp(Log.Commit - append.PrevLogIndex, 0, append.Entries.Length);
        AppendFromLeader(append.Entries.Span[(int)skip..]);
        LogIndex lastNew = Max(append.PrevLogIndex + append.Entries.Length, Log.Commit);
        CommitFromLeader(Min(append.LeaderCommit, lastNew));
        AcknowledgeAppend(append, lastNew);
    }

    private void AcknowledgeAppend(Append append, LogIndex match) =>
        SendWhenDurable(new AppendResponse(Id, append.From, Term, true, match, default, default));

    private void RefuseAppend(Append append)
    {
        LogIndex hint = Log.LastNotAbove(append.PrevLogIndex, append.PrevLogTerm);
        bool known = Log.TryGetTerm(hint, out Term hintTerm);
        Invariant.Check(known);
        Send(new AppendResponse(Id, append.From, Term, false, append.PrevLogIndex, hint, hintTerm));
    }

    /// <summary>Skips what is there already, and replaces from the first conflict on (section 5.3).</summary>
    private void AppendFromLeader(ReadOnlySpan<Entry> entries)
    {
        int at = 0;
        while (at < entries.Length && Log.Matches(entries[at].Index, entries[at].Term))
        {
            at++;
        }

        if (at < entries.Length && entries[at].Index <= Log.LastIndex)
        {
            if (Has(RaftFaults.KeepConflict))
            {
                return;
            }

            TruncateFrom(entries[at].Index);
        }

        for (; at < entries.Length; at++)
        {
            Log.Append(entries[at]);
            if (entries[at].Kind == EntryKind.Configuration)
            {
                UseConfiguration(entries[at].Index, QuorumConfig.Decode(entries[at].Payload.Span));
            }
        }
    }

    private void TruncateFrom(LogIndex from)
    {
        Invariant.Check(from > Log.Commit);
        Invariant.Check(Role == RaftRole.Follower);
        Log.Truncate(from);
        if (!Has(RaftFaults.CountTruncatedWrite))
        {
            _writes.Truncate(from);
        }

        if (_configurations.Truncate(from))
        {
            _tracker.Reconfigure(Configuration, Log.LastIndex.Next);
        }
    }

    private void CommitFromLeader(LogIndex commit)
    {
        if (commit > Log.Commit)
        {
            Invariant.Check(Role == RaftRole.Follower);
            Log.CommitTo(commit);
        }
    }

    private void HandleHeartbeat(Heartbeat heartbeat)
    {
        HearLeader(heartbeat.From);
        CommitFromLeader(Min(heartbeat.LeaderCommit, Log.LastIndex));
        Send(new HeartbeatResponse(Id, heartbeat.From, Term, Confirm(heartbeat.ReadRound)));
    }
}
