namespace Orleans.Coord;

/// <summary>
/// The seeded generator that a host hands to the core (Steele, Lea, Flood: "Fast splittable pseudorandom number
/// generators", 2014). The same seed gives the same numbers everywhere. Not for secrets: hosts seed it from the
/// operating system's generator, the simulator from its run's seed.
/// </summary>
public sealed class SplitMix64(ulong seed)
{
    private ulong _state = seed;

    /// <summary>The next 64 random bits.</summary>
    public ulong Next()
    {
        _state += 0x9E3779B97F4A7C15;
        ulong z = _state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>A number from 0 to <paramref name="exclusive"/> − 1.</summary>
    /// <param name="exclusive">At least 1.</param>
    public int Below(int exclusive)
    {
        Invariant.Check(exclusive > 0);
        return (int)(Next() % (ulong)exclusive);
    }
}
