using System.Globalization;
using Orleans.Coord.Consensus;

namespace Orleans.Coord.Wal;

/// <summary>The names in a data directory.</summary>
internal static class FileNames
{
    internal const string Lock = "LOCK";
    internal const string Manifest = "MANIFEST";
    internal const string Peers = "PEERS";
    internal const string Voters = "VOTERS";
    internal const string Temporary = ".tmp";
    private const string LogPrefix = "log-";
    private const string LogSuffix = ".wal";
    private const string SnapshotPrefix = "snapshot-";
    private const string SnapshotSuffix = ".snap";

    internal static string Segment(long number) =>
        string.Create(CultureInfo.InvariantCulture, $"{LogPrefix}{number:D12}{LogSuffix}");

    internal static string Snapshot(LogIndex index, Term term) => string.Create(
        CultureInfo.InvariantCulture, $"{SnapshotPrefix}{index.Value:D16}-{term.Value:D8}{SnapshotSuffix}");

    internal static string Snapshot(SnapshotMetadata metadata) => Snapshot(metadata.Index, metadata.Term);

    internal static bool IsSegment(string name, out long number)
    {
        number = 0;
        return Enclosed(name, LogPrefix, LogSuffix, out string middle)
            && long.TryParse(middle, NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }

    internal static bool IsSnapshot(string name, out LogIndex index, out Term term)
    {
        index = default;
        term = default;
        if (!Enclosed(name, SnapshotPrefix, SnapshotSuffix, out string middle)
            || middle.Split('-') is not [string first, string second]
            || !long.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out long indexValue)
            || !long.TryParse(second, NumberStyles.None, CultureInfo.InvariantCulture, out long termValue))
        {
            return false;
        }

        index = new LogIndex(indexValue);
        term = new Term(termValue);
        return true;
    }

    private static bool Enclosed(string name, string prefix, string suffix, out string middle)
    {
        bool match = name.Length > prefix.Length + suffix.Length
            && name.StartsWith(prefix, StringComparison.Ordinal) && name.EndsWith(suffix, StringComparison.Ordinal);
        middle = match ? name[prefix.Length..^suffix.Length] : "";
        return match;
    }
}
