namespace Orleans.Coord.Consensus;

/// <summary>
/// The configurations of the log, from the one at its base on. A member acts by the newest one in its log, committed or
/// not (Raft paper, section 6), and falls back when that entry is truncated.
/// </summary>
internal sealed class ConfigurationHistory
{
    private readonly List<(LogIndex Index, QuorumConfig Config)> _configs = [];

    public ConfigurationHistory(LogIndex index, QuorumConfig config) => Reset(index, config);

    public QuorumConfig Current => _configs[^1].Config;

    /// <summary>The entry that brought <see cref="Current"/>, or the snapshot's index.</summary>
    public LogIndex CurrentIndex => _configs[^1].Index;

    public void Reset(LogIndex index, QuorumConfig config)
    {
        Invariant.Check(index.Value >= 0);
        _configs.Clear();
        _configs.Add((index, config));
        Invariant.Check(ReferenceEquals(Current, config));
    }

    public void Append(LogIndex index, QuorumConfig config)
    {
        Invariant.Check(index > CurrentIndex);
        _configs.Add((index, config));
        Invariant.Check(_configs.Count > 1);
    }

    /// <summary>Returns whether the newest configuration was among the entries dropped.</summary>
    public bool Truncate(LogIndex from)
    {
        bool changed = false;
        while (CurrentIndex >= from)
        {
            Invariant.Check(_configs.Count > 1);
            _configs.RemoveAt(_configs.Count - 1);
            changed = true;
        }

        Invariant.Check(CurrentIndex < from);
        return changed;
    }

    public QuorumConfig At(LogIndex index)
    {
        Invariant.Check(index >= _configs[0].Index);
        return _configs[PositionOf(index)].Config;
    }

    /// <summary>
    /// Whether the member votes in the configuration at <paramref name="commit"/> or in any after it.
    /// </summary>
    public bool IsVoterAfter(LogIndex commit, ReplicaId id)
    {
        for (int i = PositionOf(commit); i < _configs.Count; i++)
        {
            if (_configs[i].Config.IsVoter(id))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Forgets configurations that no entry above <paramref name="index"/> needs.</summary>
    public void Compact(LogIndex index)
    {
        int keep = PositionOf(index);
        Invariant.Check(keep < _configs.Count);
        _configs.RemoveRange(0, keep);
        Invariant.Check(_configs.Count > 0);
    }

    private int PositionOf(LogIndex index)
    {
        int position = _configs.Count - 1;
        while (position > 0 && _configs[position].Index > index)
        {
            position--;
        }

        return position;
    }
}
