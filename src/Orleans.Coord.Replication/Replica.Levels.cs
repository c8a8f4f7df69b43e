using Orleans.Coord.Consensus;
using Orleans.Coord.Tree;

namespace Orleans.Coord.Replication;

/// <content>
/// The feature level (<see cref="FeatureLevels"/>): each member says in every envelope what it knows, and the leader
/// writes entries at the highest level that all members know.
/// </content>
public sealed partial class Replica
{
    // Of those that are linked and were heard.
    private readonly Dictionary<ReplicaId, byte> _levels = [];
    private Term _levelTerm;
    private bool _isNewGroup;

    // All that was committed before this term is applied: only now is it known what the group has agreed to.
    private void BeginLevel()
    {
        _levelTerm = _raft.Term;
        _isNewGroup = _machine.LastTime == 0;
    }

    private void RequireKnown(long index, byte level)
    {
        if (level > _options.FeatureLevel)
        {
            throw FeatureLevelException.Above($"Entry {index} of the log", level, _options.FeatureLevel);
        }
    }

    private byte LevelToPropose()
    {
        byte agreed = _machine.FeatureLevel;
        if (agreed >= _options.FeatureLevel || _levelTerm != _raft.Term)
        {
            return agreed;
        }

        // A group without a past has nobody to wait for: an old member has no state that could differ.
        return _isNewGroup ? _options.FeatureLevel : Math.Max(agreed, LevelOfAll());
    }

    private byte LevelOfAll()
    {
        QuorumConfig group = _raft.Configuration;
        return Math.Min(LevelOf(group.Voters), Math.Min(LevelOf(group.Outgoing), LevelOf(group.Learners)));
    }

    private byte LevelOf(ReadOnlySpan<ReplicaId> members)
    {
        byte level = _options.FeatureLevel;
        foreach (ReplicaId member in members)
        {
            level = member == _options.Id ? level : Math.Min(level, _levels.GetValueOrDefault(member));
        }

        return level;
    }
}
