using System.Globalization;
using Orleans.Coord.Replication;

namespace Orleans.Coord.Wal;

/// <summary>
/// Remembers, durably, which incarnation each other member had when it was first met (file <c>PEERS</c>). A wiped disk
/// draws another incarnation and is refused, so it cannot vote a second time under its old id.
/// </summary>
public sealed class PeerRegistry
{
    private readonly string _directory;
    private readonly IDisk _disk;
    private readonly SortedDictionary<ReplicaId, ulong> _known = [];

    /// <summary>Reads what is remembered in an owned data directory.</summary>
    /// <exception cref="StorageException">The file cannot be read.</exception>
    public PeerRegistry(string directory, IDisk disk)
    {
        _directory = directory;
        _disk = disk;
        string text = TextFile.Read(disk, directory, FileNames.Peers) ?? "";
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] words = line.Split(' ');
            bool readable = words.Length == 2
                && byte.TryParse(words[0], CultureInfo.InvariantCulture, out byte id)
                && ulong.TryParse(words[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out ulong incarnation)
                && _known.TryAdd(new ReplicaId(id), incarnation);
            if (!readable)
            {
                throw Refusal.Damaged(Path.Combine(directory, FileNames.Peers), $"it has the line '{line}'");
            }
        }
    }

    /// <summary>Whether a member may be linked: first met, and from now on remembered, or still the same.</summary>
    /// <exception cref="StorageException">It cannot be remembered.</exception>
    public bool Admit(ReplicaId member, ulong incarnation)
    {
        if (_known.TryGetValue(member, out ulong first))
        {
            return first == incarnation;
        }

        _known.Add(member, incarnation);
        try
        {
            Write();
        }
        catch
        {
            // Not durable, so the next attempt must not find it known.
            _known.Remove(member);
            throw;
        }

        return true;
    }

    private void Write() => TextFile.Write(_disk, _directory, FileNames.Peers, string.Concat(_known.Select(
        known => string.Create(CultureInfo.InvariantCulture, $"{known.Key.Value} {known.Value:x16}\n"))));
}
