namespace Orleans.Coord.Chaos.Load;

/// <summary>
/// Checks one znode's history for linearizability. Each write that happened has a version of its own, so the order of
/// all writes is known, and it is enough to hold every operation against that order and the clock.
/// </summary>
internal sealed class VersionedRegister(string name)
{
    private readonly Lock _gate = new();
    private readonly List<Operation> _operations = [];
    private readonly Dictionary<string, long> _unknown = [];

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _operations.Count;
            }
        }
    }

    /// <summary>A write that was acknowledged with this version.</summary>
    public void Wrote(string value, int version, long begun, long ended) =>
        Add(new(IsWrite: true, value, version, begun, ended));

    /// <summary>A read that must be up to date.</summary>
    public void Read(string value, int version, long begun, long ended) =>
        Add(new(IsWrite: false, value, version, begun, ended));

    /// <summary>A write of which nobody knows whether it happened; never before it was begun.</summary>
    public void MayHaveWritten(string value, long begun)
    {
        lock (_gate)
        {
            _unknown[value] = begun;
        }
    }

    /// <summary>Tells what is wrong with the history; nothing when it is linearizable.</summary>
    public IEnumerable<string> Check()
    {
        lock (_gate)
        {
            return [.. CheckValues(), .. CheckOrder()];
        }
    }

    private void Add(Operation operation)
    {
        lock (_gate)
        {
            _operations.Add(operation);
        }
    }

    // A version has one value, and that was written: by somebody, and not after it was read.
    private IEnumerable<string> CheckValues()
    {
        Dictionary<string, long> begun = _operations.Where(o => o.IsWrite).ToDictionary(o => o.Value, o => o.Begun);
        foreach (IGrouping<int, Operation> same in _operations.GroupBy(operation => operation.Version))
        {
            if (same.Select(operation => operation.Value).Distinct().Count() > 1)
            {
                yield return $"{name}: version {same.Key} has two values: {string.Join(" and ", same)}";
            }
        }

        foreach (Operation read in _operations.Where(operation => !operation.IsWrite && operation.Version > 0))
        {
            if (!begun.TryGetValue(read.Value, out long since) && !_unknown.TryGetValue(read.Value, out since))
            {
                yield return $"{name}: {read} has a value that nobody wrote";
            }
            else if (since > read.Ended)
            {
                yield return $"{name}: {read} came before the write of its value";
            }
        }
    }

    // Whatever had ended before an operation began must stand before it in the order of versions.
    private IEnumerable<string> CheckOrder()
    {
        List<Operation> byEnd = [.. _operations.OrderBy(operation => operation.Ended)];
        Operation? newest = null;
        int ended = 0;
        foreach (Operation operation in _operations.OrderBy(operation => operation.Begun))
        {
            for (; ended < byEnd.Count && byEnd[ended].Ended < operation.Begun; ended++)
            {
                if (newest is null || byEnd[ended].Version > newest.Version)
                {
                    newest = byEnd[ended];
                }
            }

            int least = (newest?.Version ?? 0) + (operation.IsWrite ? 1 : 0);
            if (operation.Version < least)
            {
                yield return $"{name}: {operation} is older than {newest}, which had ended before";
            }
        }
    }

    private sealed record Operation(bool IsWrite, string Value, int Version, long Begun, long Ended)
    {
        public override string ToString() => $"{(IsWrite ? "write" : "read")} of '{Value}' as version {Version}";
    }
}
