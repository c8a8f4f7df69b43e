using Orleans.Coord.Consensus;

namespace Orleans.Coord.Wal;

/// <summary>Where writing goes on: the last segment, the next batch's number, the newest hard state.</summary>
internal readonly record struct LogPosition(Segment Segment, long NextSequence, HardState HardState);

/// <summary>Gives segments their header and name.</summary>
internal sealed class LogFiles(
    string directory, Manifest manifest, IDisk disk, SegmentFactory factory, Action wakeBackground, long lastNumber)
{
    private long _number = lastNumber;

    /// <summary>
    /// Starts the next segment. Its header is durable before its name is, and its name before any batch in it: a
    /// segment that bears its name without a good header is damaged, not torn.
    /// </summary>
    internal Segment Start(int batchBytes, long firstSequence, LogIndex previousIndex, HardState hardState)
    {
        (IDiskFile file, string temporary) = factory.Take(Sector.Bytes + (long)batchBytes);
        try
        {
            SegmentHeader header = new(
                manifest.Incarnation, _number + 1, file.Length, firstSequence, previousIndex, hardState);
            Span<byte> sector = stackalloc byte[Sector.Bytes];
            header.Encode(sector);
            file.Write(0, sector);
            file.Sync();
            string path = Path.Combine(directory, FileNames.Segment(_number + 1));
            disk.Rename(temporary, path);
            disk.SyncDirectory(directory);
            _number++;

            // Opened again under its name, so that errors name it.
            file.Dispose();
            file = disk.Open(path);

            // From now on a lost newest segment is noticed.
            (manifest with { NewestSegment = _number }).Write(disk, directory);
            return new Segment(path, file, header);
        }
        catch (DiskException)
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Has the next segment made in time, once this one is half full.</summary>
    internal void Used(Segment segment)
    {
        if (!segment.SpareWanted && segment.End > segment.Header.Capacity / 2)
        {
            segment.SpareWanted = true;
            factory.WantSpare();
            wakeBackground();
        }
    }
}
