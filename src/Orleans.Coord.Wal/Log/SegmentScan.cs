namespace Orleans.Coord.Wal;

/// <summary>What lies behind the last whole batch of a segment.</summary>
internal enum TailKind
{
    /// <summary>Nothing was ever written there.</summary>
    Blank,

    /// <summary>Parts of one batch, its other sectors still blank: its sync cannot have finished.</summary>
    Torn,

    /// <summary>Damaged sectors, and no proof of whether they were synced.</summary>
    InDoubt,

    /// <summary>A damaged batch, and part of a later one, which is only written after the first is synced.</summary>
    Corrupt,
}

/// <summary>The verdict on a segment's tail.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Offset">The first sector that is not whole.</param>
/// <param name="NonBlankEnd">Behind this offset all is blank.</param>
internal readonly record struct Tail(TailKind Kind, long Offset, long NonBlankEnd);

/// <summary>
/// Judges what follows the last whole batch. Sectors carry their batch's number and their own checksum, and a batch
/// is written only when the one before is synced; so each sector says by itself whether it arrived and whose it is.
/// </summary>
internal static class SegmentScan
{
    /// <param name="reader">Open on the segment.</param>
    /// <param name="start">Where the batch with the expected number should start.</param>
    /// <param name="end">The segment's size.</param>
    /// <param name="expected">The expected number.</param>
    internal static Tail Judge(BatchReader reader, long start, long end, long expected)
    {
        // Where the expected batch ends, if its first sector still says so.
        long batchEnd = reader.TryReadHeader(start, out BatchHeader header) && header.Sequence == expected
            ? Math.Min(end, start + header.FramedBytes) : 0;
        long firstBad = -1;
        long nonBlankEnd = start;
        bool damaged = false;
        bool later = false;
        bool missing = false;
        for (long at = start; at < end; at += Sector.Bytes)
        {
            SectorState state = reader.SectorAt(at, out uint tag);
            bool ours = state == SectorState.Whole && tag == (uint)expected;
            firstBad = firstBad < 0 && !ours ? at : firstBad;
            missing |= state == SectorState.Blank && at < batchEnd;
            // A damaged sector outside a batch that is known to be torn is not that batch's.
            damaged |= state == SectorState.Damaged;
            later |= state == SectorState.Whole && !ours;
            nonBlankEnd = state == SectorState.Blank ? nonBlankEnd : at + Sector.Bytes;
        }

        bool torn = !damaged || (missing && nonBlankEnd <= batchEnd);
        TailKind kind = later ? TailKind.Corrupt
            : nonBlankEnd == start ? TailKind.Blank
            : torn ? TailKind.Torn
            : TailKind.InDoubt;
        return new Tail(kind, firstBad < 0 ? start : firstBad, nonBlankEnd);
    }
}
