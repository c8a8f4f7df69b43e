using System.Diagnostics;
using System.Globalization;
using Orleans.Coord.Simulation;

/// <summary>Runs seeds on several threads; each seed is a world of its own on one thread.</summary>
internal static class Runner
{
    private static readonly TimeSpan _progressEvery = TimeSpan.FromSeconds(5);

    /// <summary>0 if every seed was clean, or with --hunt every bug was found.</summary>
    public static int Run(Options options) => options.Hunt ? Hunt(options) : RunSeeds(options);

    private static int RunSeeds(Options options)
    {
        var clock = Stopwatch.StartNew();
        TimeSpan nextLine = _progressEvery;
        long done = 0, failures = 0, virtualMs = 0, entries = 0, replies = 0;
        ForEachSeed(options, options.Seeds, outcome =>
        {
            done++;
            virtualMs += outcome.Figures.VirtualMs;
            entries += outcome.Figures.Entries;
            replies += outcome.Figures.Replies;
            if (outcome.Failure is not null)
            {
                failures++;
                Console.WriteLine(options.KeepGoing
                    ? $"seed {outcome.Seed}: {outcome.Summary}"
                    : outcome.Failure + Replay(outcome.Seed, options.Bug));
            }

            if (clock.Elapsed >= nextLine)
            {
                nextLine = clock.Elapsed + _progressEvery;
                Console.WriteLine(Line(options, clock, done, failures, virtualMs, entries, replies));
            }

            return failures == 0 || options.KeepGoing;
        });
        Console.WriteLine(Line(options, clock, done, failures, virtualMs, entries, replies));
        return failures == 0 ? 0 : 1;
    }

    private static string Line(
        Options options, Stopwatch clock, long done, long failures, long virtualMs, long entries, long replies)
    {
        double perSeed = Environment.CpuUsage.TotalTime.TotalMilliseconds / Math.Max(1, done);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{done} of {options.Seeds} seeds from {options.From}, {failures} failed; {clock.Elapsed:hh\\:mm\\:ss}, "
            + $"{perSeed:F1} ms of CPU each; {TimeSpan.FromMilliseconds(virtualMs).TotalHours:F1} h of virtual "
            + $"time, {entries} entries, {replies} replies checked");
    }

    private static string Replay(ulong seed, PlantedBug bug) => string.Create(
        CultureInfo.InvariantCulture,
        $"to see it again: ./coord sim --seeds 1 --from {seed}{(bug == PlantedBug.None ? "" : " --bug " + bug)}\n");

    private static int Hunt(Options options)
    {
        int missed = 0;
        foreach (PlantedBug bug in Enum.GetValues<PlantedBug>().Where(b => b != PlantedBug.None))
        {
            SimOutcome? found = null;
            ForEachSeed(options with { Bug = bug }, options.Seeds, outcome =>
            {
                // Threads finish out of order; the lowest seed of those that ran counts.
                bool first = outcome.Failure is not null && (found is null || outcome.Seed < found.Seed);
                found = first ? outcome : found;
                return found is null;
            });
            missed += found is null ? 1 : 0;
            Console.WriteLine(found is null
                ? $"{bug,-24} not found in {options.Seeds} seeds from {options.From}"
                : $"{bug,-24} seed {found.Seed,-5} {found.Summary}");
        }

        Console.WriteLine(missed == 0 ? "every planted bug was found" : $"{missed} planted bugs were not found");
        return missed == 0 ? 0 : 1;
    }

    // Outcomes come one at a time; no new seed is begun once one is answered with false.
    private static void ForEachSeed(Options options, long count, Func<SimOutcome, bool> take)
    {
        long next = -1;
        bool goOn = true;
        var gate = new Lock();
        var running = new (ulong Seed, long Since)[options.Threads];
        Thread[] threads = [.. Enumerable.Range(0, options.Threads).Select(thread => new Thread(() =>
        {
            for (long i = Interlocked.Increment(ref next); i < count && Volatile.Read(ref goOn);
                i = Interlocked.Increment(ref next))
            {
                ulong seed = options.From + (ulong)i;
                running[thread] = (seed, Environment.TickCount64);
                bool twice = options.Bug == PlantedBug.None && options.Lines == SimWorld.DefaultTraceLines;
                SimOutcome outcome = twice ? SimRun.Twice(seed) : SimRun.Once(seed, options.Bug, options.Lines);
                lock (gate)
                {
                    goOn &= take(outcome);
                }
            }
        }))];
        Array.ForEach(threads, thread => thread.Start());
        foreach (Thread thread in threads)
        {
            while (!thread.Join(_progressEvery))
            {
                WarnOfSlow(running);
            }
        }
    }

    private static void WarnOfSlow((ulong Seed, long Since)[] running)
    {
        foreach ((ulong seed, long since) in running)
        {
            long seconds = (Environment.TickCount64 - since) / 1000;
            if (since != 0 && seconds > 20)
            {
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture, $"seed {seed} has been running for {seconds} s"));
            }
        }
    }
}
