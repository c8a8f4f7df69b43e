using Orleans.Coord.Replication;

namespace Orleans.Coord.Wal;

/// <summary>
/// Tells the observer when the free space falls below the reserve, and when it is back. Beside the reserve there must
/// be room for another snapshot: without one the log could never give back what it takes.
/// </summary>
/// <param name="directory">Any folder on the disk.</param>
/// <param name="disk">The disk.</param>
/// <param name="reserveBytes">What is to stay free.</param>
/// <param name="neededBytes">What a new segment needs.</param>
/// <param name="snapshotBytes">Tells the size of the newest snapshot.</param>
internal sealed class SpaceMonitor(
    string directory, IDisk disk, long reserveBytes, long neededBytes, Func<long> snapshotBytes)
{
    private readonly Lock _gate = new();
    private bool _low;
    private volatile bool _full;

    /// <summary>Looks at the disk.</summary>
    internal void Check(ILogStoreObserver observer)
    {
        // After a write has failed, there must be room for a new segment, or the next attempt fails as well.
        long reserve = reserveBytes + snapshotBytes();
        long wanted = _full ? Math.Max(reserve, neededBytes) : reserve;
        bool low = disk.FreeBytes(directory) < wanted;
        _full &= low;
        Report(low, observer);
    }

    /// <summary>A write ran out of space, whatever the figures say.</summary>
    internal void MarkFull(ILogStoreObserver observer)
    {
        _full = true;
        Report(low: true, observer);
    }

    private void Report(bool low, ILogStoreObserver observer)
    {
        lock (_gate)
        {
            if (low == _low)
            {
                return;
            }

            _low = low;
            observer.DiskLow(low);
        }
    }
}
