namespace Orleans.Coord.Simulation;

/// <summary>What became of a seed.</summary>
/// <param name="Seed">The seed.</param>
/// <param name="Failure">What was found, with the options and a trace; null if nothing.</param>
/// <param name="Error">The failure itself.</param>
/// <param name="Figures">What the run amounted to.</param>
public sealed record SimOutcome(ulong Seed, string? Failure, Exception? Error, SimFigures Figures)
{
    /// <summary>In one line: which checker and what it saw.</summary>
    public string Summary => Error is null ? "clean" : $"{Error.GetType().Name}: {FirstLine(Error.Message)}";

    private static string FirstLine(string text) => text.Split('\n')[0];
}

/// <summary>Runs seeds.</summary>
public static class SimRun
{
    /// <summary>Runs a seed once.</summary>
    public static SimOutcome Once(
        ulong seed, PlantedBug bug = PlantedBug.None, int traceLines = SimWorld.DefaultTraceLines) =>
        Run(new SimWorld(seed, bug, traceLines));

    /// <summary>Runs a seed twice; both runs must be the same to the last event.</summary>
    public static SimOutcome Twice(ulong seed)
    {
        var first = new SimWorld(seed);
        SimOutcome outcome = Run(first);
        if (outcome.Failure is not null)
        {
            return outcome;
        }

        var second = new SimWorld(seed);
        outcome = Run(second);
        if (outcome.Failure is null && first.TraceHash != second.TraceHash)
        {
            var error = new SimViolationException(
                "determinism", $"two runs differ: {first.TraceHash:x16} and {second.TraceHash:x16}");
            return Failed(second, error);
        }

        return outcome;
    }

    private static SimOutcome Run(SimWorld world)
    {
        try
        {
            world.Run();
            return new SimOutcome(world.Seed, null, null, world.Figures);
        }
#pragma warning disable CA1031 // Whatever the code under test throws is what was looked for.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return Failed(world, e);
        }
    }

    private static SimOutcome Failed(SimWorld world, Exception e) =>
        new(world.Seed, $"{world.Describe()}{(e is SimViolationException ? e.Message : e)}\n", e, world.Figures);
}
