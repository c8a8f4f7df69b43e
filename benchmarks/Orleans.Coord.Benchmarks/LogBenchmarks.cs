using BenchmarkDotNet.Attributes;
using Orleans.Coord.Consensus;
using Orleans.Coord.Replication;
using Orleans.Coord.Wal;

namespace Orleans.Coord.Benchmarks;

/// <summary>Appending entries of 200 bytes to the log on this machine's disk, each batch synced.</summary>
public class LogBenchmarks : ILogStoreObserver
{
    private readonly SemaphoreSlim _persisted = new(0);
    private readonly string _folder = Path.Combine("/var/tmp", "coord-bench-" + Guid.NewGuid().ToString("N"));
    private DataDirectory? _directory;
    private Entry[] _entries = [];
    private long _token;

    [Params(1, 32, 512)]
    public int EntriesPerSync { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _directory = DataDirectory.Open(_folder, new WalOptions(), new NativeDisk());
        _directory.Start(this);
        _entries = new Entry[EntriesPerSync];
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _directory!.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Benchmark]
    public void AppendAndSync()
    {
        ILogStore log = _directory!.Log;
        byte[] payload = new byte[200];
        LogIndex next = log.LastIndex.Next;
        for (int i = 0; i < _entries.Length; i++)
        {
            _entries[i] = new Entry(next + i, new Term(1), EntryKind.Command, payload);
        }

        log.Append(_entries, null, ++_token);
        _persisted.Wait();
    }

    public void Persisted(long token) => _persisted.Release();

    public void SnapshotPersisted(SnapshotMetadata metadata)
    {
    }

    public void SnapshotAborted(SnapshotMetadata metadata)
    {
    }

    public void Failed(StorageException error) => throw error;

    public void DiskLow(bool low)
    {
    }
}
