using System.Globalization;
using Orleans.Coord.Replication;

namespace Orleans.Coord.Wal;

/// <summary>The sentences that operators get: which file, what is wrong with it, what to do.</summary>
internal static class Refusal
{
    private const string Restore =
        "Restore the directory from a backup; in a group of several, empty it and let the replica join anew.";

    internal static StorageException Unusable(string directory, DiskException cause) => new(
        cause.Error switch
        {
            DiskError.AccessDenied =>
                $"The data directory {directory} cannot be written ({cause.Message}). " +
                "Give this user write permission, or choose another directory.",
            DiskError.NotADirectory =>
                $"The data directory {directory} is not a directory ({cause.Message}). Choose another path.",
            DiskError.NoSpace =>
                $"The disk that holds the data directory {directory} is full ({cause.Message}). Free some space.",
            _ => $"The data directory {directory} cannot be used ({cause.Message}). Check the disk and the path.",
        },
        cause);

    internal static StorageException Owned(string directory, string owner)
    {
        string who = owner.Length == 0 ? "another process"
            : owner == Environment.ProcessId.ToString(CultureInfo.InvariantCulture) ? $"this process (pid {owner})"
            : $"process {owner}";
        return new StorageException(
            $"The data directory {directory} is in use by {who}, " +
            $"which holds {Path.Combine(directory, FileNames.Lock)}. " +
            "Stop that one first, or choose another directory.");
    }

    internal static StorageException NewerFormat(string file, int version) => new(
        $"{file} says format {version}, written by a newer release; this one knows format {Manifest.Format}. " +
        "Start the newer release, or choose another directory.");

    internal static StorageException Damaged(string file, string what) => new($"{file} is damaged: {what}. {Restore}");

    internal static StorageException Damaged(string file, long offset, string what) => new(
        string.Create(CultureInfo.InvariantCulture, $"{file} is damaged at offset {offset}: {what}. {Restore}"));

    internal static StorageException Missing(string file, string why) => new($"{file} is missing: {why}. {Restore}");

    internal static StorageException TailInDoubt(string file, long offset, string what) => new(
        string.Create(CultureInfo.InvariantCulture, $"{file} is damaged at offset {offset}: {what}; ") +
        "the batch there may have been acknowledged. Restore the file from a backup, or, to go on without the " +
        "writes from there on, start once with --accept-tail-loss.");

    internal static StorageException DiskFailed(DiskException cause) => new(
        cause.Error == DiskError.TakenOver
            ? $"This owner of the replica has to stop ({cause.Message}). What it had acknowledged is with the new one."
            : $"Writing failed ({cause.Message}). What was not acknowledged may be lost; nothing more is accepted. "
                + "Check the disk, then restart.",
        cause);

    internal static StorageException ReadFailed(string file, DiskException cause) => new(
        $"{file} cannot be read ({cause.Message}). Check the disk. {Restore}", cause);
}
