using Orleans.Coord.Consensus;
using Orleans.Coord.Replication;

namespace Orleans.Coord.Simulation;

/// <summary>
/// The properties of figure 3 of the Raft paper, over all members and all their lives, and equal digests. What is
/// applied first anywhere is the truth; the model is fed from it.
/// </summary>
internal sealed class LogChecker(SimWorld world)
{
    private readonly Dictionary<(long Index, long Term), Written> _written = [];
    private readonly Dictionary<long, int> _leaders = [];
    private readonly Dictionary<long, ulong> _digests = [];
    private readonly List<long> _terms = [0];
    private readonly List<long> _appliedIn = [0];

    private readonly record struct Written(ulong Hash, EntryKind Kind, ReadOnlyMemory<byte> Payload);

    /// <summary>The highest index applied anywhere.</summary>
    public long Applied => _terms.Count - 1;

    /// <summary>Elections that were won.</summary>
    public int Elections => _leaders.Count;

    /// <summary>Log matching: the same index and term means the same entry.</summary>
    public void OnAppended(SimProcess process, ReadOnlySpan<Entry> entries)
    {
        foreach (ref readonly Entry entry in entries)
        {
            ulong hash = HashOf(entry);
            (long, long) key = (entry.Index.Value, entry.Term.Value);
            if (!_written.TryGetValue(key, out Written seen))
            {
                _written.Add(key, seen = new Written(hash, entry.Kind, entry.Payload));
            }

            SimViolationException.Unless(
                seen.Hash == hash, "log matching",
                $"member {process.Id} has another entry {entry.Index} of term {entry.Term}");
        }
    }

    /// <summary>After a turn: who leads, what was applied, and to what effect.</summary>
    public void AfterTurn(SimProcess process)
    {
        Replica replica = process.Replica;
        long last = replica.Machine.LastApplied;
        bool moved = last != process.Seen;
        for (long index = process.Seen + 1; index <= last; index++)
        {
            if (!replica.Raft.Log.TryGetTerm(new LogIndex(index), out Term term))
            {
                // Behind an installed snapshot; the digest tells whether it is the right one.
                continue;
            }

            Take(process, index, term.Value);
        }

        process.Seen = last;
        if (moved)
        {
            SimViolationException.Unless(
                last <= Applied, "state machine safety", $"member {process.Id} is at {last}, applied by nobody");
            _digests.TryAdd(last, replica.Machine.Digest);
            // A planted divergence is left to the product's own guard.
            SimViolationException.Unless(
                _digests[last] == replica.Machine.Digest || world.Options.Bug == PlantedBug.Diverge, "digest",
                $"member {process.Id} has {replica.Machine.Digest:x16} at {last}, others {_digests[last]:x16}");
        }

        Leads(process);
    }

    private void Take(SimProcess process, long index, long term)
    {
        if (index == _terms.Count)
        {
            bool known = _written.TryGetValue((index, term), out Written written);
            SimViolationException.Unless(known, "log matching", $"entry {index} of term {term} was written by nobody");
            _terms.Add(term);
            _appliedIn.Add(Math.Max(_appliedIn[^1], process.Replica.Raft.Term.Value));
            world.Trace.Add(world.NowUs, TraceKind.Applied, process.Id, index, term);
            world.OnCommitted(index, written.Kind, written.Payload);
        }

        SimViolationException.Unless(
            index < _terms.Count && _terms[(int)index] == term, "state machine safety",
            $"member {process.Id} applied another entry {index}, of term {term}");
    }

    /// <summary>Election safety, and leader completeness.</summary>
    private void Leads(SimProcess process)
    {
        RaftNode raft = process.Replica.Raft;
        if (raft.Role != RaftRole.Leader)
        {
            process.LeadsTerm = 0;
            return;
        }

        long term = raft.Term.Value;
        if (process.LeadsTerm == term)
        {
            return;
        }

        process.LeadsTerm = term;
        world.Trace.Add(world.NowUs, TraceKind.Leads, process.Id, term);
        SimViolationException.Unless(
            _leaders.TryAdd(term, process.Id) || _leaders[term] == process.Id, "election safety",
            $"members {process.Id} and {_leaders[term]} lead term {term}");
        // It may be late to learn that it leads: what was committed in later terms is not its concern.
        long committed = Applied;
        while (_appliedIn[(int)committed] >= term)
        {
            committed--;
        }

        bool complete = raft.Log.TryGetTerm(new LogIndex(committed), out Term newest)
            ? newest.Value == _terms[(int)committed]
            : raft.Log.BaseIndex.Value >= committed;
        SimViolationException.Unless(
            complete, "leader completeness",
            $"member {process.Id} leads term {term} without committed entry {committed}");
    }

    private static ulong HashOf(in Entry entry)
    {
        ulong h = 0xCBF29CE484222325 ^ (ulong)entry.Kind;
        foreach (byte b in entry.Payload.Span)
        {
            h = (h ^ b) * 0x100000001B3;
        }

        return h;
    }
}
