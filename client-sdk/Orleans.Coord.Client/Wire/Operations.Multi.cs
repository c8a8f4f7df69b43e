using Orleans.Coord.Jute;

namespace Orleans.Coord.Client;

/// <summary>One operation of a transaction.</summary>
/// <param name="Code">Which.</param>
/// <param name="Path">The znode, as the caller wrote it.</param>
/// <param name="Write">Writes its record.</param>
internal sealed record TransactionStep(OpCode Code, string Path, Action<JuteWriter> Write);

internal readonly record struct MultiOperation(IReadOnlyList<TransactionStep> Steps, Chroot Root)
    : IOperation<TransactionOutcome>
{
    public OpCode Code => OpCode.Multi;

    public string? Path => null;

    public OnLoss OnLoss => OnLoss.Unknown;

    public void Write(JuteWriter writer, bool watch)
    {
        foreach (TransactionStep step in Steps)
        {
            MultiHeader.Write(writer, step.Code, done: false);
            step.Write(writer);
        }

        MultiHeader.Write(writer, OpCode.Error, done: true);
    }

    public TransactionOutcome Read(ref JuteReader reader)
    {
        var results = new List<TransactionResult>(Steps.Count);
        var failure = new TransactionOutcome(CoordErrorCode.Ok, -1, []);
        for (int i = 0; i < Steps.Count && !reader.Failed; i++)
        {
            var type = (OpCode)MultiHeader.ReadType(ref reader);
            if (type == OpCode.Error)
            {
                failure = WorseOf(failure, (CoordErrorCode)reader.ReadInt(), i);
            }
            else
            {
                results.Add(ReadResult(ref reader, type, Steps[i].Path));
            }
        }

        return results.Count == Steps.Count ? failure with { Results = results } : failure;
    }

    // Before the operation that failed stands 0, after it RuntimeInconsistency; only its own code says why.
    private static TransactionOutcome WorseOf(TransactionOutcome failure, CoordErrorCode code, int index)
    {
        bool isReason = code is not (CoordErrorCode.Ok or CoordErrorCode.RuntimeInconsistency);
        return isReason && failure.FailedIndex < 0 ? new TransactionOutcome(code, index, [])
            : failure.Committed ? failure with { Code = CoordErrorCode.RuntimeInconsistency }
            : failure;
    }

    private TransactionResult ReadResult(ref JuteReader reader, OpCode type, string path)
    {
        switch (type)
        {
            case OpCode.Create:
                return new CreateResult(Root.ToClient(reader.ReadText()));
            case OpCode.Create2 or OpCode.CreateContainer or OpCode.CreateTtl:
                var created = new CreateResult(Root.ToClient(reader.ReadText()));
                reader.ReadStat();
                return created;
            case OpCode.SetData:
                return new SetResult(path, reader.ReadStat());
            case OpCode.Delete:
                return new DeleteResult(path);
            default:
                return new CheckResult(path);
        }
    }
}

/// <summary>One read of a multi-read.</summary>
/// <param name="Code">Which.</param>
/// <param name="Path">The znode, as the caller wrote it.</param>
/// <param name="ServerPath">The znode, as the server knows it.</param>
internal readonly record struct ReadStep(OpCode Code, string Path, string ServerPath);

internal readonly record struct MultiReadOperation(IReadOnlyList<ReadStep> Steps) : IOperation<ReadResult[]>
{
    public OpCode Code => OpCode.MultiRead;

    public string? Path => null;

    public OnLoss OnLoss => OnLoss.Repeat;

    public void Write(JuteWriter writer, bool watch)
    {
        foreach (ReadStep step in Steps)
        {
            MultiHeader.Write(writer, step.Code, done: false);
            writer.WriteString(step.ServerPath);
            writer.WriteBool(false);
        }

        MultiHeader.Write(writer, OpCode.Error, done: true);
    }

    public ReadResult[] Read(ref JuteReader reader)
    {
        var results = new ReadResult[Steps.Count];
        for (int i = 0; i < results.Length; i++)
        {
            string path = Steps[i].Path;
            results[i] = (OpCode)MultiHeader.ReadType(ref reader) switch
            {
                OpCode.GetData => new DataResult(path, new(reader.ReadBuffer().ToArray(), reader.ReadStat())),
                OpCode.GetChildren => new ChildrenResult(path, reader.ReadTexts()),
                _ => new FailedRead(path, (CoordErrorCode)reader.ReadInt()),
            };
        }

        return results;
    }
}

/// <summary>What stands before each operation and each result, and at the end of all.</summary>
internal static class MultiHeader
{
    public static void Write(JuteWriter writer, OpCode code, bool done)
    {
        writer.WriteInt((int)code);
        writer.WriteBool(done);
        writer.WriteInt(-1);
    }

    public static int ReadType(ref JuteReader reader)
    {
        int type = reader.ReadInt();
        reader.ReadBool();
        reader.ReadInt();
        return type;
    }
}
