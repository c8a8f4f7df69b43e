namespace Orleans.Coord.Simulation;

/// <summary>The simulated machine stopped in the middle of a disk operation; nothing after it happens.</summary>
public sealed class SimCrashException() : Exception("The simulated machine has stopped.");

/// <summary>How a simulated machine stops.</summary>
public enum CrashKind
{
    /// <summary>kill -9: the operating system lives on, and with it everything written.</summary>
    Kill,

    /// <summary>Power loss: what was not synced may be lost, sector by sector.</summary>
    PowerLoss,
}
