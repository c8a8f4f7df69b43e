using Orleans.Coord.Jute;

namespace Orleans.Coord.Simulation;

/// <summary>
/// Every reply against the model at the index that it names: a write's is that of its own entry, applied once and in
/// the session's order; a read's shows the state at its index; a linearizable one, or one after a sync, all that
/// was answered before.
/// </summary>
internal sealed class ReplyChecker(SimWorld world)
{
    private readonly JuteWriter _expected = new();
    private readonly Dictionary<SimRequest, long> _floors = [];
    private long _known;

    /// <summary>Replies checked.</summary>
    public int Checked { get; private set; }

    /// <summary>Answers that clients had seen before.</summary>
    public int Repeated { get; private set; }

    public void OnAsked(SimRequest request)
    {
        if (request.Synced)
        {
            _floors.Add(request, _known);
        }
    }

    public void Check(
        SimClient client, SimRequest request, long before, long zxid, CoordErrorCode code, ReadOnlySpan<byte> body)
    {
        Checked++;
        SimViolationException.Unless(
            zxid <= world.Model.Index, "durability",
            $"client {client.Id} was answered at {zxid}, which nobody has applied");
        if (request.Number != 0)
        {
            CheckNumbered(client, request, before, zxid, code, body);
        }
        else if (request.IsWrite)
        {
            CheckWrite(client, request, before, zxid, code, body);
        }
        else if (request.Op is OpCode.GetData or OpCode.Exists or OpCode.GetChildren2)
        {
            CheckRead(client, request, zxid, code, body);
        }
        else if (request.Op != OpCode.GetChanges)
        {
            Unless(code == CoordErrorCode.Ok, client, request, zxid, $"answers {code}");
        }

        foreach (RegisterOp op in request.Registers)
        {
            op.Hint = (zxid * 2) + (request.IsWrite ? 0 : 1);
            world.Model.Answered(op.Request, zxid);
        }

        _known = Math.Max(_known, zxid);
    }

    private void CheckWrite(
        SimClient client, SimRequest request, long before, long zxid, CoordErrorCode code, ReadOnlySpan<byte> body)
    {
        // A local session's goodbye is no entry.
        bool isLocal = request.Op == OpCode.CloseSession && client.MayBeLocal && code == CoordErrorCode.Ok;
        if (code == CoordErrorCode.SystemError || isLocal)
        {
            return;
        }

        Unless(zxid > before, client, request, zxid, $"comes after zxid {before}");
        CheckEntry(client, request, zxid, code, body);
    }

    /// <summary>
    /// A write with a number runs once, at one index; whenever it is asked for, the answer is that index's. A result
    /// may be gone once the client has said that it has it, and must be gone once that was answered.
    /// </summary>
    private void CheckNumbered(
        SimClient client, SimRequest request, long before, long zxid, CoordErrorCode code, ReadOnlySpan<byte> body)
    {
        long ran = world.Model.IndexOf(client.SessionId, request.Number);
        if (code == CoordErrorCode.SystemError)
        {
            bool mayBe = ran == 0 || client.MayBeForgotten(request.Number) || request.IsDoubled;
            Unless(mayBe, client, request, zxid, $"is refused, but number {request.Number} ran at {ran} and is kept");
            return;
        }

        if (code == CoordErrorCode.Unimplemented)
        {
            // The group has not agreed to numbers yet, and none is used up.
            CheckEntry(client, request, zxid, code, body);
            return;
        }

        Unless(
            !client.MustBeForgotten(request.Number), client, request, zxid,
            $"answers {code}, but the result of number {request.Number} is dropped");
        Unless(
            ran == 0 || zxid == ran, client, request, zxid, $"is not {ran}, where number {request.Number} has run");
        Unless(
            zxid > before || request.Sends > 1, client, request, zxid,
            $"comes after zxid {before}, but number {request.Number} was sent once");
        Repeated += zxid <= before ? 1 : 0;
        CheckEntry(client, request, zxid, code, body);
    }

    private void CheckEntry(
        SimClient client, SimRequest request, long zxid, CoordErrorCode code, ReadOnlySpan<byte> body)
    {
        ModelResult result = world.Model.ResultAt(zxid);
        bool own = result.SessionId == client.SessionId && result.Number == request.Number
            && result.BodyHash == Model.HashOf(request.Op, request.Body);
        Unless(own, client, request, zxid, "is the answer to another entry");
        Unless(result.Code == code, client, request, zxid, $"answers {code}, it must be {result.Code}");
        Unless(body.SequenceEqual(result.Body), client, request, zxid, "has another body than the model");
    }

    private void CheckRead(
        SimClient client, SimRequest request, long zxid, CoordErrorCode code, ReadOnlySpan<byte> body)
    {
        if (_floors.Remove(request, out long floor))
        {
            Unless(zxid >= floor, client, request, zxid, $"does not show what was answered before it, up to {floor}");
        }

        ModelNode? node = world.Model.NodeAt(request.Path, zxid);
        CoordErrorCode expected = node is null ? CoordErrorCode.NoNode : CoordErrorCode.Ok;
        Unless(code == expected, client, request, zxid, $"answers {code}, it must be {expected}");
        if (node is null)
        {
            return;
        }

        _expected.Clear();
        if (request.Op == OpCode.GetData)
        {
            _expected.WriteBuffer(node.Data);
        }

        var reader = new JuteReader(body);
        if (request.Op == OpCode.GetChildren2)
        {
            CheckChildren(client, request, zxid, ref reader);
        }

        _expected.WriteStat(node.Stat);
        Unless(
            reader.Rest.SequenceEqual(_expected.Written), client, request, zxid, $"differs from the model's {node}");
    }

    private void CheckChildren(SimClient client, SimRequest request, long zxid, ref JuteReader reader)
    {
        List<string> names = [];
        for (int left = reader.ReadInt(); left > 0; left--)
        {
            names.Add(System.Text.Encoding.UTF8.GetString(reader.ReadString()));
        }

        names.Sort(StringComparer.Ordinal);
        List<string> expected = world.Model.ChildrenAt(request.Path, zxid);
        Unless(
            names.SequenceEqual(expected), client, request, zxid,
            $"lists {string.Join(',', names)}, there are {string.Join(',', expected)}");
    }

    private static void Unless(bool condition, SimClient client, SimRequest request, long zxid, string what)
    {
        if (!condition)
        {
            throw new SimViolationException(
                request.IsWrite ? "writes" : "reads",
                $"client {client.Id}, {request.Op} {request.Path} (xid {request.Xid}) at {zxid}: {what}");
        }
    }
}
