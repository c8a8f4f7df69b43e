namespace Orleans.Coord.Wal;

/// <summary>An open segment of the log.</summary>
internal sealed class Segment(string path, IDiskFile file, SegmentHeader header)
{
    internal string Path { get; } = path;

    internal IDiskFile File { get; } = file;

    internal SegmentHeader Header { get; } = header;

    internal uint Seed { get; } = Sector.Seed(header.Incarnation, header.Number);

    /// <summary>Where the next batch goes.</summary>
    internal long End { get; set; } = Sector.Bytes;

    /// <summary>Whether its successor has been asked for.</summary>
    internal bool SpareWanted { get; set; }
}
