namespace Orleans.Coord.Tree;

/// <summary>One client's session, as all replicas know it. Its ephemerals are kept by the tree.</summary>
public sealed class Session
{
    private const ulong HashSeed = 0x5EED_0000_0000_0003;

    private readonly ulong _identityHash;

    internal Session(long id, byte[] passwordHash)
    {
        Invariant.Check(id != 0);
        Id = id;
        PasswordHash = passwordHash;
        _identityHash = TreeHash.Pair(TreeHash.Bytes(passwordHash, HashSeed), id);
    }

    /// <summary>The id, never 0.</summary>
    public long Id { get; }

    /// <summary>How long it outlives silence, milliseconds.</summary>
    public int TimeoutMs { get; internal set; }

    /// <summary>Raised by each attachment; only the newest connection's requests are executed.</summary>
    public int Generation { get; internal set; }

    /// <summary>Position of the last request executed in this generation.</summary>
    public long LastPosition { get; internal set; }

    internal byte[] PasswordHash { get; }

    internal uint SnapshotMark { get; set; }

    /// <summary>The answers to numbered writes; null while the session has sent none.</summary>
    internal KeptResults? Results { get; set; }

    internal ulong Hash => Results is null ? OwnHash : TreeHash.Pair(OwnHash, Results.Digest);

    /// <summary>Whether this is the session's password.</summary>
    public bool HasPassword(ReadOnlySpan<byte> password) =>
        SessionTable.HashPassword(password).AsSpan().SequenceEqual(PasswordHash);

    private ulong OwnHash =>
        TreeHash.Step(_identityHash, ((ulong)(uint)TimeoutMs << 32) | (uint)Generation, (ulong)LastPosition);
}
