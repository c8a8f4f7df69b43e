using Orleans.Coord.Consensus;

namespace Orleans.Coord.Wal.Tests;

/// <summary>The whole store with its threads on the machine's own disk.</summary>
public sealed class RealDiskTests : IDisposable
{
    private static readonly WalOptions Options = Make.SmallOptions with { OwnThreads = true };
    private readonly TempFolder _folder = new();
    private readonly Recorder _recorder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Entries_and_hard_state_survive_a_restart()
    {
        Entry[] entries = Make.Entries(1, 2000);
        using (DataDirectory directory = Open())
        {
            for (int i = 0; i < entries.Length; i += 10)
            {
                directory.Log.Append(entries.AsSpan(i, 10), i == 0 ? Make.HardState(3, 2) : null, i);
            }

            _recorder.WaitFor(() => _recorder.Token == 1990);
            Make.AssertEqual(entries, Make.ReadAll(directory.Log));
        }

        using DataDirectory again = Open();
        Assert.Equal(Make.HardState(3, 2), again.Log.HardState);
        Assert.Equal((1, 2000), (again.Log.FirstIndex.Value, again.Log.LastIndex.Value));
        Make.AssertEqual(entries, Make.ReadAll(again.Log));
        Assert.Empty(again.Notes);
    }

    [Fact]
    public void Entries_can_be_read_before_they_are_synced()
    {
        using DataDirectory directory = Open();
        for (int i = 1; i <= 500; i++)
        {
            directory.Log.Append([Make.Entry(i)], null, i);
            List<Entry> read = [];
            directory.Log.Read(new LogIndex(Math.Max(1, i - 5)), new LogIndex(i), int.MaxValue, read);
            Make.AssertEqual(Make.Entries(Math.Max(1, i - 5), i), read);
        }
    }

    [Fact]
    public void A_snapshot_is_read_back_chunk_by_chunk_and_lets_the_log_be_trimmed()
    {
        byte[][] chunks = [[1, 2, 3], [], new byte[300_000], [9]];
        using (DataDirectory directory = Open())
        {
            directory.Log.Append(Make.Entries(1, 3000), null, 1);
            var writer = directory.Snapshots.Create(Make.Metadata(2500));
            foreach (byte[] chunk in chunks)
            {
                writer.Write(chunk);
            }

            writer.Commit();
            _recorder.WaitFor(() => _recorder.Snapshots.Count == 1 && _recorder.Token == 1);
            directory.Log.Append(Make.Entries(3001, 3100), null, 2);
            _recorder.WaitFor(() => _recorder.Token == 2);
            directory.Log.TrimTo(new LogIndex(2500));
        }

        using DataDirectory again = Open();
        Assert.Equal(2500, again.Snapshots.Latest!.Index.Value);
        Assert.Equal([1, 2, 3], again.Snapshots.Latest.Configuration.ToArray());
        byte[][] read = [.. again.Snapshots.ReadChunks(again.Snapshots.Latest).Select(chunk => chunk.ToArray())];
        Assert.Equal(chunks, read);
        Assert.Equal(3100, again.Log.LastIndex.Value);
        Assert.True(again.Log.FirstIndex.Value <= 2501);
    }

    private DataDirectory Open()
    {
        DataDirectory directory = DataDirectory.Open(_folder.Path, Options, new NativeDisk());
        directory.Start(_recorder);
        return directory;
    }
}
