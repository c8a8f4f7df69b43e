namespace Orleans.Coord.Tree;

/// <summary>A snapshot's bytes do not make a state. The message says what is wrong with them.</summary>
public sealed class SnapshotFormatException : FormatException
{
    /// <summary>Creates an exception without a text.</summary>
    public SnapshotFormatException()
    {
    }

    /// <summary>Creates an exception that says what is wrong.</summary>
    public SnapshotFormatException(string message)
        : base(message)
    {
    }

    /// <summary>Creates an exception that says what is wrong, and its cause.</summary>
    public SnapshotFormatException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
