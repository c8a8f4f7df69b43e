using System.Globalization;
using Orleans.Coord.Chaos.Load;
using Orleans.Coord.Simulation;

namespace Orleans.Coord.Chaos.Tests;

/// <summary>
/// The chaos runs' checker is quick because each write has a version; the simulator's searches for an order, and knows
/// nothing of that. On random histories of writes that all happened both must come to the same verdict.
/// </summary>
public sealed class SameVerdictTests
{
    private const int Histories = 20_000;

    [Fact]
    public void The_search_for_an_order_and_the_order_of_versions_agree()
    {
        var random = new SplitMix64(20_26);
        int linearizable = 0;
        for (int i = 0; i < Histories; i++)
        {
            Step[] steps = Draw(random);
            bool versions = !ByVersions(steps).Any();
            bool search = BySearch(steps);
            Assert.True(versions == search, $"by versions {versions}, by search {search}: {string.Join("; ", steps)}");
            linearizable += search ? 1 : 0;
        }

        // Both kinds of history must occur, or the comparison says little.
        Assert.InRange(linearizable, Histories / 50, Histories - (Histories / 50));
    }

    private static Step[] Draw(SplitMix64 random)
    {
        int writes = 1 + random.Below(3);
        int reads = random.Below(4);
        // In order of the versions, each somewhere around its turn, so that about half of the histories make sense.
        var steps = new List<Step>();
        for (int version = 1; version <= writes; version++)
        {
            steps.Add(new Step(true, version, 10 * version, random));
        }

        for (int i = 0; i < reads; i++)
        {
            int version = random.Below(writes + 1);
            steps.Add(new Step(false, version, (10 * version) + 5, random));
        }

        return [.. steps];
    }

    private static IEnumerable<string> ByVersions(Step[] steps)
    {
        var register = new VersionedRegister("r");
        foreach (Step step in steps)
        {
            if (step.IsWrite)
            {
                register.Wrote(step.Value, step.Version, step.Begun, step.Ended);
            }
            else
            {
                register.Read(step.Value, step.Version, step.Begun, step.Ended);
            }
        }

        return register.Check();
    }

    private static bool BySearch(Step[] steps)
    {
        var checker = new RegisterChecker();
        checker.Add(new RegisterOp(RegisterKind.Create, "/r", "v0", -1, sentUs: -100) { AnsweredUs = -99 });
        foreach (Step step in steps)
        {
            RegisterKind kind = step.IsWrite ? RegisterKind.Set : RegisterKind.Read;
            checker.Add(new RegisterOp(kind, "/r", step.Value, -1, step.Begun)
            {
                AnsweredUs = step.Ended,
                Version = step.Version,
            });
        }

        try
        {
            checker.Verify(new Model());
            return true;
        }
        catch (SimViolationException)
        {
            return false;
        }
    }

    private sealed record Step(bool IsWrite, int Version, long Begun, long Ended)
    {
        public Step(bool isWrite, int version, int turn, SplitMix64 random)
            : this(isWrite, version, turn + random.Below(18) - 14, 0) => Ended = Begun + 1 + random.Below(12);

        public string Value => string.Create(CultureInfo.InvariantCulture, $"v{Version}");
    }
}
