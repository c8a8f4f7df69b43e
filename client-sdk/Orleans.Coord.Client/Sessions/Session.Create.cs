namespace Orleans.Coord.Client;

internal sealed partial class Session
{
    /// <summary>Checks a create's arguments and makes the operation; for single creates and for transactions.</summary>
    public CreateOperation NewCreate(
        string path, ReadOnlyMemory<byte> data, CreateMode mode, IReadOnlyList<Acl>? acl, TimeSpan? ttl)
    {
        bool sequential = mode is CreateMode.PersistentSequential or CreateMode.EphemeralSequential
            or CreateMode.PersistentSequentialWithTtl;
        bool hasTtl = mode is CreateMode.PersistentWithTtl or CreateMode.PersistentSequentialWithTtl;
        if (!Enum.IsDefined(mode))
        {
            throw new ArgumentOutOfRangeException(nameof(mode), mode, "Not a create mode");
        }

        if (hasTtl != ttl.HasValue)
        {
            throw new ArgumentException($"A time to live does not go with {mode}, or is missing", nameof(ttl));
        }

        double ttlMs = ttl?.TotalMilliseconds ?? 0;
        if (hasTtl && ttlMs is < 1 or > CoordLimits.MaxTtlMs)
        {
            throw new ArgumentOutOfRangeException(nameof(ttl), ttl, "From 1 ms to 2^40 − 1 ms");
        }

        string serverPath = sequential ? Root.ToServerSequential(path) : Root.ToServer(path);
        return new CreateOperation(serverPath, data, acl ?? Options.DefaultAcl, mode, (long)ttlMs, Root);
    }
}
