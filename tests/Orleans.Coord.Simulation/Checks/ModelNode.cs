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

/// <summary>What a write did to a znode.</summary>
internal readonly record struct ModelChange(long Zxid, WatchEventType Type, string Path);

/// <summary>A session as the model has it.</summary>
internal sealed class ModelSession(long id, byte[] passwordHash)
{
    public long Id { get; } = id;

    public byte[] PasswordHash { get; } = passwordHash;

    public int Generation { get; set; } = 1;

    public long Position { get; set; }

    /// <summary>Below it the client has seen all answers to its numbered writes; no result is kept.</summary>
    public long LowestNumber { get; set; } = 1;

    /// <summary>The highest number of a write that ran.</summary>
    public long LastNumber { get; set; }

    public SortedSet<string> Ephemerals { get; } = new(StringComparer.Ordinal);
}

/// <summary>What a committed entry was, and how it must be answered.</summary>
/// <param name="SessionId">Whose request it was.</param>
/// <param name="Number">The number of a numbered write, or 0.</param>
/// <param name="BodyHash">Which request: of a numbered one, the write that has the number.</param>
/// <param name="Code">The answer's code.</param>
/// <param name="Body">The answer's body.</param>
internal readonly record struct ModelResult(
    long SessionId, long Number, ulong BodyHash, CoordErrorCode Code, byte[] Body);
