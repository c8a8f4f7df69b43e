using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Orleans.Coord.Consensus;
using Orleans.Coord.Replication;
using Orleans.Coord.SiloHost;
using Orleans.Coord.SiloHost.Clustered;
using Orleans.Coord.SiloHost.Standalone;
using Orleans.Coord.Wal;
using Orleans.Storage;

namespace Orleans.Coord.Grains.Tests;

/// <summary>Replicas in Orleans' grain storage on a real PostgreSQL: what two owners at once can do.</summary>
public sealed class GrainRecordStoreTests : IAsyncLifetime
{
    private static readonly ReplicaId _replica = new(1);

    private PostgresServer? _server;
    private IHost? _silo;
    private CoordSettings _settings = new();

    public async Task InitializeAsync()
    {
        if (!PostgresServer.IsInstalled)
        {
            return;
        }

        _server = new PostgresServer();
        _settings = new CoordSettings { Database = _server.ConnectionString, Storage = "GrainStorage" };
        await Database.InitializeAsync(_server.ConnectionString);
        await Database.InitializeAsync(_server.ConnectionString);
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        int[] ports = FreePorts.Find(2);
        builder.UseOrleans(silo =>
        {
            silo.UseLocalhostClustering(ports[0], ports[1]);
            ReplicaStore.Configure(silo, _settings);
        });
        _silo = builder.Build();
        await _silo.StartAsync();
    }

    public async Task DisposeAsync()
    {
        if (_silo is not null)
        {
            await _silo.StopAsync();
            _silo.Dispose();
        }

        _server?.End();
    }

    [PostgresFact]
    public async Task Of_two_writers_one_wins_and_the_other_stops_and_loses_nothing_acknowledged()
    {
        using var first = new Owner(this);
        first.Append(100);
        await first.AcknowledgedAsync(100);
        using var second = new Owner(this);
        Assert.Equal(100, second.Log.LastIndex.Value);
        first.Append(1);
        StorageException stopped = await first.Failure;
        Assert.Contains("has taken this replica over", stopped.Message, StringComparison.Ordinal);
        Assert.Equal(100, first.Acknowledged);
        second.Append(1);
        await second.AcknowledgedAsync(101);
    }

    [PostgresFact]
    public async Task Owners_that_take_over_in_the_midst_of_writes_find_all_that_was_acknowledged()
    {
        var owner = new Owner(this);
        for (int round = 0; round < 10; round++)
        {
            long before = owner.Log.LastIndex.Value;
            Owner writer = owner;
            Task writing = Task.Run(() =>
            {
                while (!writer.Failure.IsCompleted)
                {
                    writer.Append(1);
                    Thread.Yield();
                }
            });
            await owner.AcknowledgedAsync(before + 20);
            owner = new Owner(this);
            // It may still finish what it had begun before the takeover, and nothing after it.
            await writing;
            Assert.True(owner.Log.LastIndex.Value >= writer.Acknowledged);
            List<Entry> entries = [];
            owner.Log.Read(new LogIndex(1), owner.Log.LastIndex, int.MaxValue, entries);
            Assert.All(entries, entry => Assert.Equal(entry.Index.Value, BitConverter.ToInt64(entry.Payload.Span)));
            writer.Dispose();
        }

        owner.Dispose();
    }

    [PostgresFact]
    public async Task Of_two_who_create_a_record_at_once_one_is_refused()
    {
        GrainRecordStore[] stores = [Records(), Records()];
        for (int i = 0; i < 200; i++)
        {
            string name = $"key-{i}";
            bool[] made = await Task.WhenAll(stores.Select(store => Task.Run(() =>
            {
                try
                {
                    store.Write(name, new byte[] { 1 }, null);
                    return true;
                }
                catch (RecordConflictException)
                {
                    return false;
                }
            })));
            Assert.Single(made, won => won);
        }
    }

