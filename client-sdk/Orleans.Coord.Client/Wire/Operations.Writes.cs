using Orleans.Coord.Jute;

namespace Orleans.Coord.Client;

/// <summary>A create of any mode; also one operation of a transaction.</summary>
internal readonly record struct CreateOperation(
    string Path, ReadOnlyMemory<byte> Data, IReadOnlyList<Acl> Entries, CreateMode Mode, long TtlMs, Chroot Root)
    : IOperation<CreatedZnode>
{
    public OpCode Code => Mode switch
    {
        CreateMode.Container => OpCode.CreateContainer,
        CreateMode.PersistentWithTtl or CreateMode.PersistentSequentialWithTtl => OpCode.CreateTtl,
        _ => OpCode.Create2,
    };

    public OnLoss OnLoss => OnLoss.Unknown;

    public void Write(JuteWriter writer, bool watch)
    {
        writer.WriteString(Path);
        writer.WriteBuffer(Data.Span);
        writer.WriteAcl(Entries);
        writer.WriteInt((int)Mode);
        if (Code == OpCode.CreateTtl)
        {
            writer.WriteLong(TtlMs);
        }
    }

    public CreatedZnode Read(ref JuteReader reader) => new(Root.ToClient(reader.ReadText()), reader.ReadStat());
}

internal readonly record struct SetOperation(string Path, ReadOnlyMemory<byte> Data, int Version) : IOperation<Stat>
{
    public OpCode Code => OpCode.SetData;

    public OnLoss OnLoss => OnLoss.Unknown;

    public void Write(JuteWriter writer, bool watch)
    {
        writer.WriteString(Path);
        writer.WriteBuffer(Data.Span);
        writer.WriteInt(Version);
    }

    public Stat Read(ref JuteReader reader) => reader.ReadStat();
}

internal readonly record struct DeleteOperation(string Path, int Version) : IOperation<Nothing>
{
    public OpCode Code => OpCode.Delete;

    public OnLoss OnLoss => OnLoss.Unknown;

    public void Write(JuteWriter writer, bool watch)
    {
        writer.WriteString(Path);
        writer.WriteInt(Version);
    }

    public Nothing Read(ref JuteReader reader) => default;
}

internal readonly record struct SetAclOperation(string Path, IReadOnlyList<Acl> Entries, int Version)
    : IOperation<Stat>
{
    public OpCode Code => OpCode.SetAcl;

    public OnLoss OnLoss => OnLoss.Unknown;

    public void Write(JuteWriter writer, bool watch)
    {
        writer.WriteString(Path);
        writer.WriteAcl(Entries);
        writer.WriteInt(Version);
    }

    public Stat Read(ref JuteReader reader) => reader.ReadStat();
}
