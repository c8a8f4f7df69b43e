using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree;

/// <summary>multi: several writes, all or none.</summary>
public sealed partial class CoordStateMachine
{
    private CoordErrorCode Multi(in Command command, JuteWriter body)
    {
        if (!MultiFormat.IsMultiOfWrites(command.Body))
        {
            return CoordErrorCode.MarshallingError;
        }

        Tree.BeginUndoable();
        var reader = new JuteReader(command.Body);
        int operations = 0;
        while (MultiFormat.NextHeader(ref reader, out OpCode op))
        {
            operations++;
            CoordErrorCode code = RunInMulti(command, op, ref reader, body);
            if (code != CoordErrorCode.Ok)
            {
                RollBack();
                _triggers.Clear();
                body.Clear();
                if (code == CoordErrorCode.MarshallingError)
                {
                    return code;
                }

                WriteFailures(operations - 1, code, CountRest(ref reader), body);
                return CoordErrorCode.Ok;
            }
        }

        Tree.Commit();
        MultiFormat.WriteEnd(body);
        return CoordErrorCode.Ok;
    }

    private void RollBack()
    {
        if (Sessions.Has(TreeFaults.KeepFailedMulti))
        {
            Tree.Commit();
        }
        else
        {
            Tree.Rollback();
        }
    }

    private static int CountRest(ref JuteReader reader)
    {
        int rest = 0;
        while (MultiFormat.NextHeader(ref reader, out OpCode op))
        {
            MultiFormat.Skip(op, ref reader);
            rest++;
        }

        return rest;
    }

    /// <summary>A failed multi succeeds as a request; each result is an error, 0 for what went well.</summary>
    private static void WriteFailures(int before, CoordErrorCode code, int after, JuteWriter body)
    {
        for (int i = 0; i < before; i++)
        {
            MultiFormat.WriteError(body, CoordErrorCode.Ok);
        }

        MultiFormat.WriteError(body, code);
        for (int i = 0; i < after; i++)
        {
            MultiFormat.WriteError(body, CoordErrorCode.RuntimeInconsistency);
        }

        MultiFormat.WriteEnd(body);
    }

    private CoordErrorCode RunInMulti(in Command command, OpCode op, ref JuteReader reader, JuteWriter body)
    {
        switch (op)
        {
            case OpCode.Delete:
                MultiFormat.WriteHeader(body, op);
                return Delete(command, VersionedPath.Read(ref reader), malformed: false);
            case OpCode.SetData:
                MultiFormat.WriteHeader(body, op);
                return SetData(command, SetDataRequest.Read(ref reader), malformed: false, body);
            case OpCode.Check:
                MultiFormat.WriteHeader(body, op);
                return Check(command, VersionedPath.Read(ref reader), malformed: false, body: null);
            case OpCode.CheckNotExists:
            case OpCode.CreateIfNotExists:
            case OpCode.RemoveRecursive:
            case OpCode.CheckStat:
            case OpCode.TryRemove:
                MultiFormat.WriteHeader(body, op);
                return KeeperWrite(command, op, ref reader, body);
            default:
                return CreateInMulti(command, CreateRequest.Read(op, ref reader), body);
        }
    }

    private CoordErrorCode CreateInMulti(in Command command, in CreateRequest request, JuteWriter body)
    {
        CoordErrorCode code = CreateMode.Resolve(request, inMulti: true, command.Options, out CreateMode mode);
        if (code != CoordErrorCode.Ok)
        {
            return code;
        }

        code = CreateZnode(command, request, mode, out Znode? node);
        if (code == CoordErrorCode.Ok)
        {
            MultiFormat.WriteHeader(body, mode.AnswersWithStatInMulti ? OpCode.Create2 : OpCode.Create);
            body.WriteBuffer(_path.Written);
            if (mode.AnswersWithStatInMulti)
            {
                body.WriteStat(node!.ToStat());
            }
        }

        return code;
    }
}
