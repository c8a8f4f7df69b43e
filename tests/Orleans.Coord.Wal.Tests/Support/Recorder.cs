using Orleans.Coord.Consensus;
using Orleans.Coord.Replication;

namespace Orleans.Coord.Wal.Tests;

/// <summary>Keeps what a store reported, and lets a test wait for it.</summary>
internal sealed class Recorder : ILogStoreObserver
{
    private readonly object _gate = new();

    internal long Token { get; private set; } = long.MinValue;

    internal List<SnapshotMetadata> Snapshots { get; } = [];

    internal List<SnapshotMetadata> Aborted { get; } = [];

    internal StorageException? Error { get; private set; }

    internal List<bool> Low { get; } = [];

    public void Persisted(long token) => Record(() =>
    {
        Assert.True(token > Token);
        Token = token;
    });

    public void SnapshotPersisted(SnapshotMetadata metadata) => Record(() => Snapshots.Add(metadata));

    public void SnapshotAborted(SnapshotMetadata metadata) => Record(() => Aborted.Add(metadata));

    public void Failed(StorageException error) => Record(() =>
    {
        Assert.Null(Error);
        Error = error;
    });

    public void DiskLow(bool low) => Record(() => Low.Add(low));

    /// <summary>Waits until something holds; the minute is only there to end a broken test.</summary>
    internal void WaitFor(Func<bool> condition)
    {
        lock (_gate)
        {
            while (!condition())
            {
                Assert.True(Monitor.Wait(_gate, TimeSpan.FromMinutes(1)), "nothing was reported for a minute");
            }
        }
    }

    private void Record(Action action)
    {
        lock (_gate)
        {
            action();
            Monitor.PulseAll(_gate);
        }
    }
}
