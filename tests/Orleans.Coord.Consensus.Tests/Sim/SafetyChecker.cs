namespace Orleans.Coord.Consensus.Tests.Sim;

/// <summary>A safety property of the Raft paper's figure 3, or one built on them, does not hold.</summary>
internal sealed class SafetyViolationException(string message) : Exception(message);

/// <summary>Sees everything that every member does, and holds it against what must never happen.</summary>
internal sealed class SafetyChecker
{
    private readonly Dictionary<Term, ReplicaId> _leaders = [];
    private readonly Dictionary<(LogIndex Index, Term Term), (ulong Content, Term PreviousTerm)> _entries = [];
    private readonly List<(Term Term, ulong Digest)> _applied = [(default, 0)];
    private readonly Dictionary<ulong, LogIndex> _readFloors = [];

    /// <summary>
    /// The highest index that some client knows committed: by a write's acknowledgement or by a read.
    /// </summary>
    public LogIndex Known { get; private set; }

    /// <summary>The highest index that any member has applied.</summary>
    public LogIndex Applied => new(_applied.Count - 1);

    public int AcknowledgedWrites { get; private set; }

    public int ServedReads { get; private set; }

    public int Elections => _leaders.Count;

    /// <summary>
    /// Election safety: at most one leader per term. Leader completeness: it has all that is committed.
    /// </summary>
    public void OnLeader(RaftNode node)
    {
        if (_leaders.TryAdd(node.Term, node.Id))
        {
            for (LogIndex i = node.Log.BaseIndex.Next; i <= Applied; i = i.Next)
            {
                bool has = node.Log.TryGetTerm(i, out Term term) && term == _applied[(int)i.Value].Term;
                Require(has, $"leader completeness: {node.Id} leads term {node.Term} without committed entry {i}");
            }
        }

        ReplicaId leader = _leaders[node.Term];
        Require(leader == node.Id, $"election safety: {node.Id} and {leader} lead term {node.Term}");
    }

    /// <summary>Log matching: same index and term means same entry, and the same before it.</summary>
    public void OnWritten(RaftNode node, ReadOnlySpan<Entry> entries)
    {
        foreach (Entry entry in entries)
        {
            node.Log.TryGetTerm(entry.Index - 1, out Term previous);
            (ulong Content, Term Previous) seen = (Machine.Mix(0, entry), previous);
            _entries.TryAdd((entry.Index, entry.Term), seen);
            bool same = _entries[(entry.Index, entry.Term)] == seen;
            Require(same, $"log matching: {node.Id} has another entry {entry.Index} of term {entry.Term}");
        }
    }

    /// <summary>State machine safety: everyone applies the same entry at each index.</summary>
    public void OnApplied(ReplicaId id, Machine machine, Term term)
    {
        int at = (int)machine.Index.Value;
        if (at == _applied.Count)
        {
            _applied.Add((term, machine.Digest));
        }

        bool same = at < _applied.Count && _applied[at].Digest == machine.Digest;
        Require(same, $"state machine safety: {id} differs at {at}");
    }

    public void OnAcknowledged(LogIndex index)
    {
        AcknowledgedWrites++;
        Known = index > Known ? index : Known;
    }

    public void OnReadAsked(ulong context) => _readFloors[context] = Known;

    /// <summary>Linearizability of reads: nothing known before the read was asked may be missing from it.</summary>
    public void OnReadServed(ReplicaId id, ulong context, LogIndex sees)
    {
        if (_readFloors.Remove(context, out LogIndex floor))
        {
            ServedReads++;
            Require(sees >= floor, $"stale read at {id}: sees {sees}, {floor} was known");
            Known = sees > Known ? sees : Known;
        }
    }

    /// <summary>Nothing acknowledged is lost.</summary>
    public void OnHealed(ReplicaId id, Machine machine) =>
        Require(machine.Index >= Known, $"durability: {id} ends at {machine.Index}, {Known} was acknowledged");

    public static void Require(bool condition, string what)
    {
        if (!condition)
        {
            throw new SafetyViolationException(what);
        }
    }
}
