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

internal readonly record struct SyncOperation(string Path, OnLoss OnLoss) : IOperation<Nothing>
{
    public OpCode Code => OpCode.Sync;

    public void Write(JuteWriter writer, bool watch) => writer.WriteString(Path);

    public Nothing Read(ref JuteReader reader) => default;
}

/// <summary>A portion of the changes since a zxid.</summary>
/// <param name="Changes">What happened, by the client's paths.</param>
/// <param name="UpTo">There are no other changes up to this zxid.</param>
/// <param name="HasMore">Whether to ask again at once.</param>
internal readonly record struct ChangePortion(WatchEvent[] Changes, long UpTo, bool HasMore);

internal readonly record struct ChangesOperation(string Path, WatchScope Scope, long Since, Chroot Root)
    : IOperation<ChangePortion>
{
    private const int MinChangeBytes = 16;

    public OpCode Code => OpCode.GetChanges;

    public OnLoss OnLoss => OnLoss.Repeat;

    public void Write(JuteWriter writer, bool watch)
    {
        writer.WriteString(Path);
        writer.WriteInt((int)Scope);
        writer.WriteLong(Since);
    }

    public ChangePortion Read(ref JuteReader reader)
    {
        var changes = new WatchEvent[Math.Max(0, reader.ReadCount(MinChangeBytes))];
        for (int i = 0; i < changes.Length; i++)
        {
            long zxid = reader.ReadLong();
            var kind = (WatchEventKind)reader.ReadInt();
            changes[i] = new WatchEvent(kind, Root.ToClient(reader.ReadText()), zxid);
        }

        return new(changes, reader.ReadLong(), reader.ReadBool());
    }
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
