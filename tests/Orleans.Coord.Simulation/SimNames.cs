namespace Orleans.Coord.Simulation;

/// <summary>The names of files twice over: as programs see them, and as a power loss would leave them.</summary>
internal sealed class SimNames
{
    private readonly List<Change> _changes = [];
    private SortedDictionary<string, SimInode> _durable = new(StringComparer.Ordinal);

    private readonly record struct Change(string? Removed, string? Added, SimInode Inode);

    internal SortedDictionary<string, SimInode> Current { get; private set; } = new(StringComparer.Ordinal);

    internal void Create(string path, SimInode inode) => Do(new Change(null, path, inode));

    internal void Rename(string from, string to) => Do(new Change(from, to, Current[from]));

    internal void Delete(string path) => Do(new Change(path, null, Current[path]));

    /// <summary>Makes a directory's changes durable.</summary>
    internal void Sync(string directory)
    {
        foreach (Change change in _changes.Where(change => IsIn(change, directory)))
        {
            Apply(_durable, change);
        }

        _changes.RemoveAll(change => IsIn(change, directory));
    }

    /// <summary>Keeps what was synced and, of the other changes, what chance lets through.</summary>
    internal void LosePower(SplitMix64 random)
    {
        bool inOrder = random.Below(2) == 0;
        int prefix = random.Below(_changes.Count + 1);
        for (int i = 0; i < _changes.Count; i++)
        {
            if (inOrder ? i < prefix : random.Below(2) == 0)
            {
                Apply(_durable, _changes[i]);
            }
        }

        _changes.Clear();
        Current = new SortedDictionary<string, SimInode>(_durable, StringComparer.Ordinal);
        _durable = new SortedDictionary<string, SimInode>(Current, StringComparer.Ordinal);
    }

    private static void Apply(SortedDictionary<string, SimInode> names, Change change)
    {
        // A removal or move of a name that never became durable has nothing to act on.
        bool applies = change.Removed is null
            || (names.TryGetValue(change.Removed, out SimInode? named) && ReferenceEquals(named, change.Inode));
        if (applies && change.Removed is not null)
        {
            names.Remove(change.Removed);
        }

        if (applies && change.Added is not null)
        {
            names[change.Added] = change.Inode;
        }
    }

    private static bool IsIn(Change change, string directory) =>
        Path.GetDirectoryName(change.Added ?? change.Removed) == directory;

    private void Do(Change change)
    {
        Apply(Current, change);
        _changes.Add(change);
    }
}
