namespace Orleans.Coord.Grains;

/// <summary>A znode's data and stat.</summary>
/// <param name="Data">The data; empty where it is null.</param>
/// <param name="Stat">The stat of the same moment.</param>
/// <param name="Zxid">The newest zxid that the replica had applied.</param>
[GenerateSerializer]
[Immutable]
[Alias("coord.ZnodeValue")]
public sealed record ZnodeValue(
    [property: Id(0)] byte[] Data, [property: Id(1)] Stat Stat, [property: Id(2)] long Zxid);

/// <summary>A znode's children and stat.</summary>
/// <param name="Names">Names without the path.</param>
/// <param name="Stat">The stat of the same moment.</param>
/// <param name="Zxid">The newest zxid that the replica had applied.</param>
[GenerateSerializer]
[Immutable]
[Alias("coord.ZnodeNames")]
public sealed record ZnodeNames(
    [property: Id(0)] string[] Names, [property: Id(1)] Stat Stat, [property: Id(2)] long Zxid);

/// <summary>A created znode.</summary>
/// <param name="Path">Its path, with the number of a sequential one.</param>
/// <param name="Zxid">The write's zxid.</param>
[GenerateSerializer]
[Immutable]
[Alias("coord.ZnodeCreated")]
public sealed record ZnodeCreated([property: Id(0)] string Path, [property: Id(1)] long Zxid);

/// <summary>A stat on its way between silos.</summary>
[GenerateSerializer]
[Immutable]
[Alias("coord.Stat")]
internal struct StatSurrogate
{
    [Id(0)]
    public long Czxid;
    [Id(1)]
    public long Mzxid;
    [Id(2)]
    public long Ctime;
    [Id(3)]
    public long Mtime;
    [Id(4)]
    public int Version;
    [Id(5)]
    public int Cversion;
    [Id(6)]
    public int Aversion;
    [Id(7)]
    public long EphemeralOwner;
    [Id(8)]
    public int DataLength;
    [Id(9)]
    public int NumChildren;
    [Id(10)]
    public long Pzxid;
}

/// <summary>Tells Orleans how to carry a <see cref="Stat"/>, which knows nothing of Orleans.</summary>
[RegisterConverter]
internal sealed class StatConverter : IConverter<Stat, StatSurrogate>
{
    public Stat ConvertFromSurrogate(in StatSurrogate surrogate) => new(
        surrogate.Czxid, surrogate.Mzxid, surrogate.Ctime, surrogate.Mtime, surrogate.Version, surrogate.Cversion,
        surrogate.Aversion, surrogate.EphemeralOwner, surrogate.DataLength, surrogate.NumChildren, surrogate.Pzxid);

    public StatSurrogate ConvertToSurrogate(in Stat value) => new()
    {
        Czxid = value.Czxid,
        Mzxid = value.Mzxid,
        Ctime = value.Ctime,
        Mtime = value.Mtime,
        Version = value.Version,
        Cversion = value.Cversion,
        Aversion = value.Aversion,
        EphemeralOwner = value.EphemeralOwner,
        DataLength = value.DataLength,
        NumChildren = value.NumChildren,
        Pzxid = value.Pzxid,
    };
}
