using System.Globalization;
using Orleans.Coord.Replication;

namespace Orleans.Coord.Wal;

/// <summary>
/// Remembers, durably, with which voters a data directory began (file <c>VOTERS</c>; none for a member that was to wait
/// until it is added). A start with other settings must not turn a member that waits into one that votes.
/// </summary>
public static class FirstVoters
{
    /// <summary>What the directory began with; at its first start that is what is asked for.</summary>
    /// <param name="directory">An owned data directory.</param>
    /// <param name="disk">The disk.</param>
    /// <param name="asked">What the settings say now.</param>
    /// <exception cref="StorageException">The file is damaged, or cannot be read or written.</exception>
    public static IReadOnlyList<ReplicaId> Settle(string directory, IDisk disk, IReadOnlyList<ReplicaId> asked)
    {
        if (TextFile.Read(disk, directory, FileNames.Voters) is { } text)
        {
            return Parse(Path.Combine(directory, FileNames.Voters), text);
        }

        TextFile.Write(disk, directory, FileNames.Voters, Format(asked));
        return asked;
    }

    private static string Format(IReadOnlyList<ReplicaId> voters) =>
        "voters" + string.Concat(voters.Select(id => $" {id}")) + "\n";

    private static List<ReplicaId> Parse(string path, string text)
    {
        var voters = new List<ReplicaId>();
        foreach (string word in text.TrimEnd('\n').Split(' ').Skip(1))
        {
            bool readable = byte.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out byte id);
            voters.Add(readable && id > 0 ? new ReplicaId(id) : throw Refusal.Damaged(path, $"it has '{word}'"));
        }

        return Format(voters) == text ? voters : throw Refusal.Damaged(path, "it is not as it was written");
    }
}
