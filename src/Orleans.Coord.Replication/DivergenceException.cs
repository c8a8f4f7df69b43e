namespace Orleans.Coord.Replication;

/// <summary>
/// This replica's state differs from what a majority of the voters have after the same entry. It must not go on: the
/// message names the entry and the digests, and says what to do.
/// </summary>
public sealed class DivergenceException : Exception
{
    /// <summary>Creates an exception without a text.</summary>
    public DivergenceException()
    {
    }

    /// <summary>Creates an exception that names the entry and the digests.</summary>
    public DivergenceException(string message)
        : base(message)
    {
    }

    /// <summary>Creates an exception that names the entry and the digests, and a cause.</summary>
    public DivergenceException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
