using System.Globalization;
using Orleans.Coord.Consensus;
using Orleans.Coord.Replication;

namespace Orleans.Coord.Wal;

/// <summary>The decisions at opening that concern manifest, log and snapshots together.</summary>
internal static class DirectoryRecovery
{
    /// <summary>Clears leftovers away and reads the manifest, or writes the first one of an empty directory.</summary>
    internal static Manifest TakeManifest(IDisk disk, string directory, Func<ulong> drawIncarnation)
    {
        Manifest? manifest = Manifest.Read(disk, directory);
        string? data = null;
        foreach (string name in disk.List(directory))
        {
            if (name.EndsWith(FileNames.Temporary, StringComparison.Ordinal))
            {
                disk.Delete(Path.Combine(directory, name));
            }
            else if (FileNames.IsSegment(name, out _) || FileNames.IsSnapshot(name, out _, out _))
            {
                data = name;
            }
        }

        if (manifest is not null)
        {
            return manifest;
        }

        if (data is not null)
        {
            throw Refusal.Missing(
                Path.Combine(directory, FileNames.Manifest),
                $"there is data in the directory ({data}), but not this file");
        }

        manifest = new Manifest(drawIncarnation(), 0, 0);
        manifest.Write(disk, directory);
        return manifest;
    }

    /// <summary>
    /// Checks that snapshot and log together hold everything. True if the log must restart after the snapshot:
    /// because it ends before it, or holds another leader's entry in its place, as after a snapshot was installed
    /// and a crash came before the log was reset.
    /// </summary>
    internal static bool Reconcile(string directory, LogRecovery log, SnapshotStore snapshots)
    {
        SnapshotMetadata? latest = snapshots.Latest;
        LogIndex covered = latest?.Index ?? default;
        LogIndex first = log.Map.FirstIndex;
        if (first > covered.Next)
        {
            throw Uncovered(directory, log, snapshots, first - 1);
        }

        foreach ((_, _, StorageException why) in snapshots.Damaged)
        {
            log.Notes.Add($"{why.Message} The log reaches back far enough to do without it.");
        }

        if (log.Gap is not null)
        {
            log.Notes.Add($"{log.Gap.Message} A snapshot covers what was in it.");
        }

        return latest is not null
            && (log.Map.LastIndex < covered || (first <= covered && log.TermAt(covered) != latest.Term));
    }

    /// <summary>Writes what is queued before there is an observer.</summary>
    internal static void WriteNow(LogWriter writer)
    {
        Silent silent = new();
        WriterStep step = writer.WriteOnce(silent);
        if (step != WriterStep.Wrote)
        {
            throw silent.Error ?? Refusal.DiskFailed(
                new DiskException(DiskError.NoSpace, "write", "the log", "no space left"));
        }
    }

    private static StorageException Uncovered(
        string directory, LogRecovery log, SnapshotStore snapshots, LogIndex needed)
    {
        foreach ((LogIndex index, _, StorageException why) in snapshots.Damaged)
        {
            if (index >= needed)
            {
                return why;
            }
        }

        return log.Gap ?? Refusal.Missing(
            Path.Combine(directory, "snapshot-*.snap"),
            string.Create(
                CultureInfo.InvariantCulture,
                $"the log starts after entry {needed}, so a snapshot of entry {needed} or a later one is needed"));
    }

    private sealed class Silent : ILogStoreObserver
    {
        internal StorageException? Error { get; private set; }

        public void Persisted(long token)
        {
        }

        public void SnapshotPersisted(SnapshotMetadata metadata)
        {
        }

        public void SnapshotAborted(SnapshotMetadata metadata)
        {
        }

        public void Failed(StorageException error) => Error = error;

        public void DiskLow(bool low)
        {
        }
    }
}
