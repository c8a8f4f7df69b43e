using Orleans.Coord.Consensus;
using Orleans.Coord.Replication;

namespace Orleans.Coord.Wal.Tests;

/// <summary>A replica's data in a store of records: one owner at a time, whatever the store does.</summary>
public sealed class RecordDiskTests
{
    private static readonly WalOptions _options = Make.SmallOptions;
    private readonly MemoryRecords _records = new(1);

    [Fact]
    public void Entries_and_snapshots_come_back_to_the_next_owner()
    {
        Recorder recorder = new();
        DataDirectory first = Open("first", recorder);
        for (int i = 1; i <= 200; i++)
        {
            first.Log.Append([Make.Entry(i, bytes: 700)], Make.HardState(1), i);
            Finish(first);
        }

        ISnapshotWriter writer = first.Snapshots.Create(Make.Metadata(150));
        writer.Write(new byte[100_000]);
        writer.Commit();
        Finish(first);
        DataDirectory second = Open("second", new Recorder());
        Assert.Equal(first.Incarnation, second.Incarnation);
        Assert.Equal(150, second.Snapshots.Latest!.Index.Value);
        Make.AssertEqual(Make.Entries(1, 200, bytes: 700), Make.ReadAll(second.Log));
        Assert.Equal(1, second.Log.HardState.Term.Value);
    }

    [Fact]
    public void Of_two_owners_the_later_one_writes_and_the_earlier_one_stops_with_its_name()
    {
        Recorder recorder = new();
        RecordDisk disk = _records.Disk("first");
        DataDirectory first = DataDirectory.Open("/data", _options, disk);
        first.Start(recorder);
        first.Log.Append([Make.Entry(1)], null, 1);
        Finish(first);
        DataDirectory second = Open("silo coord-2", new Recorder());
        first.Log.Append([Make.Entry(2)], null, 2);
        Finish(first);
        Assert.True(disk.IsLost);
        Assert.Contains("silo coord-2 has taken this replica over", recorder.Error!.Message);
        Assert.Equal(1, recorder.Token);

        Recorder seconds = new();
        DataDirectory third = Open("third", seconds);
        Make.AssertEqual(Make.Entries(1, 1), Make.ReadAll(third.Log));
        third.Log.Append([Make.Entry(2, term: 2)], null, 1);
        Finish(third);
        Assert.Equal(1, seconds.Token);
        Assert.NotNull(second);
    }

    [Fact]
    public void Of_two_who_take_it_at_once_one_is_refused_and_hears_of_the_other()
    {
        var racing = new RacingRecords(_records, () => _records.Disk("the other").TryLock("", out _));
        using var disk = new RecordDisk(racing, "this one") { DeletesByItself = false };
        Assert.Null(disk.TryLock("", out string owner));
        Assert.Equal("the other", owner);
    }

    [Fact]
    public void An_owner_that_writes_meanwhile_does_not_keep_another_from_taking_over()
    {
        RecordDisk disk = _records.Disk("first");
        disk.TryLock("", out _);
        int writes = 3;
        var racing = new RacingRecords(_records, () => disk.Create($"/{writes}").Sync(), () => writes-- > 0);
        var second = new RecordDisk(racing, "second") { DeletesByItself = false };
        Assert.NotNull(second.TryLock("", out _));
        Assert.Equal(3, second.List("/").Count);
        Assert.Throws<DiskException>(() => disk.Create("/late").Sync());
        second.Dispose();
    }

    [Fact]
    public async Task A_store_that_does_not_answer_makes_the_log_wait_and_loses_nothing()
    {
        Recorder recorder = new();
        List<string> told = [];
        var disk = new RecordDisk(_records, "patient", error => told.Add(error?.Message ?? "back"));
        DataDirectory directory = DataDirectory.Open("/data", _options, disk);
        directory.Start(recorder);
        _records.IsAway = true;
        directory.Log.Append([Make.Entry(1)], null, 1);
        Task writing = Task.Run(() => Finish(directory));
        while (told.Count == 0)
        {
            await Task.Delay(1);
        }

        Assert.Equal(long.MinValue, recorder.Token);
        _records.IsAway = false;
        await writing;
        Assert.Equal(1, recorder.Token);
        Assert.Equal(["no answer", "back"], told);
        disk.Dispose();
    }

    [Fact]
    public async Task A_process_that_ends_does_not_wait_for_a_store_that_is_away()
    {
        Recorder recorder = new();
        RecordDisk disk = _records.Disk();
        DataDirectory directory = DataDirectory.Open("/data", _options, disk);
        directory.Start(recorder);
        _records.IsAway = true;
        directory.Log.Append([Make.Entry(1)], null, 1);
        Task writing = Task.Run(() => Finish(directory));
        disk.StopWaiting();
        await writing;
        Assert.Equal(long.MinValue, recorder.Token);
        Assert.NotNull(recorder.Error);
    }

    [Fact]
    public void A_damaged_head_is_named_and_nothing_is_taken_over()
    {
        Open("first", new Recorder());
        StoredRecord head = _records.Read(RecordDisk.HeadName)!.Value;
        byte[] damaged = head.Bytes.ToArray();
        damaged[20] ^= 1;
        _records.Write(RecordDisk.HeadName, damaged, head.Etag);
        string message = Assert.Throws<StorageException>(() => Open("second", new Recorder())).Message;
        Assert.Contains("head", message);
        Assert.Contains("checksum", message);
    }

    [Theory]
    [InlineData(0, 10, 10)]
    [InlineData(4090, 20, 9000)]
    [InlineData(8192, 4096, 12_288)]
    public void Bytes_that_were_cut_off_do_not_come_back(long offset, int count, long length)
    {
        RecordDisk disk = _records.Disk();
        disk.TryLock("", out _);
        IDiskFile file = disk.Create("/f");
        file.Write(offset, Enumerable.Repeat((byte)7, count).ToArray());
        file.Sync();
        file.Truncate(0);
        file.Allocate(length);
        file.Sync();
        RecordDisk next = _records.Disk();
        next.TryLock("", out _);
        byte[] content = new byte[length];
        Assert.Equal(length, next.Open("/f").Read(0, content));
        Assert.DoesNotContain((byte)7, content);
    }

    private DataDirectory Open(string owner, Recorder recorder)
    {
        DataDirectory directory = DataDirectory.Open("/data", _options, _records.Disk(owner));
        directory.Start(recorder);
        return directory;
    }

    private static void Finish(DataDirectory directory)
    {
        while (directory.RunOnce())
        {
        }
    }

    // Somebody else comes between the first read and the first write.
    private sealed class RacingRecords(IRecordStore inner, Action between, Func<bool>? again = null) : IRecordStore
    {
        private bool _raced;

        public StoredRecord? Read(string name)
        {
            StoredRecord? record = inner.Read(name);
            if (again?.Invoke() ?? !_raced)
            {
                _raced = true;
                between();
            }

            return record;
        }

        public string Write(string name, ReadOnlyMemory<byte> bytes, string? etag) => inner.Write(name, bytes, etag);

        public void Delete(string name) => inner.Delete(name);
    }
}
