namespace Orleans.Coord.Consensus;

/// <summary>
/// The writes under way, and the messages that may be sent only when a write is durable (Raft paper, figure 2: "updated
/// on stable storage before responding"). Several writes may be under way; they complete in order.
/// </summary>
internal sealed class PersistQueue
{
    private readonly List<(long Token, LogIndex LastIndex)> _writes = [];
    private readonly Queue<(long Token, Message Message)> _held = new();
    private readonly List<Message> _unsealed = [];
    private long _issued;
    private long _persisted;

    /// <summary>Messages waiting for a write.</summary>
    public int Held => _held.Count + _unsealed.Count;

    /// <summary>Keeps a message until all that has happened before is durable.</summary>
    public void Hold(Message message)
    {
        Invariant.Check(message.From != ReplicaId.None);
        Invariant.Check(message.To != ReplicaId.None);
        if (_unsealed.Count > 0 && Covers(message, _unsealed[^1]))
        {
            _unsealed[^1] = message;
            return;
        }

        _unsealed.Add(message);
    }

    /// <summary>A write that makes the log durable up to <paramref name="lastIndex"/>.</summary>
    public long Issue(LogIndex lastIndex)
    {
        Invariant.Check(_issued >= _persisted);
        _issued++;
        _writes.Add((_issued, lastIndex));
        Invariant.Check(_writes.Count <= _issued - _persisted);
        return _issued;
    }

    /// <summary>
    /// Ties the messages of this turn to the newest write; without any under way they go to <paramref name="free"/>.
    /// </summary>
    public void Seal(List<Message> free)
    {
        Invariant.Check(_issued >= _persisted);
        foreach (Message message in _unsealed)
        {
            if (_issued > _persisted)
            {
                _held.Enqueue((_issued, message));
            }
            else
            {
                free.Add(message);
            }
        }

        _unsealed.Clear();
        Invariant.Check(_held.Count == 0 || _issued > _persisted);
    }

    /// <summary>
    /// The entries from <paramref name="from"/> on are being replaced: no earlier write vouches for them.
    /// </summary>
    public void Truncate(LogIndex from)
    {
        for (int i = 0; i < _writes.Count; i++)
        {
            if (_writes[i].LastIndex >= from)
            {
                _writes[i] = (_writes[i].Token, from - 1);
            }
        }

        Invariant.Check(_writes.Count == 0 || _writes[^1].LastIndex < from);
        Invariant.Check(from.Value > 0);
    }

    /// <summary>
    /// Up to <paramref name="token"/> all is durable. Returns the highest durable entry, or null for a repeated token.
    /// </summary>
    public LogIndex? Complete(long token, List<Message> released)
    {
        Invariant.Check(token <= _issued);
        if (token <= _persisted)
        {
            return null;
        }

        _persisted = token;
        int done = 0;
        LogIndex durable = default;
        while (done < _writes.Count && _writes[done].Token <= token)
        {
            durable = _writes[done].LastIndex;
            done++;
        }

        Invariant.Check(done > 0);
        _writes.RemoveRange(0, done);
        while (_held.TryPeek(out (long Token, Message Message) next) && next.Token <= token)
        {
            released.Add(_held.Dequeue().Message);
        }

        return durable;
    }

    /// <summary>Two acknowledgements in one turn: the higher one says it all.</summary>
    private static bool Covers(Message message, Message earlier) =>
        message is AppendResponse { Success: true } a && earlier is AppendResponse { Success: true } b
        && a.To == b.To && a.Term == b.Term && a.Index >= b.Index;
}
