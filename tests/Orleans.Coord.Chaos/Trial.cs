using Orleans.Coord.Chaos.Lab;
using Orleans.Coord.Chaos.Load;
using Orleans.Coord.Client;

namespace Orleans.Coord.Chaos;

/// <summary>One run: prepare, load and faults at once, mend everything, look whether all promises were kept.</summary>
internal sealed class Trial
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    // How many actors each load has.
    private static readonly (Func<Run, ILoad> Make, int Actors)[] _loads =
    [
        (run => new RegisterLoad(run), 6),
        (run => new SetLoad(run), 3),
        (run => new EphemeralLoad(run), 4),
        (run => new WatchLoad(run), 5),
        (run => new LockLoad(run), 4),
    ];

    private readonly Options _options;
    private readonly Ensemble _ensemble;
    private readonly CancellationTokenSource _stop;
    private readonly Run _run;

    private Trial(Options options, Ensemble ensemble, CancellationTokenSource stop)
    {
        _options = options;
        _ensemble = ensemble;
        _stop = stop;
        _run = new Run(ensemble.ConnectionString, options.Seed, stop.Token);
    }

    /// <summary>Runs it and prints what was found.</summary>
    /// <returns>Whether all promises were kept.</returns>
    /// <exception cref="LabException">The machine does not permit the lab.</exception>
    public static async Task<bool> RunAsync(Options options)
    {
        Console.WriteLine($"{options.Members} members, {options.Seconds} s, seed {options.Seed}");
        Ensemble ensemble = Ensemble.Start(
            options.Members, options.Silo, options.Folder, options.Namespaces);
        using var stop = new CancellationTokenSource();
        try
        {
            return await new Trial(options, ensemble, stop).RunAsync();
        }
        finally
        {
            ensemble.End();
        }
    }

    private async Task<bool> RunAsync()
    {
        var nemesis = new Nemesis(_ensemble, _options);
        try
        {
            await RunAsync(nemesis);
        }
        catch (LivenessException e)
        {
            _run.Report(e.Message);
            _ensemble.Members.ToList().ForEach(member => Console.WriteLine(member.Describe()));
        }
        catch (Exception e) when (e is not LabException)
        {
            _run.Report($"an answer that nothing explains: {e}");
        }

        foreach (string complaint in _ensemble.Members.Select(member => member.Complaint).OfType<string>())
        {
            _run.Report(complaint);
        }

        if (_run.Violations.Count > 0)
        {
            Console.WriteLine($"seed {_options.Seed}; the members' own words:");
            _ensemble.Members.ToList().ForEach(member => Console.WriteLine($"[{member.Id}]\n{member.Output}"));
        }

        // The verdict last: whoever keeps only the end has it.
        Console.WriteLine("faults: " + string.Join(", ", nemesis.Tally.Select(pair => $"{pair.Value} {pair.Key}")));
        foreach (string violation in _run.Violations.Take(20))
        {
            Console.WriteLine("BROKEN: " + violation);
        }

        return _run.Violations.Count == 0;
    }

    private async Task RunAsync(Nemesis nemesis)
    {
        await ComeBackAsync("the ensemble was started");
        ILoad[] loads = [.. _loads.Select(load => load.Make(_run))];
        await using (CoordClient client = _run.Client())
        {
            await client.EnsurePathAsync("/chaos");
            foreach (ILoad load in loads)
            {
                await load.PrepareAsync(client);
            }
        }

        int actor = 0;
        Task[] actors = [.. loads.Zip(_loads).SelectMany(
            pair => Enumerable.Range(0, pair.Second.Actors).Select(_ => pair.First.RunAsync(actor++)))];
        using var faults = new CancellationTokenSource(TimeSpan.FromSeconds(_options.Seconds));
        try
        {
            await nemesis.RunAsync(faults.Token);
        }
        finally
        {
            _ensemble.Heal();
            await _stop.CancelAsync();
        }

        await ComeBackAsync("all faults were mended");
        await Task.WhenAll(actors).WaitAsync(_patience);
        await using CoordClient last = _run.Client();
        foreach (ILoad load in loads)
        {
            await last.SyncAsync();
            await load.FinishAsync(last);
            Console.WriteLine(load.Summary);
        }
    }

    private async Task ComeBackAsync(string after)
    {
        if (!await _ensemble.WaitForAllAsync(_patience))
        {
            throw new LivenessException($"{after}, and a minute later not all members serve");
        }
    }
}
