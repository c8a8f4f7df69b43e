namespace Orleans.Coord.Grains;

/// <summary>A silo does not take what was sent to a replica or a session on it; the message says why.</summary>
[GenerateSerializer]
[Alias("coord.ReplicaRefusedException")]
public sealed class ReplicaRefusedException : Exception
{
    /// <summary>Creates an exception without a text.</summary>
    public ReplicaRefusedException()
    {
    }

    /// <summary>Creates an exception with its reason.</summary>
    public ReplicaRefusedException(string message)
        : base(message)
    {
    }

    /// <summary>Creates an exception with its reason and cause.</summary>
    public ReplicaRefusedException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
