namespace Orleans.Coord.Simulation;

/// <summary>What a simulation draws from its generator.</summary>
internal static class SimRandom
{
    public static bool OneIn(this SplitMix64 random, int n) => random.Below(n) == 0;

    public static bool Percent(this SplitMix64 random, int percent) => random.Below(100) < percent;

    public static T Pick<T>(this SplitMix64 random, params ReadOnlySpan<T> values) =>
        values[random.Below(values.Length)];

    public static T PickOf<T>(this SplitMix64 random, IReadOnlyList<T> values) => values[random.Below(values.Count)];

    /// <summary>A number between two, both included.</summary>
    public static int Between(this SplitMix64 random, int low, int high) => low + random.Below(high - low + 1);
}
