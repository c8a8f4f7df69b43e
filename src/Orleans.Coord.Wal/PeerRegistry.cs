using System.Globalization;
using System.Text;
using Orleans.Coord.Replication;

namespace Orleans.Coord.Wal;

/// <summary>
/// Remembers, durably, which incarnation each other member had when it was first met (file <c>PEERS</c>). A wiped disk
/// draws another incarnation and is refused, so it cannot vote a second time under its old id.
/// </summary>
public sealed class PeerRegistry
{
    private const string ChecksumWord = "crc32c ";
    private readonly string _directory;
    private readonly IDisk _disk;
    private readonly SortedDictionary<ReplicaId, ulong> _known = [];

    /// <summary>Reads what is remembered in an owned data directory.</summary>
    /// <exception cref="StorageException">The file cannot be read.</exception>
    public PeerRegistry(string directory, IDisk disk)
    {
        _directory = directory;
        _disk = disk;
        string text = ReadText();
        if (text.Length == 0)
        {
            return;
        }

        int body = text.LastIndexOf(ChecksumWord, StringComparison.Ordinal);
        if (body < 0 || text[body..] != Checksum(text[..body]))
        {
            // An incarnation or an id changed unnoticed would shut the true member out, or let a wiped one in.
            throw Refusal.Damaged(PathOf(), "its checksum does not match");
        }

        foreach (string line in text[..body].Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] words = line.Split(' ');
            bool readable = words.Length == 2
                && byte.TryParse(words[0], CultureInfo.InvariantCulture, out byte id)
                && ulong.TryParse(words[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out ulong incarnation)
                && _known.TryAdd(new ReplicaId(id), incarnation);
            if (!readable)
            {
                throw Refusal.Damaged(PathOf(), $"it has the line '{line}'");
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

    private static string Checksum(string body) => string.Create(
        CultureInfo.InvariantCulture, $"{ChecksumWord}{Crc32C.Compute(0, Encoding.ASCII.GetBytes(body)):x8}\n");

    private string PathOf() => Path.Combine(_directory, FileNames.Peers);

    private string ReadText()
    {
        byte[] bytes = new byte[16 * 1024];
        try
        {
            using IDiskFile file = _disk.Open(PathOf());
            return Encoding.ASCII.GetString(bytes, 0, file.Read(0, bytes));
        }
        catch (DiskException e) when (e.Error == DiskError.NotFound)
        {
            return "";
        }
        catch (DiskException e)
        {
            throw Refusal.Unusable(_directory, e);
        }
    }

    private void Write()
    {
        string text = string.Concat(_known.Select(
            known => string.Create(CultureInfo.InvariantCulture, $"{known.Key.Value} {known.Value:x16}\n")));
        string temporary = PathOf() + FileNames.Temporary;
        try
        {
            _disk.Delete(temporary);
            using (IDiskFile file = _disk.Create(temporary))
            {
                file.Write(0, Encoding.ASCII.GetBytes(text + Checksum(text)));
                file.Sync();
            }

            _disk.Rename(temporary, PathOf());
            _disk.SyncDirectory(_directory);
        }
        catch (DiskException e)
        {
            throw Refusal.Unusable(_directory, e);
        }
    }
}
