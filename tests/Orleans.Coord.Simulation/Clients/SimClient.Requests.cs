using System.Globalization;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Simulation;

/// <content>What it asks for, at random, and how answers are taken.</content>
internal sealed partial class SimClient
{
    private const string Folder = "/d";
    private readonly List<string> _ownChildren = [];
    private int _nextValue;

    private void Work()
    {
        if (ReadLocally() || (IsOperator && Operate()) || (_locks && WorkOnLock()))
        {
            return;
        }

        for (int i = _random.Below(1 + (_world.Options.Pipeline / 2)); i >= 0; i--)
        {
            AskSomething();
        }

        ProbeNumbers();
        ReadSomethingLinearizably();
        FollowChanges();
    }

    private void AskSomething()
    {
        string register = "/r" + _random.Below(_world.Options.Registers);
        switch (_random.Below(14))
        {
            case 0 or 1 or 2:
                SetRegister(register, _random.OneIn(2) ? -1 : _versions.GetValueOrDefault(register));
                break;
            case 3:
                CreateRegister(register);
                break;
            case 4 when _random.OneIn(4):
                DeleteRegister(register);
                break;
            case 5 or 6:
                ReadRegister(register);
                break;
            case 7:
                Send(OpCode.GetData, RequestBody.Read(register, true), register, watch: true);
                break;
            case 8:
                Send(OpCode.Exists, RequestBody.Read(register, true), register, watch: true);
                break;
            case 9:
                Send(OpCode.GetChildren2, RequestBody.Read(Folder, true), Folder, watch: true);
                break;
            case 10 or 11:
                WorkOnChildren();
                break;
            case 12:
                MultiOnRegisters(register);
                break;
            default:
                Send(OpCode.GetData, RequestBody.Read(register, false), register);
                break;
        }
    }

    private string NextValue() => RequestBody.Unique(Id, ++_nextValue);

    private void WorkOnChildren()
    {
        if (_ownChildren.Count > 0 && _random.OneIn(2))
        {
            string path = _random.PickOf(_ownChildren);
            Send(OpCode.Delete, RequestBody.Versioned(path, -1), path);
            return;
        }

        // 0 to 3: persistent or ephemeral, with a sequence number or without.
        int flags = _random.Below(4);
        string name = Folder + "/n" + ((flags & 2) != 0 ? "-" : Id.ToString(CultureInfo.InvariantCulture));
        Send(_random.OneIn(2) ? OpCode.Create : OpCode.Create2, RequestBody.Create(name, NextValue(), flags), name);
    }

    private SimRequest Send(
        OpCode op, byte[] body, string path, Purpose purpose = Purpose.Plain, bool watch = false, bool synced = false,
        int? xid = null)
    {
        var request = new SimRequest
        {
            Xid = xid ?? ++_xid,
            Op = op,
            Body = body,
            Path = path,
            Purpose = purpose,
            Watch = watch,
            Synced = synced,
            Number = IsToBeNumbered(op, purpose) ? ++_lastNumber : 0,
        };
        if (request.Number != 0)
        {
            _unanswered.Add(request);
            request.Lowest = LowestFor(request.Number);
        }

        return Ask(request);
    }

    private SimRequest Ask(SimRequest request)
    {
        _pending.Enqueue(request);
        _world.Replies.OnAsked(request);
        _world.Trace.Add(NowUs, TraceKind.Asks, 100 + Id, request.Xid, (long)request.Op, request.Path);
        if (request.Number != 0)
        {
            FrameNumbered(request);
        }
        else if (request.IsLinearizable)
        {
            FrameLinearizable(request);
        }
        else
        {
            Frame(request.Xid, request.Op, request.Body);
        }

        return request;
    }

    private void Ping()
    {
        _lastPingUs = NowUs;
        _pingsSentUs.Enqueue(NowUs);
        Frame(PingXid, OpCode.Ping, []);
    }

    private void Frame(int xid, OpCode op, ReadOnlySpan<byte> body)
    {
        _frames.WriteInt(body.Length + (2 * sizeof(int)));
        _frames.WriteInt(xid);
        _frames.WriteInt((int)op);
        _frames.WriteRaw(body);
    }

    private void Flush()
    {
        if (_frames.Length > 0)
        {
            _connection?.Send(_frames.Written.ToArray());
            _frames.Clear();
        }
    }

    private void Answered(SimRequest request, long zxid, CoordErrorCode code, ReadOnlySpan<byte> body)
    {
        IsKnownToAll |= request.IsWrite && code != CoordErrorCode.SystemError;
        if (request.Number != 0)
        {
            AnsweredNumbered(request, code);
        }

        if (request.IsProbe)
        {
            return;
        }

        bool ok = code == CoordErrorCode.Ok;
        Acknowledged += ok && request.IsWrite ? 1 : 0;
        // Refused before it was tried, for want of space or of the feature level; unless a copy of it may run yet.
        if (code is CoordErrorCode.SystemError or CoordErrorCode.Unimplemented)
        {
            request.Registers.ForEach(op => op.IsVoid = !request.IsDoubled);
        }
        else
        {
            foreach (RegisterOp op in request.Registers)
            {
                AnswerRegister(op, request.Op, code, body);
            }
        }

        if (request.Watch)
        {
            Arm(request, zxid, code);
        }

        switch (request.Op)
        {
            case OpCode.Create or OpCode.Create2 when ok && request.Path.StartsWith(Folder, StringComparison.Ordinal):
                _ownChildren.Add(FirstString(body));
                break;
            case OpCode.Delete when ok:
                _ownChildren.Remove(request.Path);
                break;
            case OpCode.GetChanges:
                TakeChanges(request, zxid, code, body);
                break;
        }

        TakeForLock(request, code, body);
        if (request.Purpose == Purpose.Rearm)
        {
            Rearmed(zxid);
        }
        else if (request.Purpose == Purpose.Goodbye && ok)
        {
            LoseSession();
        }
    }

    private static string FirstString(ReadOnlySpan<byte> body) =>
        System.Text.Encoding.UTF8.GetString(new JuteReader(body).ReadString());

    private static void OutcomeUnknown(SimRequest request)
    {
        // A read without an answer says nothing.
        request.Registers.ForEach(op => op.IsVoid |= op.Kind == RegisterKind.Read);
    }
}
