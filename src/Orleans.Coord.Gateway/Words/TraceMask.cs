namespace Orleans.Coord.Gateway;

/// <summary>What <c>gtmk</c> and <c>stmk</c> read and write. ZooKeeper's default; it switches nothing here.</summary>
internal sealed class TraceMask
{
    private long _value = 306;

    /// <summary>The mask.</summary>
    public long Value
    {
        get => Volatile.Read(ref _value);
        set => Volatile.Write(ref _value, value);
    }
}
