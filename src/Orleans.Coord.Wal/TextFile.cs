using System.Text;
using Orleans.Coord.Replication;

namespace Orleans.Coord.Wal;

/// <summary>Small files of a data directory in ASCII: read whole, and replaced whole, durably.</summary>
internal static class TextFile
{
    private const int MaxBytes = 16 * 1024;

    /// <summary>The file's text; null if there is no such file.</summary>
    /// <exception cref="StorageException">It cannot be read.</exception>
    public static string? Read(IDisk disk, string directory, string name)
    {
        byte[] bytes = new byte[MaxBytes];
        try
        {
            using IDiskFile file = disk.Open(Path.Combine(directory, name));
            return Encoding.ASCII.GetString(bytes, 0, file.Read(0, bytes));
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
                file.Write(0, Encoding.ASCII.GetBytes(text));
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
}
