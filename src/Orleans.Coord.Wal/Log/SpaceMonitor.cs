using Orleans.Coord.Replication;

namespace Orleans.Coord.Wal;

/// <summary>Tells the observer when the free space falls below the reserve, and when it is back.</summary>
internal sealed class SpaceMonitor(string directory, IDisk disk, long reserveBytes, long neededBytes)
{
    private readonly Lock _gate = new();
    private bool _low;
    private volatile bool _full;

    /// <summary>Looks at the disk.</summary>
    internal void Check(ILogStoreObserver observer)
    {
        // After a write has failed, there must be room for a new segment, or the next attempt fails as well.
        long wanted = _full ? Math.Max(reserveBytes, neededBytes) : reserveBytes;
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
