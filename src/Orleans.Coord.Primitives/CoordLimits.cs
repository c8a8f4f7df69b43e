namespace Orleans.Coord;

/// <summary>Fixed limits. What an operator may change is a setting instead.</summary>
public static class CoordLimits
{
    /// <summary>
    /// Frames of this many bytes or more close the connection (ZooKeeper's <c>jute.maxbuffer</c> default).
    /// </summary>
    public const int DefaultMaxFrameBytes = 1_048_576;

    /// <summary>Bytes of a session's password.</summary>
    public const int PasswordBytes = 16;

    /// <summary>The largest number of digits after a sequential znode's prefix without its sign.</summary>
    public const int SequenceDigits = 10;

    /// <summary>The longest time to live of a TTL znode, milliseconds (ZooKeeper: 2^40 − 1).</summary>
    public const long MaxTtlMs = (1L << 40) - 1;
}
