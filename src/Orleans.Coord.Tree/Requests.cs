using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree;

/// <summary>Body of create, create2, createContainer and createTTL, read in place.</summary>
internal readonly ref struct CreateRequest
{
    public OpCode Op { get; private init; }

    public ReadOnlySpan<byte> Path { get; private init; }

    public bool PathIsNull { get; private init; }

    public ReadOnlySpan<byte> Data { get; private init; }

    public bool DataIsNull { get; private init; }

    /// <summary>The access control list, not yet validated.</summary>
    public ReadOnlySpan<byte> Acl { get; private init; }

    public int Flags { get; private init; }

    /// <summary>Time to live, milliseconds; −1 in requests that have none.</summary>
    public long TtlMs { get; private init; }

    public static CreateRequest Read(OpCode op, ref JuteReader reader)
    {
        ReadOnlySpan<byte> path = reader.ReadBuffer(out bool pathIsNull);
        ReadOnlySpan<byte> data = reader.ReadBuffer(out bool dataIsNull);
        return new CreateRequest
        {
            Op = op,
            Path = path,
            PathIsNull = pathIsNull,
            Data = data,
            DataIsNull = dataIsNull,
            Acl = AclList.Skip(ref reader),
            Flags = reader.ReadInt(),
            TtlMs = op == OpCode.CreateTtl ? reader.ReadLong() : -1,
        };
    }
}

/// <summary>Body of setData, read in place.</summary>
internal readonly ref struct SetDataRequest
{
    public ReadOnlySpan<byte> Path { get; private init; }

    public bool PathIsNull { get; private init; }

    public ReadOnlySpan<byte> Data { get; private init; }

    public bool DataIsNull { get; private init; }

    public int Version { get; private init; }

    public static SetDataRequest Read(ref JuteReader reader)
    {
        ReadOnlySpan<byte> path = reader.ReadBuffer(out bool pathIsNull);
        ReadOnlySpan<byte> data = reader.ReadBuffer(out bool dataIsNull);
        return new SetDataRequest
        {
            Path = path,
            PathIsNull = pathIsNull,
            Data = data,
            DataIsNull = dataIsNull,
            Version = reader.ReadInt(),
        };
    }
}

/// <summary>Body of setACL, read in place.</summary>
internal readonly ref struct SetAclRequest
{
    public ReadOnlySpan<byte> Path { get; private init; }

    /// <summary>The access control list, not yet validated.</summary>
    public ReadOnlySpan<byte> Acl { get; private init; }

    public int Version { get; private init; }

    public static SetAclRequest Read(ref JuteReader reader) => new()
    {
        Path = reader.ReadString(),
        Acl = AclList.Skip(ref reader),
        Version = reader.ReadInt(),
    };
}

/// <summary>Body of ClickHouse Keeper's filtered lists, read in place.</summary>
internal readonly ref struct FilteredListRequest
{
    public ReadOnlySpan<byte> Path { get; private init; }

    public bool PathIsNull { get; private init; }

    public bool Watch { get; private init; }

    /// <summary>0 for all children, 1 for the persistent ones, 2 for the ephemeral ones.</summary>
    public byte Which { get; private init; }

    public bool WithStats { get; private init; }

    public bool WithData { get; private init; }

    public static FilteredListRequest Read(OpCode op, ref JuteReader reader)
    {
        bool more = op == OpCode.FilteredListWithStatsAndData;
        return new FilteredListRequest
        {
            Path = reader.ReadBuffer(out bool isNull),
            PathIsNull = isNull,
            Watch = reader.ReadBool(),
            Which = reader.ReadByte(),
            WithStats = more && reader.ReadBool(),
            WithData = more && reader.ReadBool(),
        };
    }
}

/// <summary>Body of ClickHouse Keeper's check of a stat, read in place. A field of −1 is not checked.</summary>
internal readonly ref struct CheckStatRequest
{
    public ReadOnlySpan<byte> Path { get; private init; }

    public bool PathIsNull { get; private init; }

    public int Version { get; private init; }

    public Stat Expected { get; private init; }

    public static CheckStatRequest Read(ref JuteReader reader) => new()
    {
        Path = reader.ReadBuffer(out bool isNull),
        PathIsNull = isNull,
        Version = reader.ReadInt(),
        Expected = reader.ReadStat(),
    };

    /// <summary>Whether a stat is as expected.</summary>
    public bool Matches(in Stat stat) =>
        Fits(Expected.Czxid, stat.Czxid) && Fits(Expected.Mzxid, stat.Mzxid) && Fits(Expected.Pzxid, stat.Pzxid)
        && Fits(Expected.Ctime, stat.Ctime) && Fits(Expected.Mtime, stat.Mtime)
        && Fits(Expected.Version, stat.Version) && Fits(Expected.Cversion, stat.Cversion)
        && Fits(Expected.Aversion, stat.Aversion) && Fits(Expected.EphemeralOwner, stat.EphemeralOwner)
        && Fits(Expected.DataLength, stat.DataLength) && Fits(Expected.NumChildren, stat.NumChildren);

    private static bool Fits(long expected, long actual) => expected == -1 || expected == actual;
}

/// <summary>Body of delete and check, read in place.</summary>
internal readonly ref struct VersionedPath
{
    public ReadOnlySpan<byte> Path { get; private init; }

    public bool PathIsNull { get; private init; }

    public int Version { get; private init; }

    public static VersionedPath Read(ref JuteReader reader) => new()
    {
        Path = reader.ReadBuffer(out bool isNull),
        PathIsNull = isNull,
        Version = reader.ReadInt(),
    };
}
