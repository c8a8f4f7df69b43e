using Orleans.Coord.Client;

namespace Orleans.Coord.Chaos.Load;

/// <summary>One kind of use, with the promises that it holds the ensemble to.</summary>
internal interface ILoad
{
    /// <summary>How much was done, for the report.</summary>
    string Summary { get; }

    /// <summary>Makes the znodes that it needs, before any fault.</summary>
    Task PrepareAsync(CoordClient client);

    /// <summary>One actor's life, until the run's stop.</summary>
    Task RunAsync(int actor);

    /// <summary>Looks at the healed ensemble and at what was noted, and reports every broken promise.</summary>
    Task FinishAsync(CoordClient client);
}
