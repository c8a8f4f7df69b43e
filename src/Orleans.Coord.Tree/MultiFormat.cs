using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree;

/// <summary>The bodies of multi and multiRead: headers of type, done and error, each with a record.</summary>
internal static class MultiFormat
{
    private const int Done = -1;

    /// <summary>Whether the whole body can be read and has writes only. Nothing is run before that is known.</summary>
    public static bool IsMultiOfWrites(ReadOnlySpan<byte> body) => IsMulti(body, reads: false);

    /// <summary>Whether the whole body can be read and has reads only.</summary>
    public static bool IsMultiOfReads(ReadOnlySpan<byte> body) => IsMulti(body, reads: true);

    /// <summary>Reads the next header; false at the end.</summary>
    public static bool NextHeader(ref JuteReader reader, out OpCode op)
    {
        op = (OpCode)reader.ReadInt();
        bool done = reader.ReadBool();
        reader.ReadInt();
        return !done && !reader.Failed;
    }

    /// <summary>Reads over an operation's record; false if a multi may not have it, or it has no path.</summary>
    public static bool Skip(OpCode op, ref JuteReader reader)
    {
        switch (op)
        {
            case OpCode.Create:
            case OpCode.Create2:
            case OpCode.CreateContainer:
            case OpCode.CreateTtl:
            case OpCode.CreateIfNotExists:
                return !CreateRequest.Read(op, ref reader).PathIsNull;
            case OpCode.RemoveRecursive:
            case OpCode.ListRecursive:
            case OpCode.CheckNotExists:
            case OpCode.TryRemove:
            case OpCode.Delete:
            case OpCode.Check:
                return !VersionedPath.Read(ref reader).PathIsNull;
            case OpCode.SetData:
                return !SetDataRequest.Read(ref reader).PathIsNull;
            case OpCode.CheckStat:
                return !CheckStatRequest.Read(ref reader).PathIsNull;
            case OpCode.GetData:
            case OpCode.GetChildren:
            case OpCode.Exists:
            case OpCode.GetChildren2:
                reader.ReadBuffer(out bool isNull);
                reader.ReadBool();
                return !isNull;
            case OpCode.FilteredList:
            case OpCode.FilteredListWithStatsAndData:
                return !FilteredListRequest.Read(op, ref reader).PathIsNull;
            default:
                return false;
        }
    }

    public static void WriteHeader(JuteWriter output, OpCode op) => WriteHeader(output, (int)op, done: false, 0);

    public static void WriteError(JuteWriter output, CoordErrorCode code)
    {
        WriteHeader(output, (int)OpCode.Error, done: false, (int)code);
        output.WriteInt((int)code);
    }

    public static void WriteEnd(JuteWriter output) => WriteHeader(output, Done, done: true, Done);

    private static void WriteHeader(JuteWriter output, int type, bool done, int error)
    {
        output.WriteInt(type);
        output.WriteBool(done);
        output.WriteInt(error);
    }

    private static bool IsMulti(ReadOnlySpan<byte> body, bool reads)
    {
        var reader = new JuteReader(body);
        while (NextHeader(ref reader, out OpCode op))
        {
            // ZooKeeper knows the first two; the others are ClickHouse Keeper's.
            bool isRead = op is OpCode.GetData or OpCode.GetChildren
                or OpCode.Exists or OpCode.GetChildren2
                or OpCode.FilteredList or OpCode.FilteredListWithStatsAndData or OpCode.ListRecursive;
            if (isRead != reads || !Skip(op, ref reader))
            {
                return false;
            }
        }

        return !reader.Failed;
    }
}
