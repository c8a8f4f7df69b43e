namespace Orleans.Coord.Wal.Tests;

/// <summary>Random crashes under the real log code; the seed is in the message of a failure.</summary>
public sealed class CrashTests
{
    [Fact]
    public void Whatever_was_acknowledged_survives_any_crash()
    {
        for (ulong seed = 1; seed <= 400; seed++)
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

    private static void Run(ulong seed, Action<CrashWorld> run)
    {
        try
        {
            run(new CrashWorld(seed));
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"Seed {seed}: {e.Message}", e);
        }
    }
}
