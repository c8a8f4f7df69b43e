namespace Orleans.Coord.Grains;

/// <summary>A znode's operation was refused, or its outcome is not known.</summary>
[GenerateSerializer]
[Alias("coord.ZnodeException")]
public sealed class ZnodeException : Exception
{
    /// <summary>Creates an exception without a code.</summary>
    public ZnodeException()
    {
    }

    /// <summary>Creates an exception without a code.</summary>
    public ZnodeException(string message)
        : base(message)
    {
    }

    /// <summary>Creates an exception without a code.</summary>
    public ZnodeException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Creates an exception with ZooKeeper's code.</summary>
    public ZnodeException(CoordErrorCode code, string path)
        : base($"{code} for {path}") => Code = code;

    /// <summary>What went wrong.</summary>
    [Id(0)]
    public CoordErrorCode Code { get; private set; }
}
