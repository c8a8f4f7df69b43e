using System.Text;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree;

/// <summary>What ZooKeeper does not have: numbered writes and the history of changes (docs/EXTENSIONS.md).</summary>
public sealed partial class CoordStateMachine
{
    private readonly Znode _about;
    private ChangeHistory _history;

    /// <summary>All changes with a zxid above this one are in this replica's history.</summary>
    public long HistoryHorizon => _history.Horizon;

    /// <summary>The virtual znode that says which extensions there are; in no listing, and in no count.</summary>
    private static ReadOnlySpan<byte> AboutPath => "/zookeeper/coord"u8;

    // Snapshots from before levels were kept are of the level that adds nothing.
    private ulong LevelDigest => (ulong)(FeatureLevel - FeatureLevels.Extensions);

    private bool HasExtensions => FeatureLevel >= FeatureLevels.Extensions;

    private void RaiseLevel(byte level)
    {
        Invariant.Check(level > FeatureLevel && level <= FeatureLevels.Newest);
        FeatureLevel = level;
        string numbered = HasExtensions ? "numbered-writes 1\n" : "";
        _about.Data = Encoding.ASCII.GetBytes(
            $"orleans.coord 1\nfeature-level {(int)level}\n{numbered}linearizable-reads 1\nchange-history 1\n");
    }

    /// <summary>Gives the history other limits; with them it begins anew. For tests only.</summary>
    internal void LimitHistory(ChangeLimits limits) =>
        _history = new ChangeHistory(LastApplied, limits) { Faults = Faults };

    /// <summary>Whether a numbered write has run before, so that running it again only repeats its answer.</summary>
    /// <param name="sessionId">Whose.</param>
    /// <param name="body">The body of a request with <see cref="OpCode.Numbered"/>.</param>
    public bool HasRun(long sessionId, ReadOnlySpan<byte> body)
    {
        long number = new JuteReader(body).ReadLong();
        return Sessions.TryGet(sessionId, out Session? session)
            && session.Results is { } results
            && results.TryFind(number, out _);
    }

    /// <summary>The operation that a numbered write wraps; every other operation is itself.</summary>
    /// <param name="op">The operation on the wire.</param>
    /// <param name="body">Its body.</param>
    public static OpCode Unwrap(OpCode op, ReadOnlySpan<byte> body)
    {
        if (op != OpCode.Numbered)
        {
            return op;
        }

        var reader = new JuteReader(body);
        reader.ReadLong();
        reader.ReadLong();
        return (OpCode)reader.ReadInt();
    }

    /// <summary>Whether a request would create an ephemeral znode; false for what cannot be read.</summary>
    /// <param name="op">The operation on the wire.</param>
    /// <param name="body">Its body.</param>
    public static bool CreatesEphemeral(OpCode op, ReadOnlySpan<byte> body)
    {
        var reader = new JuteReader(body);
        if (op == OpCode.Numbered)
        {
            reader.ReadLong();
            reader.ReadLong();
            op = (OpCode)reader.ReadInt();
        }

        if (op != OpCode.Multi)
        {
            return ReadsEphemeral(op, ref reader, inMulti: false);
        }

        ReadOnlySpan<byte> operations = reader.Rest;
        if (!MultiFormat.IsMultiOfWrites(operations))
        {
            return false;
        }

        while (MultiFormat.NextHeader(ref reader, out OpCode part))
        {
            if (ReadsEphemeral(part, ref reader, inMulti: true))
            {
                return true;
            }
        }

        return false;
    }

    private static bool ReadsEphemeral(OpCode op, ref JuteReader reader, bool inMulti)
    {
        if (op is not (OpCode.Create or OpCode.Create2 or OpCode.CreateContainer or OpCode.CreateTtl
            or OpCode.CreateIfNotExists))
        {
            _ = inMulti && MultiFormat.Skip(op, ref reader);
            return false;
        }

        CoordErrorCode code = CreateMode.Resolve(
            CreateRequest.Read(op, ref reader), inMulti, CommandOptions.None, out CreateMode mode);
        return !reader.Failed && code == CoordErrorCode.Ok && mode.Kind == ZnodeKind.Ephemeral;
    }

    private static bool MayBeNumbered(OpCode op) =>
        op is OpCode.Create or OpCode.Create2 or OpCode.CreateContainer or OpCode.CreateTtl
        or OpCode.Delete or OpCode.SetData or OpCode.SetAcl or OpCode.Multi;

    /// <summary>Runs a write once, however often it is sent, and answers it each time as at first.</summary>
    private CoordErrorCode ApplyNumbered(in Command command, ApplyResult result)
    {
        if (!HasExtensions)
        {
            return CoordErrorCode.Unimplemented;
        }

        var reader = new JuteReader(command.Body);
        long number = reader.ReadLong();
        long lowest = reader.ReadLong();
        var op = (OpCode)reader.ReadInt();
        if (reader.Failed)
        {
            return CoordErrorCode.MarshallingError;
        }

        bool isValid = lowest >= 1 && lowest <= number && number - lowest < KeptResults.MaxCount && MayBeNumbered(op);
        if (!isValid || !Sessions.TryGet(command.SessionId, out Session? session))
        {
            return CoordErrorCode.BadArguments;
        }

        KeptResults results = Sessions.ForgetResults(session, lowest);
        bool isRepeat = number <= Math.Max(results.Last, results.Lowest - 1);
        if (isRepeat && !Sessions.Has(TreeFaults.RunRepeat))
        {
            return Repeat(results, number, result);
        }

        if (results.IsFull)
        {
            return CoordErrorCode.ThrottledOp;
        }

        CoordErrorCode code = Execute(command.With(op, reader.Rest), result);
        byte[] body = code == CoordErrorCode.Ok ? result.Body.Written.ToArray() : [];
        Sessions.KeepResult(session, new KeptResult(number, LastApplied, code, body));
        return code;
    }

    /// <summary>
    /// A number that was passed over never ran: its write was refused before it came to the log, and stays refused.
    /// </summary>
    private static CoordErrorCode Repeat(KeptResults results, long number, ApplyResult result)
    {
        if (!results.TryFind(number, out KeptResult kept))
        {
            return CoordErrorCode.SystemError;
        }

        result.Zxid = kept.Zxid;
        result.Body.WriteRaw(kept.Body);
        return kept.Code;
    }

    private CoordErrorCode GetChanges(ReadOnlySpan<byte> body, CallerIdentities who, JuteWriter reply)
    {
        var reader = new JuteReader(body);
        ReadOnlySpan<byte> path = reader.ReadBuffer(out bool isNull);
        int scope = reader.ReadInt();
        long since = reader.ReadLong();
        if (reader.Failed || isNull)
        {
            return CoordErrorCode.MarshallingError;
        }

        if (!ZnodePath.IsValid(path) || scope is not (0 or 1) || since < 0)
        {
            return CoordErrorCode.BadArguments;
        }

        return _history.TryRead(since, path, subtree: scope == 1, LastApplied, who.Encoded, reply)
            ? CoordErrorCode.Ok
            : CoordErrorCode.HistoryLost;
    }

    /// <summary>What reads see at a path: a znode, or the virtual one.</summary>
    private Znode? FindReadable(ReadOnlySpan<byte> path) =>
        path.SequenceEqual(AboutPath) ? _about : Tree.Find(path) ?? (HasExtensions ? _keeperNodes.Find(path) : null);
}
