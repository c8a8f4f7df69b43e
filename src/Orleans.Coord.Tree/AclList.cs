using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree;

/// <summary>One entry of an access control list.</summary>
internal sealed record AclEntry(Permissions Permissions, byte[] Scheme, byte[] Id);

/// <summary>An access control list that any number of znodes share. Immutable but for its use count.</summary>
internal sealed class AclList
{
    private const ulong HashSeed = 0x5EED_0000_0000_0002;

    public AclList(long id, byte[] encoded)
    {
        Id = id;
        Encoded = encoded;
        Entries = Parse(encoded);
        Hash = TreeHash.Bytes(encoded, HashSeed);
        IsOpen = Entries.Length == 1 && Entries[0].Permissions == Permissions.All && AclRules.IsAnyone(Entries[0]);
    }

    /// <summary>Names it inside snapshots. Not part of the state: replicas may number lists differently.</summary>
    public long Id { get; }

    /// <summary>The list as a jute vector.</summary>
    public byte[] Encoded { get; }

    public AclEntry[] Entries { get; }

    /// <summary>For the digest.</summary>
    public ulong Hash { get; }

    /// <summary>Everything is allowed to everyone: checks pass without a look at the caller.</summary>
    public bool IsOpen { get; }

    /// <summary>Number of znodes that have it.</summary>
    public int Users { get; set; }

    /// <summary>Reads over a list as requests have it, and yields its bytes.</summary>
    public static ReadOnlySpan<byte> Skip(ref JuteReader reader)
    {
        ReadOnlySpan<byte> from = reader.Rest;
        int start = reader.Position;
        for (int left = reader.ReadCount(AclRules.MinEntryBytes); left > 0; left--)
        {
            reader.ReadInt();
            reader.ReadString();
            reader.ReadString();
        }

        return from[..(reader.Position - start)];
    }

    private static AclEntry[] Parse(byte[] encoded)
    {
        var reader = new JuteReader(encoded);
        var entries = new AclEntry[Math.Max(0, reader.ReadCount(AclRules.MinEntryBytes))];
        for (int i = 0; i < entries.Length; i++)
        {
            var permissions = (Permissions)reader.ReadInt();
            entries[i] = new AclEntry(permissions, reader.ReadString().ToArray(), reader.ReadString().ToArray());
        }

        Invariant.Check(!reader.Failed && reader.Rest.IsEmpty);
        return entries;
    }
}
