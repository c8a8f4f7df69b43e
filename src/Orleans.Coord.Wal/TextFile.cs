using System.Globalization;
using System.Text;
using Orleans.Coord.Replication;

namespace Orleans.Coord.Wal;

/// <summary>
/// Small files of a data directory in ASCII: read whole, and replaced whole, durably. A last line holds a checksum, so
/// that no damage is taken for content.
/// </summary>
internal static class TextFile
{
    private const int MaxBytes = 16 * 1024;
    private const string ChecksumWord = "crc32c ";

    /// <summary>The file's text; null if there is no such file.</summary>
    /// <exception cref="StorageException">It cannot be read, or is damaged.</exception>
    public static string? Read(IDisk disk, string directory, string name)
    {
        byte[] bytes = new byte[MaxBytes];
        try
        {
            using IDiskFile file = disk.Open(Path.Combine(directory, name));
            string whole = Encoding.ASCII.GetString(bytes, 0, file.Read(0, bytes));
            int end = whole.LastIndexOf(ChecksumWord, StringComparison.Ordinal);
            return end >= 0 && whole[end..] == Checksum(whole[..end])
                ? whole[..end]
                : throw Refusal.Damaged(Path.Combine(directory, name), "its checksum does not match");
        }
        catch (DiskException e) when (e.Error == DiskError.NotFound)
        {
            return null;
        }
        catch (DiskException e)
        {
            throw Refusal.Unusable(directory, e);
        }
    }

    /// <summary>Replaces the file, or makes it; a crash leaves the old text or the new one.</summary>
    /// <exception cref="StorageException">It cannot be written.</exception>
    public static void Write(IDisk disk, string directory, string name, string text)
    {
        string path = Path.Combine(directory, name);
        string temporary = path + FileNames.Temporary;
        try
        {
            disk.Delete(temporary);
            using (IDiskFile file = disk.Create(temporary))
            {
                file.Write(0, Encoding.ASCII.GetBytes(text + Checksum(text)));
                file.Sync();
            }

            disk.Rename(temporary, path);
            disk.SyncDirectory(directory);
        }
        catch (DiskException e)
        {
            throw Refusal.Unusable(directory, e);
        }
    }

    private static string Checksum(string text) => string.Create(
        CultureInfo.InvariantCulture, $"{ChecksumWord}{Crc32C.Compute(0, Encoding.ASCII.GetBytes(text)):x8}\n");
}
