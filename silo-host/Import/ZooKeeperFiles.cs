using System.Globalization;
using Orleans.Coord.Tree;

namespace Orleans.Coord.SiloHost.Import;

/// <summary>A stopped ZooKeeper's data directory: its newest whole snapshot, and the transactions since.</summary>
internal static class ZooKeeperFiles
{
    private const string Subfolder = "version-2";

    /// <summary>Reads it.</summary>
    /// <param name="data">Where the snapshots are (<c>dataDir</c>).</param>
    /// <param name="logs">Where the transaction logs are (<c>dataLogDir</c>); null for the same folder.</param>
    /// <param name="progress">Shown to the operator.</param>
    /// <exception cref="StartupException">There is nothing to read, or it is damaged.</exception>
    public static TreeImport Read(string data, string? logs, ProgressBar progress)
    {
        string snapshots = FolderOf(data);
        string transactions = FolderOf(logs ?? data);
        List<(long Zxid, string File)> logFiles = Numbered(transactions, "log.");
        (TreeImport tree, long zxid) = ReadSnapshot(snapshots, logFiles.Count > 0, progress);
        var log = new ZooKeeperLog(tree, zxid);
        foreach ((long first, string file) in logFiles)
        {
            // What a log has below its name is in the one before; the last one that begins below has the first above.
            bool isNeeded = !logFiles.Any(other => other.Zxid > first && other.Zxid <= zxid + 1);
            if (isNeeded)
            {
                progress.Say($"reading {Path.GetFileName(file)}");
                Reading(file, () => log.Read(file));
            }
        }

        progress.Say($"{tree.Count} znodes, {log.Applied} transactions after the snapshot");
        return tree;
    }

    private static (TreeImport Tree, long Zxid) ReadSnapshot(string folder, bool hasLogs, ProgressBar progress)
    {
        List<(long Zxid, string File)> files = Numbered(folder, "snapshot.");
        for (int i = files.Count - 1; i >= 0; i--)
        {
            try
            {
                progress.Say($"reading {Path.GetFileName(files[i].File)}");
                return (ZooKeeperSnapshot.Read(files[i].File, progress.Show), files[i].Zxid);
            }
            catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
            {
                progress.Say($"{Path.GetFileName(files[i].File)} is passed over: {e.Message}");
            }
        }

        return hasLogs && files.Count == 0
            ? (new TreeImport(), 0)
            : throw new StartupException($"There is no whole snapshot of ZooKeeper in {folder}.");
    }

    private static void Reading(string file, Action read)
    {
        try
        {
            read();
        }
        catch (InvalidDataException e)
        {
            throw new StartupException(
                $"{file} cannot be read: {e.Message}. Take the data directory of another server of the ensemble.", e);
        }
    }

    private static string FolderOf(string folder)
    {
        string inner = Path.Combine(folder, Subfolder);
        return Directory.Exists(inner) ? inner
            : Directory.Exists(folder) ? folder
            : throw new StartupException($"There is no folder {folder}.");
    }

    // Files are named by a zxid in hexadecimal; those that are compressed or still being written have more behind it.
    private static List<(long Zxid, string File)> Numbered(string folder, string prefix) =>
    [
        .. Directory.EnumerateFiles(folder, prefix + "*")
            .Select(file => (
                IsOne: long.TryParse(
                    Path.GetFileName(file)[prefix.Length..], NumberStyles.HexNumber, CultureInfo.InvariantCulture,
                    out long zxid),
                Zxid: zxid,
                File: file))
            .Where(static found => found.IsOne)
            .Select(static found => (found.Zxid, found.File))
            .OrderBy(static found => found.Zxid),
    ];
}
