namespace Orleans.Coord.Simulation;

/// <summary>A znode as the model has it, at one moment; never changed, only replaced.</summary>
internal sealed record ModelNode(string Path, byte[]? Data, long Czxid, long Ctime, long Owner)
{
    public long Mzxid { get; init; } = Czxid;

    public long Mtime { get; init; } = Ctime;

    public int Version { get; init; }

    public int Aversion { get; init; }

    /// <summary>Creates and deletes of children.</summary>
    public int Cversion { get; init; }

    /// <summary>Children ever created: the next sequence number.</summary>
    public int Created { get; init; }

    public int Children { get; init; }

    public long Pzxid { get; init; } = Czxid;

    public Stat Stat => new(
        Czxid, Mzxid, Ctime, Mtime, Version, Cversion, Aversion, Owner, Data?.Length ?? 0, Children, Pzxid);
}

/// <summary>A path's state from an index on; null: no znode.</summary>
internal readonly record struct ModelStep(long Index, ModelNode? Node);

/// <summary>A session as the model has it.</summary>
internal sealed class ModelSession(long id, byte[] passwordHash)
{
    public long Id { get; } = id;

    public byte[] PasswordHash { get; } = passwordHash;

    public int Generation { get; set; } = 1;

    public long Position { get; set; }

    public SortedSet<string> Ephemerals { get; } = new(StringComparer.Ordinal);
}

/// <summary>What a committed entry was, and how it must be answered.</summary>
internal readonly record struct ModelResult(long SessionId, ulong BodyHash, CoordErrorCode Code, byte[] Body);
