using Orleans.Coord.Consensus;
using Orleans.Coord.Replication;
using Orleans.Coord.Simulation;

namespace Orleans.Coord.Wal.Tests;

/// <summary>A data directory on a simulated disk, driven step by step.</summary>
internal sealed class Rig
{
    internal const string Folder = "/data";
    private DataDirectory? _directory;
    private long _token;

    internal SimDisk Disk { get; } = new(1);

    internal WalOptions Options { get; set; } = Make.SmallOptions;

    internal Recorder Recorder { get; private set; } = new();

    internal DataDirectory Directory => _directory!;

    internal ILogStore Log => Directory.Log;

    /// <summary>The log's segments, oldest first.</summary>
    internal string[] Segments => [.. Disk.Files.Where(path => path.EndsWith(".wal", StringComparison.Ordinal))];

    internal string[] SnapshotFiles => [.. Disk.Files.Where(path => path.EndsWith(".snap", StringComparison.Ordinal))];

    internal Rig Open()
    {
        Recorder = new Recorder();
        _token = 0;
        _directory = DataDirectory.Open(Folder, Options, Disk);
        _directory.Start(Recorder);
        return this;
    }

    /// <summary>Stops the machine and opens the directory again.</summary>
    internal Rig Reopen(CrashKind kind = CrashKind.Kill)
    {
        Disk.Restart(kind);
        return Open();
    }

    /// <summary>Stops the machine; the directory must refuse to open, with a sentence.</summary>
    internal string Refused()
    {
        Disk.Restart(CrashKind.Kill);
        return Assert.Throws<StorageException>(() => DataDirectory.Open(Folder, Options, Disk)).Message;
    }

    internal long Append(ReadOnlySpan<Entry> entries, HardState? hardState = null)
    {
        Log.Append(entries, hardState, ++_token);
        return _token;
    }

    /// <summary>Appends entries one batch at a time, each acknowledged.</summary>
    internal Rig AppendEach(long from, long to, int bytes = 100)
    {
        for (long index = from; index <= to; index++)
        {
            long token = Append([Make.Entry(index, bytes: bytes)]);
            Settle();
            Assert.Equal(token, Recorder.Token);
        }

        return this;
    }

    internal void Reset(long index, long term) => Log.Reset(new LogIndex(index), new Term(term), ++_token);

    internal Rig Settle()
    {
        while (Directory.RunOnce())
        {
        }

        return this;
    }

    internal Rig Snapshot(long index, long term = 1)
    {
        ISnapshotWriter writer = Directory.Snapshots.Create(Make.Metadata(index, term));
        for (int i = 0; i < 4; i++)
        {
            writer.Write(Make.Entry(index + i, bytes: 1000).Payload.Span);
        }

        writer.Commit();
        return Settle();
    }

    internal void AssertHolds(long from, long to)
    {
        Assert.Equal((from, to), (Log.FirstIndex.Value, Log.LastIndex.Value));
        Make.AssertEqual(Make.Entries(from, to), Make.ReadAll(Log));
    }
}
