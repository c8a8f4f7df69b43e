using Orleans.Coord.Jute;

namespace Orleans.Coord.Client;

/// <summary>Stands for the answer of an operation that has no body worth reading.</summary>
internal readonly record struct Nothing;

internal readonly record struct GetOperation(string Path) : IOperation<ZnodeData>
{
    public OpCode Code => OpCode.GetData;

    public OnLoss OnLoss => OnLoss.Repeat;

    public void Write(JuteWriter writer, bool watch)
    {
        writer.WriteString(Path);
        writer.WriteBool(watch);
    }

    public ZnodeData Read(ref JuteReader reader) => new(reader.ReadBuffer().ToArray(), reader.ReadStat());
}

internal readonly record struct ExistsOperation(string Path) : IOperation<Stat>
{
    public OpCode Code => OpCode.Exists;

    public OnLoss OnLoss => OnLoss.Repeat;

    public void Write(JuteWriter writer, bool watch)
    {
        writer.WriteString(Path);
        writer.WriteBool(watch);
    }

    public Stat Read(ref JuteReader reader) => reader.ReadStat();
}

internal readonly record struct ChildrenOperation(string Path) : IOperation<ZnodeChildren>
{
    public OpCode Code => OpCode.GetChildren2;

    public OnLoss OnLoss => OnLoss.Repeat;

    public void Write(JuteWriter writer, bool watch)
    {
        writer.WriteString(Path);
        writer.WriteBool(watch);
    }

    public ZnodeChildren Read(ref JuteReader reader) => new(reader.ReadTexts(), reader.ReadStat());
}

internal readonly record struct GetAclOperation(string Path) : IOperation<ZnodeAcl>
{
    public OpCode Code => OpCode.GetAcl;

    public OnLoss OnLoss => OnLoss.Repeat;

    public void Write(JuteWriter writer, bool watch) => writer.WriteString(Path);

    public ZnodeAcl Read(ref JuteReader reader) => new(reader.ReadAcl(), reader.ReadStat());
}

internal readonly record struct SyncOperation(string Path) : IOperation<Nothing>
{
    public OpCode Code => OpCode.Sync;

    public OnLoss OnLoss => OnLoss.Repeat;

    public void Write(JuteWriter writer, bool watch) => writer.WriteString(Path);

    public Nothing Read(ref JuteReader reader) => default;
}

internal readonly record struct EphemeralsOperation(string Path) : IOperation<string[]>
{
    public OpCode Code => OpCode.GetEphemerals;

    public OnLoss OnLoss => OnLoss.Repeat;

    public void Write(JuteWriter writer, bool watch) => writer.WriteString(Path);

    public string[] Read(ref JuteReader reader) => reader.ReadTexts();
}

internal readonly record struct DescendantsOperation(string Path) : IOperation<int>
{
    public OpCode Code => OpCode.GetAllChildrenNumber;

    public OnLoss OnLoss => OnLoss.Repeat;

    public void Write(JuteWriter writer, bool watch) => writer.WriteString(Path);

    public int Read(ref JuteReader reader) => reader.ReadInt();
}

internal readonly record struct WhoAmIOperation : IOperation<CoordIdentity[]>
{
    public OpCode Code => OpCode.WhoAmI;

    public string? Path => null;

    public OnLoss OnLoss => OnLoss.Repeat;

    public void Write(JuteWriter writer, bool watch)
    {
        // The request has no body.
    }

    public CoordIdentity[] Read(ref JuteReader reader)
    {
        int count = Math.Max(0, reader.ReadCount(2 * sizeof(int)));
        var identities = new CoordIdentity[count];
        for (int i = 0; i < count; i++)
        {
            identities[i] = new(reader.ReadText(), reader.ReadText());
        }

        return identities;
    }
}
