namespace Orleans.Coord.Tcp;

/// <summary>
/// Waits that double with each failure, each shortened by up to a half by chance, so that members that failed together
/// do not try together.
/// </summary>
internal sealed class Backoff(TimeSpan min, TimeSpan max, Random random)
{
    private const int MaxDoublings = 30;

    private int _failures;

    /// <summary>How long to wait now.</summary>
    public TimeSpan Next()
    {
        TimeSpan longest = min * Math.Pow(2, Math.Min(_failures++, MaxDoublings));
        return (longest < max ? longest : max) * (0.5 + (random.NextDouble() / 2));
    }

    /// <summary>Something worked: begin with the shortest wait again.</summary>
    public void Reset() => _failures = 0;
}
