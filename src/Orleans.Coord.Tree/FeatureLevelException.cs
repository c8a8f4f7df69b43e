namespace Orleans.Coord.Tree;

/// <summary>
/// The group has reached a feature level that this member does not know. It stops rather than apply what it would apply
/// otherwise than the others: the message says which level, and what to do.
/// </summary>
public sealed class FeatureLevelException : Exception
{
    /// <summary>Creates an exception without a text.</summary>
    public FeatureLevelException()
    {
    }

    /// <summary>Creates an exception with a text.</summary>
    public FeatureLevelException(string message)
        : base(message)
    {
    }

    /// <summary>Creates an exception with a text and a cause.</summary>
    public FeatureLevelException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>The exception for something of a level that is not known here.</summary>
    /// <param name="what">What is of that level: the beginning of a sentence.</param>
    /// <param name="level">Its level.</param>
    /// <param name="known">The highest level in which this member takes part.</param>
    public static FeatureLevelException Above(string what, byte level, byte known) => new(
        $"{what} is of feature level {(int)level}; this member takes part up to level {(int)known}. It stops, so that "
        + "its state does not differ from the others'. Start it with the version that the other members run (and "
        + "without Coord:FeatureLevel, if that is set).");
}
