using Orleans.Coord.Jute;

namespace Orleans.Coord.Simulation;

/// <content>Registers: znodes whose writes and linearizable reads must have an order that explains them.</content>
internal sealed partial class SimClient
{
    private readonly Dictionary<string, int> _versions = new(StringComparer.Ordinal);

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

    // Linearizable: in one request, or after a sync.
    private void ReadRegister(string path)
    {
        byte[] body = RequestBody.Read(path, false);
        if (!_linearizes)
        {
            Send(OpCode.Sync, RequestBody.Path(path), path);
        }

        SimRequest request = _linearizes
            ? ReadLinearizably(OpCode.GetData, body, path, Purpose.Register)
            : Send(OpCode.GetData, body, path, Purpose.Register, synced: true);
        Note(request, RegisterKind.Read, path, "", -1);
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

    private void AnswerRegister(RegisterOp op, OpCode asked, CoordErrorCode code, ReadOnlySpan<byte> body)
    {
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
}
