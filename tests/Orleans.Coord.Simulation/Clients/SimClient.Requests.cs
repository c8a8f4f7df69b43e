using System.Globalization;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Simulation;

/// <content>What it asks for, at random: registers, children, reads with watches, multis.</content>
internal sealed partial class SimClient
{
    private const string Folder = "/d";
    private readonly Dictionary<string, int> _versions = new(StringComparer.Ordinal);
    private readonly List<string> _ownChildren = [];
    private int _nextValue;

    private void Work()
    {
        if ((IsOperator && Operate()) || (_locks && WorkOnLock()))
        {
            return;
        }

        for (int i = _random.Below(1 + (_world.Options.Pipeline / 2)); i >= 0; i--)
        {
            AskSomething();
        }
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

    private void SetRegister(string path, int version)
    {
        string value = NextValue();
        SimRequest request = Send(OpCode.SetData, RequestBody.Set(path, value, version), path, Purpose.Register);
        Note(request, RegisterKind.Set, path, value, version);
    }

    private void CreateRegister(string path)
    {
        string value = NextValue();
        SimRequest request = Send(OpCode.Create2, RequestBody.Create(path, value), path, Purpose.Register);
        Note(request, RegisterKind.Create, path, value, -1);
    }

    private void DeleteRegister(string path)
    {
        int version = _random.OneIn(2) ? -1 : _versions.GetValueOrDefault(path);
        SimRequest request = Send(OpCode.Delete, RequestBody.Versioned(path, version), path, Purpose.Register);
        Note(request, RegisterKind.Delete, path, "", version);
    }

    // After a sync, so that it is linearizable.
    private void ReadRegister(string path)
    {
        Send(OpCode.Sync, RequestBody.Path(path), path);
        SimRequest request = Send(
            OpCode.GetData, RequestBody.Read(path, false), path, Purpose.Register, synced: true);
        Note(request, RegisterKind.Read, path, "", -1);
    }

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

    // Two registers and a child in one; often one that fails half-way.
    private void MultiOnRegisters(string register)
    {
        string other = "/r" + _random.Below(_world.Options.Registers);
        int version = _random.OneIn(2) ? -1 : _versions.GetValueOrDefault(register);
        string first = NextValue();
        string second = NextValue();
        string child = Folder + "/m-";
        bool spoil = _random.OneIn(3);
        byte[] body = RequestBody.Multi(
            (OpCode.SetData, RequestBody.Set(register, first, version)),
            (OpCode.Create, RequestBody.Create(child, first, _random.Below(2) + 2)),
            other == register
                ? (OpCode.Check, RequestBody.Versioned(register, -1))
                : (OpCode.SetData, RequestBody.Set(other, second, -1)),
            (OpCode.Check, RequestBody.Versioned(spoil ? "/nowhere" : Folder, -1)));
        SimRequest request = Send(OpCode.Multi, body, register, Purpose.Register);
        if (spoil)
        {
            return;
        }

        Note(request, RegisterKind.Set, register, first, version);
        if (other != register)
        {
            Note(request, RegisterKind.Set, other, second, -1, isSecond: true);
        }
    }

    private void Note(
        SimRequest request, RegisterKind kind, string path, string value = "", int version = -1, bool isSecond = false)
    {
        var op = new RegisterOp(kind, path, value, version, NowUs)
        {
            IsSecond = isSecond,
            Request = (SessionId, Model.HashOf(request.Op, request.Body)),
        };
        request.Registers.Add(op);
        _world.Registers.Add(op);
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
        };
        _pending.Enqueue(request);
        _world.Replies.OnAsked(request);
        _world.Trace.Add(NowUs, TraceKind.Asks, 100 + Id, request.Xid, (long)op, path);
        Frame(request.Xid, op, body);
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
        bool ok = code == CoordErrorCode.Ok;
        Acknowledged += ok && request.IsWrite ? 1 : 0;
        foreach (RegisterOp op in request.Registers)
        {
            AnswerRegister(op, request.Op, code, body);
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

    private void AnswerRegister(RegisterOp op, OpCode asked, CoordErrorCode code, ReadOnlySpan<byte> body)
    {
        if (code is CoordErrorCode.SystemError)
        {
            // Refused for want of space, before it was tried.
            op.IsVoid = true;
            return;
        }

        op.AnsweredUs = NowUs;
        op.Code = code;
        if (code != CoordErrorCode.Ok)
        {
            return;
        }

        var reader = new JuteReader(body);
        switch (asked)
        {
            case OpCode.GetData:
                op.Value = System.Text.Encoding.UTF8.GetString(reader.ReadBuffer());
                op.Version = VersionOf(ref reader);
                break;
            case OpCode.SetData:
                op.Version = VersionOf(ref reader);
                break;
            case OpCode.Multi:
                AnswerMulti(op, body);
                break;
        }

        _versions[op.Path] = op.Version;
    }

    private static void AnswerMulti(RegisterOp op, ReadOnlySpan<byte> body)
    {
        var reader = new JuteReader(body);
        if (reader.ReadInt() == (int)OpCode.Error)
        {
            op.IsVoid = true;
            return;
        }

        // set, create, set or check, check: the first set is this one's, or else the second.
        reader.ReadBool();
        reader.ReadInt();
        op.Version = VersionOf(ref reader);
        SkipStat(ref reader);
        reader.ReadInt();
        reader.ReadBool();
        reader.ReadInt();
        reader.ReadString();
        if (op.IsSecond)
        {
            reader.ReadInt();
            reader.ReadBool();
            reader.ReadInt();
            op.Version = VersionOf(ref reader);
        }
    }

    private static int VersionOf(ref JuteReader reader)
    {
        reader.ReadLong();
        reader.ReadLong();
        reader.ReadLong();
        reader.ReadLong();
        return reader.ReadInt();
    }

    private static void SkipStat(ref JuteReader reader)
    {
        const int AfterVersion = 68 - 36;
        for (int i = 0; i < AfterVersion; i++)
        {
            reader.ReadByte();
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
