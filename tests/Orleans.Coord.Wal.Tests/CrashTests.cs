using Orleans.Coord.Replication;

namespace Orleans.Coord.Wal.Tests;

/// <summary>Random crashes under the real log code; the seed is in the message of a failure.</summary>
public sealed class CrashTests
{
    [Fact]
    public void Whatever_was_acknowledged_survives_any_crash()
    {
        for (ulong seed = 1; seed <= 250; seed++)
        {
            Run(seed, world =>
            {
                world.Recover();
                for (int life = 0; life < 6; life++)
                {
                    world.RunUntilCrash(60);
                    world.Recover();
                }
            });
        }
    }

    [Fact]
    public void Whatever_was_acknowledged_survives_any_crash_in_a_store_of_records_that_often_does_not_answer()
    {
        for (ulong seed = 4000; seed <= 4060; seed++)
        {
            var world = new CrashWorld(seed, inRecords: true);
            Run(seed, world, _ =>
            {
                world.Records!.FailEvery = world.Random.Below(2) == 0 ? 0 : 3 + world.Random.Below(20);
                world.Recover();
                for (int life = 0; life < 5; life++)
                {
                    world.RunUntilCrash(60);
                    world.Recover();
                }

                world.Records.AssertNothingIsLeftBehind(world.RecordDisk);
            });
        }
    }

    [Fact]
    public void No_flipped_bit_is_passed_over_in_silence()
    {
        int refused = 0;
        for (ulong seed = 1000; seed <= 1200; seed++)
        {
            Run(seed, world =>
            {
                world.Recover();
                world.RunUntilCrash(60);
                IReadOnlyList<string> files = world.Disk.Files;
                string file = files[world.Random.Below(files.Count)];
                if (world.Disk.LengthOf(file) > 0)
                {
                    long offset = world.Random.Below((int)world.Disk.LengthOf(file));
                    world.Disk.FlipBit(file, offset, world.Random.Below(8));
                    world.FilesMayBeDamaged = true;
                }

                try
                {
                    world.Recover();
                }
                catch (StorageException e)
                {
                    Assert.Contains(file, e.Message);
                    refused++;
                }
            });
        }

        Assert.InRange(refused, 50, 200);
    }

    [Fact]
    public void After_a_failed_sync_nothing_is_acknowledged_and_nothing_acknowledged_is_lost()
    {
        for (ulong seed = 2000; seed <= 2100; seed++)
        {
            Run(seed, world =>
            {
                world.Recover();
                for (int life = 0; life < 4; life++)
                {
                    int syncs = world.Random.Below(60);
                    world.Disk.Fault = (name, _) => name == "sync" && syncs-- == 0 ? DiskError.Io : null;
                    world.RunUntilCrash(80);
                    world.Disk.Fault = null;
                    world.Recover();
                }
            });
        }
    }

    [Fact]
    public void A_disk_that_fills_up_again_and_again_loses_nothing_acknowledged()
    {
        for (ulong seed = 3000; seed <= 3060; seed++)
        {
            Run(seed, world =>
            {
                world.Recover();
                for (int life = 0; life < 4; life++)
                {
                    world.Disk.CapacityBytes = (30 + world.Random.Below(100)) << 10;
                    world.RunUntilCrash(80);
                    world.Disk.CapacityBytes = 1L << 30;
                    world.Recover();
                }
            });
        }
    }

    private static void Run(ulong seed, Action<CrashWorld> run) => Run(seed, new CrashWorld(seed), run);

    private static void Run(ulong seed, CrashWorld world, Action<CrashWorld> run)
    {
        try
        {
            run(world);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"Seed {seed}: {e.Message}", e);
        }
    }
}
