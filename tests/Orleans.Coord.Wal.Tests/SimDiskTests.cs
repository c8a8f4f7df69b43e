using Orleans.Coord.Simulation;

namespace Orleans.Coord.Wal.Tests;

/// <summary>The simulated disk is as unkind as it says: else the crash tests would prove nothing.</summary>
public sealed class SimDiskTests
{
    [Fact]
    public void A_kill_loses_nothing_that_was_written()
    {
        SimDisk disk = new(1);
        Write(disk, "/a", 10, sync: false);
        disk.Restart(CrashKind.Kill);
        Assert.Equal(10, Sectors(disk, "/a", 1));
    }

    [Fact]
    public void Power_loss_keeps_what_was_synced()
    {
        for (ulong seed = 0; seed < 50; seed++)
        {
            SimDisk disk = new(seed);
            Write(disk, "/a", 10, sync: true);
            disk.SyncDirectory("/");
            disk.Restart(CrashKind.PowerLoss);
            Assert.Equal(10, Sectors(disk, "/a", 1));
        }
    }

    [Fact]
    public void Power_loss_keeps_none_some_or_all_of_what_was_not_synced()
    {
        HashSet<int> kept = [];
        bool hole = false;
        for (ulong seed = 0; seed < 300; seed++)
        {
            SimDisk disk = new(seed);
            Write(disk, "/a", 10, sync: true);
            disk.SyncDirectory("/");
            using (IDiskFile file = disk.Open("/a"))
            {
                file.Write(0, Enumerable.Repeat((byte)2, 5120).ToArray());
            }

            disk.Restart(CrashKind.PowerLoss);
            int news = Sectors(disk, "/a", 2);
            Assert.Equal(10, news + Sectors(disk, "/a", 1));
            kept.Add(news);
            hole |= news > 0 && First(disk, "/a") == 1;
        }

        Assert.Contains(0, kept);
        Assert.Contains(10, kept);
        Assert.True(kept.Count > 6 && hole);
    }

    [Fact]
    public void Names_may_be_lost_until_their_directory_is_synced()
    {
        HashSet<string> outcomes = [];
        for (ulong seed = 0; seed < 100; seed++)
        {
            SimDisk disk = new(seed);
            Write(disk, "/a", 1, sync: true);
            disk.SyncDirectory("/");
            disk.Rename("/a", "/b");
            Write(disk, "/c", 1, sync: true);
            disk.Restart(CrashKind.PowerLoss);
            outcomes.Add(string.Join(",", disk.Files));
        }

        Assert.Contains("/a", outcomes);
        Assert.Contains("/b", outcomes);
        Assert.Contains("/b,/c", outcomes);
    }

    [Fact]
    public void After_a_failed_sync_the_next_one_lies()
    {
        SimDisk disk = new(3);
        IDiskFile file = disk.Create("/a");
        file.Allocate(512);
        file.Sync();
        disk.SyncDirectory("/");
        file.Write(0, [1]);
        disk.Fault = (name, _) => name == "sync" ? DiskError.Io : null;
        Assert.Throws<DiskException>(file.Sync);
        disk.Fault = null;
        file.Sync();
        disk.Restart(CrashKind.PowerLoss);
        Assert.Equal(0, First(disk, "/a"));
    }

    [Fact]
    public void The_machine_stops_at_the_operation_asked_for_and_stays_stopped()
    {
        SimDisk disk = new(1);
        IDiskFile file = disk.Create("/a");
        disk.CrashAfter(2);
        file.Write(0, [1]);
        file.Sync();
        Assert.Throws<SimCrashException>(() => file.Write(0, [2]));
        Assert.Throws<SimCrashException>(() => disk.Open("/a"));
        Assert.Throws<SimCrashException>(() => disk.List("/"));
        disk.Restart(CrashKind.Kill);
        Assert.Equal(1, First(disk, "/a"));
        Assert.Throws<InvariantException>(() => file.Read(0, new byte[1]));
    }

    [Fact]
    public void Locks_end_with_their_holder_or_the_machine()
    {
        SimDisk disk = new(1);
        IDisposable held = disk.TryLock("/LOCK", out _)!;
        Assert.Null(disk.TryLock("/LOCK", out string owner));
        Assert.NotEmpty(owner);
        held.Dispose();
        held = disk.TryLock("/LOCK", out _)!;
        disk.Restart(CrashKind.Kill);
        Assert.NotNull(disk.TryLock("/LOCK", out _));

        // A dead holder's handle frees nothing.
        held.Dispose();
        Assert.Null(disk.TryLock("/LOCK", out _));
    }

    [Fact]
    public void The_same_seed_gives_the_same_disk()
    {
        static string Run(ulong seed)
        {
            SimDisk disk = new(seed);
            for (int i = 0; i < 10; i++)
            {
                Write(disk, "/" + i, 20, sync: i % 3 == 0);
            }

            disk.Restart(CrashKind.PowerLoss);
            return string.Join(";", disk.Files.Select(path => path + Sectors(disk, path, 1)));
        }

        Assert.Equal(Run(8), Run(8));
        Assert.NotEqual(Run(8), Run(9));
    }

    private static void Write(SimDisk disk, string path, int sectors, bool sync)
    {
        using IDiskFile file = disk.Create(path);
        file.Write(0, Enumerable.Repeat((byte)1, sectors * 512).ToArray());
        if (sync)
        {
            file.Sync();
        }
    }

    private static int Sectors(SimDisk disk, string path, byte value)
    {
        using IDiskFile file = disk.Open(path);
        byte[] bytes = new byte[file.Length];
        file.Read(0, bytes);
        return bytes.Chunk(512).Count(sector => sector.All(b => b == value));
    }

    private static byte First(SimDisk disk, string path)
    {
        using IDiskFile file = disk.Open(path);
        byte[] bytes = new byte[1];
        file.Read(0, bytes);
        return bytes[0];
    }
}
