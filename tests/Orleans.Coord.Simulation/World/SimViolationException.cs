namespace Orleans.Coord.Simulation;

/// <summary>A checker saw a promise broken.</summary>
public sealed class SimViolationException(string checker, string what) : Exception($"{checker}: {what}")
{
    /// <summary>Which checker.</summary>
    public string Checker { get; } = checker;

    internal static void Unless(
        [System.Diagnostics.CodeAnalysis.DoesNotReturnIf(false)] bool condition, string checker, string what)
    {
        if (!condition)
        {
            throw new SimViolationException(checker, what);
        }
    }
}
