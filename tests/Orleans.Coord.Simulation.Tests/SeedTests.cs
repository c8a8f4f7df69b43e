using Xunit.Abstractions;

namespace Orleans.Coord.Simulation.Tests;

/// <summary>Seeds through the whole simulator, each run twice. `./coord sim` runs as many more as one likes.</summary>
public sealed class SeedTests(ITestOutputHelper output)
{
    private const int Seeds = 500;

    [Fact]
    public void Every_seed_is_safe_and_live_and_runs_twice_the_same()
    {
        var failures = new System.Collections.Concurrent.ConcurrentBag<string>();
        long replies = 0, locks = 0, registers = 0, elections = 0, repeats = 0, changes = 0, lost = 0;
        // A pool of exactly as many threads as there are processors: seeds are independent.
        Parallel.For(1, Seeds + 1, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, seed =>
        {
            SimOutcome outcome = SimRun.Twice((ulong)seed);
            if (outcome.Failure is { } failure)
            {
                failures.Add(failure);
            }

            Interlocked.Add(ref replies, outcome.Figures.Replies);
            Interlocked.Add(ref locks, outcome.Figures.LocksTaken);
            Interlocked.Add(ref registers, outcome.Figures.RegisterOps);
            Interlocked.Add(ref elections, outcome.Figures.Elections);
            Interlocked.Add(ref repeats, outcome.Figures.Repeats);
            Interlocked.Add(ref changes, outcome.Figures.Changes);
            Interlocked.Add(ref lost, outcome.Figures.HistoriesLost);
        });
        output.WriteLine($"{replies} replies, {locks} locks, {registers} register operations, {elections} elections");
        output.WriteLine($"{repeats} answers repeated, {changes} changes told, {lost} histories lost");
        Assert.Empty(failures);
        Assert.True(replies > Seeds * 200 && locks > Seeds && registers > Seeds * 50 && elections > Seeds);
        Assert.True(repeats > Seeds * 5 && changes > Seeds * 20 && lost > Seeds);
    }

    [Fact]
    public void Different_seeds_run_differently() =>
        Assert.NotEqual(Hash(1), Hash(2));

    private static ulong Hash(ulong seed)
    {
        var world = new SimWorld(seed);
        world.Run();
        return world.TraceHash;
    }
}