    [PostgresFact]
    public void A_record_changes_only_for_who_knows_it_and_is_gone_after_its_deletion()
    {
        GrainRecordStore store = Records();
        Assert.Null(store.Read("r"));
        string first = store.Write("r", new byte[] { 1 }, null);
        string second = store.Write("r", new byte[] { 2, 3 }, first);
        Assert.Throws<RecordConflictException>(() => store.Write("r", new byte[] { 4 }, first));
        Assert.Equal(new StoredRecord(default, second).Etag, store.Read("r")!.Value.Etag);
        Assert.Equal([2, 3], store.Read("r")!.Value.Bytes.ToArray());
        store.Delete("r");
        store.Delete("r");
        Assert.Null(store.Read("r"));
    }

    // As an owner and the one who took over from it do with what neither has any more.
    [PostgresFact]
    public async Task Two_who_delete_a_record_at_once_both_find_it_gone()
    {
        GrainRecordStore[] stores = [Records(), Records()];
        for (int i = 0; i < 200; i++)
        {
            string name = $"gone-{i}";
            stores[0].Write(name, new byte[] { 1 }, null);
            await Task.WhenAll(stores.Select(store => Task.Run(() => store.Delete(name))));
            Assert.Null(stores[1].Read(name));
        }
    }

    [PostgresFact]
    public async Task A_database_that_crashes_makes_writes_wait()
    {
        using var owner = new Owner(this);
        owner.Append(10);
        await owner.AcknowledgedAsync(10);
        Task restart = Task.Run(_server!.Restart);
        owner.Append(10);
        await restart;
        await owner.AcknowledgedAsync(20);
        Assert.False(owner.Failure.IsCompleted);
    }

    private GrainRecordStore Records() =>
        new(_silo!.Services.GetRequiredKeyedService<IGrainStorage>("coord"), _replica);

    /// <summary>One owner of the replica's data.</summary>
    private sealed class Owner : ILogStoreObserver, IDisposable
    {
        private readonly ReplicaStore _store;
        private readonly DataDirectory _directory;
        private readonly Lock _gate = new();
        private readonly TaskCompletionSource<StorageException> _failure =
            new(TaskCreationOptions.RunContinuationsAsynchronously);

        private long _next;
        private long _acknowledged;

        public Owner(GrainRecordStoreTests test)
        {
            _store = new ReplicaStore(test._silo!.Services, test._settings, NullLoggerFactory.Instance);
            (RecordDisk disk, ReplicaStorage storage) = _store.Of(_replica);
            _directory = DataDirectory.Open(
                storage.Path, new WalOptions { SegmentBytes = 1 << 20, QuickSegmentBytes = 1 << 18 }, disk);
            _next = _directory.Log.LastIndex.Value;
            _directory.Start(this);
        }

        public ILogStore Log => _directory.Log;

        public Task<StorageException> Failure => _failure.Task;

        /// <summary>The newest entry that is durable.</summary>
        public long Acknowledged => Interlocked.Read(ref _acknowledged);

        public void Append(int count)
        {
            lock (_gate)
            {
                for (int i = 0; i < count; i++)
                {
                    _next++;
                    byte[] payload = new byte[200];
                    BitConverter.TryWriteBytes(payload, _next);
                    Log.Append(
                        [new Entry(new LogIndex(_next), new Term(1), EntryKind.Command, payload)], null, _next);
                }
            }
        }

        public async Task AcknowledgedAsync(long index)
        {
            while (Acknowledged < index)
            {
                await Task.Delay(1);
                Assert.False(_failure.Task.IsCompleted, "the owner has stopped");
            }
        }

        public void Persisted(long token) => Interlocked.Exchange(ref _acknowledged, token);

        public void SnapshotPersisted(SnapshotMetadata metadata)
        {
        }

        public void SnapshotAborted(SnapshotMetadata metadata)
        {
        }

        public void Failed(StorageException error) => _failure.TrySetResult(error);

        public void DiskLow(bool low)
        {
        }

        public void Dispose()
        {
            _store.StopWaiting();
            _directory.Dispose();
            _store.Dispose();
        }
    }
}
