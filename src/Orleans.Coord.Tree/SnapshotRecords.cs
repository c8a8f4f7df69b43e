using System.Runtime.InteropServices;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree;

/// <summary>
/// A znode as a snapshot has it. Names and data are shared with the znode: they are replaced, never changed, so a
/// copy aside costs no copying of data.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ZnodeRecord(
    int Slot,
    int ParentSlot,
    int ChildCount,
    ZnodeKind Kind,
    long AclId,
    long OwnerOrTtl,
    long Czxid,
    long Mzxid,
    long Pzxid,
    long Ctime,
    long Mtime,
    int Version,
    int Aversion,
    int CreatedChildren,
    byte[] Name,
    byte[]? Data)
{
    /// <summary>The least bytes of a record.</summary>
    public const int MinBytes = 89;

    public static ZnodeRecord Of(Znode node) => new(
        node.Slot,
        node.Parent?.Slot ?? -1,
        node.ChildCount,
        node.Kind,
        node.Acl.Id,
        node.OwnerOrTtl,
        node.Czxid,
        node.Mzxid,
        node.Pzxid,
        node.Ctime,
        node.Mtime,
        node.Version,
        node.Aversion,
        node.CreatedChildren,
        node.Name,
        node.Data);

    public static ZnodeRecord Read(ref JuteReader reader) => new(
        reader.ReadInt(),
        reader.ReadInt(),
        reader.ReadInt(),
        (ZnodeKind)reader.ReadByte(),
        reader.ReadLong(),
        reader.ReadLong(),
        reader.ReadLong(),
        reader.ReadLong(),
        reader.ReadLong(),
        reader.ReadLong(),
        reader.ReadLong(),
        reader.ReadInt(),
        reader.ReadInt(),
        reader.ReadInt(),
        reader.ReadBuffer().ToArray(),
        ReadData(ref reader));

    public void Write(JuteWriter output)
    {
        output.WriteInt(Slot);
        output.WriteInt(ParentSlot);
        output.WriteInt(ChildCount);
        output.WriteByte((byte)Kind);
        output.WriteLong(AclId);
        output.WriteLong(OwnerOrTtl);
        output.WriteLong(Czxid);
        output.WriteLong(Mzxid);
        output.WriteLong(Pzxid);
        output.WriteLong(Ctime);
        output.WriteLong(Mtime);
        output.WriteInt(Version);
        output.WriteInt(Aversion);
        output.WriteInt(CreatedChildren);
        output.WriteBuffer(Name);
        output.WriteBufferOrNull(Data);
    }

    private static byte[]? ReadData(ref JuteReader reader)
    {
        ReadOnlySpan<byte> data = reader.ReadBuffer(out bool isNull);
        return isNull ? null : data.ToArray();
    }
}

/// <summary>A session as a snapshot has it.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct SessionRecord(
    long Id, int TimeoutMs, int Generation, long LastPosition, byte[] PasswordHash, KeptState? Results = null)
{
    /// <summary>The least bytes of a record.</summary>
    public const int MinBytes = 28;

    public static SessionRecord Of(Session session) =>
        new(
            session.Id, session.TimeoutMs, session.Generation, session.LastPosition, session.PasswordHash,
            session.Results?.Save());

    public static SessionRecord Read(ref JuteReader reader) =>
        new(reader.ReadLong(), reader.ReadInt(), reader.ReadInt(), reader.ReadLong(), reader.ReadBuffer().ToArray());

    public void Write(JuteWriter output)
    {
        output.WriteLong(Id);
        output.WriteInt(TimeoutMs);
        output.WriteInt(Generation);
        output.WriteLong(LastPosition);
        output.WriteBuffer(PasswordHash);
    }
}

/// <summary>The results kept for a session; only sessions with some have such a record.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ResultsRecord(long SessionId, KeptState State)
{
    private const int MinResultBytes = 24;

    public static ResultsRecord Read(ref JuteReader reader)
    {
        long session = reader.ReadLong();
        long lowest = reader.ReadLong();
        long last = reader.ReadLong();
        var results = new KeptResult[Math.Max(0, reader.ReadCount(MinResultBytes))];
        for (int i = 0; i < results.Length; i++)
        {
            results[i] = new KeptResult(
                reader.ReadLong(), reader.ReadLong(), (CoordErrorCode)reader.ReadInt(), reader.ReadBuffer().ToArray());
        }

        return new ResultsRecord(session, new KeptState(lowest, last, results));
    }

    public void Write(JuteWriter output)
    {
        output.WriteLong(SessionId);
        output.WriteLong(State.Lowest);
        output.WriteLong(State.Last);
        output.WriteInt(State.Results.Length);
        foreach (KeptResult result in State.Results)
        {
            output.WriteLong(result.Number);
            output.WriteLong(result.Zxid);
            output.WriteInt((int)result.Code);
            output.WriteBuffer(result.Body);
        }
    }
}
