using System.Runtime.InteropServices;

namespace Orleans.Coord.Consensus;

/// <content>The exchange with the host: one <see cref="Ready"/> per turn, completions back.</content>
public sealed partial class RaftNode
{
    private readonly List<ReadState> _readStates = [];
    private readonly List<SnapshotRead> _snapshotReads = [];
    private readonly List<SnapshotChunk> _snapshotChunks = [];
    private readonly List<Message> _released = [];
    private List<Message> _outbox = [];
    private List<Message> _sent = [];
    private ReadState[] _readStatesOut = [];
    private SnapshotRead[] _snapshotReadsOut = [];
    private SnapshotChunk[] _snapshotChunksOut = [];
    private SoftState _softState;
    private Term _savedTerm;
    private ReplicaId _savedVote;
    private LogIndex _savedCommit;
    private LogIndex _delivered;

    /// <summary>Takes everything there is to do, once at the end of a turn. It counts as handed over.</summary>
    public Ready TakeReady()
    {
        if (Role == RaftRole.Leader)
        {
            StartReadRound();
            Replicate();
        }

        LogReset? reset = TakeReset();
        ReadOnlySpan<Entry> entries = Log.TakeUnwritten();
        HardState? hardState = TakeHardState(entries);
        long token = hardState is null && entries.IsEmpty ? 0 : _writes.Issue(Log.HandedOut);
        if (token != 0)
        {
            _confirmations.Issued(token);
        }

        _writes.Seal(_outbox);
        (_outbox, _sent) = (_sent, _outbox);
        _outbox.Clear();
        IndexRange committed = TakeCommitted();
        _readStatesOut = Take(_readStates);
        _snapshotReadsOut = Take(_snapshotReads);
        _snapshotChunksOut = Take(_snapshotChunks);
        return new Ready
        {
            Reset = reset,
            Token = token,
            Entries = entries,
            HardState = hardState,
            Messages = CollectionsMarshal.AsSpan(_sent),
            PromisedMessages = _writes.Held,
            Committed = committed,
            ReadStates = _readStatesOut,
            SnapshotReads = _snapshotReadsOut,
            SnapshotChunks = _snapshotChunksOut,
            SoftState = TakeSoftState(),
        };
    }

    /// <summary>
    /// All writes up to <paramref name="token"/> are durable. Messages that waited for them come with the next Ready,
    /// unless their term has passed.
    /// </summary>
    public void Persisted(long token)
    {
        Invariant.Check(token > 0);
        _released.Clear();
        if (_writes.Complete(token, _released) is not { } durable)
        {
            return;
        }

        Log.StableTo(Min(durable, Log.LastIndex));
        if (Role == RaftRole.Leader)
        {
            _tracker.SetMatch(Id, Log.Stable);
            AdvanceCommit();
        }

        if (_confirmations.Complete(token))
        {
            RoundConfirmed();
        }

        foreach (Message message in _released)
        {
            Invariant.Check(message.Term <= Term);
            if (message.Term == Term)
            {
                Release(message);
            }
        }
    }

    /// <summary>
    /// The state machine has applied the entries up to <paramref name="index"/>; memory may be freed.
    /// </summary>
    public void Applied(LogIndex index)
    {
        Invariant.Check(index <= _delivered);
        Log.AppliedTo(index, _tracker.Peers.Count == 0 ? 0 : _options.MaxWindowBytes);
    }

    private void Send(Message message)
    {
        Invariant.Check(message.To != Id);
        Invariant.Check(message.To != ReplicaId.None);
        _outbox.Add(message);
    }

    /// <summary>For every message that promises something a crash must not undo.</summary>
    private void SendWhenDurable(Message message)
    {
        if (Has(RaftFaults.PromiseEarly))
        {
            Release(message);
        }
        else
        {
            _writes.Hold(message);
        }
    }

    private void Release(Message message)
    {
        if (message.To == Id)
        {
            Step(message);
        }
        else
        {
            Send(message);
        }
    }

    private LogReset? TakeReset()
    {
        if (!_resetPending)
        {
            return null;
        }

        Invariant.Check(Log.BaseIndex == _snapshot.Index);
        _resetPending = false;
        return new LogReset(_snapshot.Index, _snapshot.Term, _writes.Issue(_snapshot.Index));
    }

    /// <summary>
    /// Term and vote whenever they change. The commit index only rides along with entries, as a hint, and never names
    /// an entry of the same write, so that no prefix of the store's writes has a commit index beyond its log. A round
    /// of reads may want a write of its own.
    /// </summary>
    private HardState? TakeHardState(ReadOnlySpan<Entry> entries)
    {
        LogIndex commit = entries.IsEmpty ? Log.Commit : Min(Log.Commit, entries[0].Index - 1);
        bool changed = Term != _savedTerm || Vote != _savedVote || (_confirmations.IsDue && entries.IsEmpty);
        if (!changed && (entries.IsEmpty || commit <= _savedCommit))
        {
            return null;
        }

        Invariant.Check(Term >= _savedTerm);
        Invariant.Check(commit <= Log.HandedOut);
        _savedTerm = Term;
        _savedVote = Vote;
        _savedCommit = commit;
        return new HardState(Term, Vote, commit);
    }

    private IndexRange TakeCommitted()
    {
        Invariant.Check(_delivered <= Log.Commit);
        var range = new IndexRange(_delivered.Next, Log.Commit);
        _delivered = Log.Commit;
        return range;
    }

    private SoftState? TakeSoftState()
    {
        var current = new SoftState(Role, Leader, Term);
        if (current == _softState)
        {
            return null;
        }

        _softState = current;
        return current;
    }

    private static T[] Take<T>(List<T> list)
    {
        if (list.Count == 0)
        {
            return [];
        }

        T[] taken = [.. list];
        list.Clear();
        return taken;
    }
}
