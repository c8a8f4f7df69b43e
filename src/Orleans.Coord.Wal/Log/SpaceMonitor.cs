using Orleans.Coord.Replication;

namespace Orleans.Coord.Wal;

/// <summary>Watches the free space and tells the observer when it falls below the reserve, and when it is back.</summary>
internal sealed class SpaceMonitor(string directory, IDisk disk, long reserveBytes)
{
    private readonly Lock _gate = new();
    private bool _low;

    /// <summary>Looks at the disk.</summary>
    internal void Check(ILogStoreObserver observer) => Report(disk.FreeBytes(directory) < reserveBytes, observer);

    /// <summary>A write ran out of space, whatever the figures say.</summary>
    internal void MarkFull(ILogStoreObserver observer) => Report(low: true, observer);

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
