using System.Globalization;
using Orleans.Coord.Consensus;

namespace Orleans.Coord.Simulation;

/// <summary>Who is to be a member, and who was one, as the model has it; never changed, only replaced.</summary>
internal sealed class ModelEnsemble
{
    public const string Path = "/zookeeper/config";
    private readonly SortedDictionary<int, string> _members;
    private readonly HashSet<int> _removed;

    private ModelEnsemble(SortedDictionary<int, string> members, HashSet<int> removed, long version)
    {
        _members = members;
        _removed = removed;
        Version = version;
    }

    public static ModelEnsemble None { get; } = new([], [], 0);

    public long Version { get; }

    public bool IsEmpty => _members.Count == 0;

    public bool HasVoter => _members.Values.Any(IsVoter);

    public IReadOnlyCollection<int> Ids => _members.Keys;

    public IReadOnlyCollection<int> Removed => _removed;

    public bool Has(int id) => _members.ContainsKey(id);

    public bool IsVoter(int id) => IsVoter(_members[id]);

    public bool WasRemoved(int id) => _removed.Contains(id);

    /// <summary>What it would be after a change, written as operators write it.</summary>
    public ModelEnsemble After(string joining, string leaving, long version)
    {
        var members = new SortedDictionary<int, string>(_members);
        foreach (string id in leaving.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            members.Remove(Number(id));
        }

        foreach (string line in joining.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            members[Number(line["server.".Length..line.IndexOf('=')])] = line;
        }

        HashSet<int> removed = [.. _removed, .. _members.Keys.Except(members.Keys)];
        return new ModelEnsemble(members, removed, version);
    }

    /// <summary>Whether a majority of the voters is left without some.</summary>
    public bool Survives(Func<int, bool> lost)
    {
        int[] voters = [.. _members.Keys.Where(IsVoter)];
        return voters.Count(lost) <= (voters.Length - 1) / 2;
    }

    /// <summary>Whether the group is this, and nothing under way changes it.</summary>
    public bool IsWhat(RaftNode raft) =>
        !raft.Configuration.IsJoint && raft.ConfigurationIndex <= raft.Log.Commit
        && Same(raft.Configuration.Voters, IsVoter) && Same(raft.Configuration.Learners, id => !IsVoter(id));

    public override string ToString() => string.Concat(_members.Values.Select(line => line + "\n"))
        + "version=" + Version.ToString("x", CultureInfo.InvariantCulture);

    private bool Same(ReadOnlySpan<ReplicaId> ids, Func<int, bool> wanted) =>
        ids.ToArray().Select(id => (int)id.Value).Order().SequenceEqual(_members.Keys.Where(wanted));

    private static bool IsVoter(string line) => !line.Contains(":observer;", StringComparison.Ordinal);

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
