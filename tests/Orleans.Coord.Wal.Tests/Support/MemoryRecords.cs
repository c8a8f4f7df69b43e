using System.Globalization;
using Orleans.Coord.Simulation;

namespace Orleans.Coord.Wal.Tests;

/// <summary>
/// A store of records in memory that fails as a database behind a network does: calls that are not answered although
/// they may have happened, and machines that stop in the middle of one.
/// </summary>
internal sealed class MemoryRecords(ulong seed) : IRecordStore
{
    private readonly SplitMix64 _random = new(seed);
    private readonly Dictionary<string, StoredRecord> _records = [];
    private int _changes;
    private int _untilCrash = int.MaxValue;
    private bool _stopped;

    /// <summary>About one call in this many is not answered; 0 for none.</summary>
    internal int FailEvery { get; set; }

    /// <summary>Fails every call.</summary>
    internal bool IsAway { get; set; }

    /// <summary>The records but the head.</summary>
    internal IReadOnlyList<string> Blocks => [.. _records.Keys.Where(name => name != RecordDisk.HeadName)];

    internal void CrashAfter(int changes) => _untilCrash = changes;

    internal void Restart()
    {
        _stopped = false;
        _untilCrash = int.MaxValue;
    }

    /// <summary>Another owner's view of the records; small blocks, so that little data has many.</summary>
    internal RecordDisk Disk(string owner = "a test") => new(this, owner)
    {
        BlockBytes = 4 << 10,
        MaxPatchBytes = 2 << 10,
        DeletesByItself = false,
        FirstPauseMs = 0,
    };

    public StoredRecord? Read(string name)
    {
        MayFail();
        return _records.TryGetValue(name, out StoredRecord record) ? record : null;
    }

    public string Write(string name, ReadOnlyMemory<byte> bytes, string? etag)
    {
        Change(() =>
        {
            if (_records.GetValueOrDefault(name).Etag != etag)
            {
                throw new RecordConflictException(name);
            }

            string next = (++_changes).ToString(CultureInfo.InvariantCulture);
            _records[name] = new StoredRecord(bytes.ToArray(), next);
        });
        return _records[name].Etag;
    }

    public void Delete(string name) => Change(() => _records.Remove(name));

    /// <summary>Once all garbage is deleted, only blocks that a file has are there.</summary>
    internal void AssertNothingIsLeftBehind(RecordDisk disk)
    {
        FailEvery = 0;
        while (disk.DeleteSome())
        {
        }

        HeadRecord head = HeadRecord.Decode(_records[RecordDisk.HeadName].Bytes, disk);
        Assert.Equal(
            head.Files.Values.SelectMany(file => file.Blocks).Select(id => id.Name).Order(), Blocks.Order());
    }

    private void Change(Action change)
    {
        MayFail();
        if (_untilCrash-- <= 0)
        {
            _stopped = true;
            if (_random.Below(2) == 0)
            {
                change();
            }
        }

        MayFail();
        change();
        if (FailEvery > 0 && _random.Below(FailEvery) == 0)
        {
            throw new IOException("no answer, though it happened");
        }
    }

    private void MayFail()
    {
        if (_stopped)
        {
            throw new SimCrashException();
        }

        if (IsAway || (FailEvery > 0 && _random.Below(FailEvery) == 0))
        {
            throw new IOException("no answer");
        }
    }
}
