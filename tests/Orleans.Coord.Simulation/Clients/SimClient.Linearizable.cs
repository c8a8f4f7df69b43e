using Orleans.Coord.Jute;

namespace Orleans.Coord.Simulation;

/// <content>Linearizable reads in one request (docs/EXTENSIONS.md), of clients that do without sync.</content>
internal sealed partial class SimClient
{
    private readonly bool _linearizes;

    private void ReadSomethingLinearizably()
    {
        if (!_linearizes || !_extras.OneIn(4))
        {
            return;
        }

        bool watch = _extras.OneIn(3);
        if (_extras.OneIn(2))
        {
            ReadLinearizably(OpCode.GetChildren2, RequestBody.Read(Folder, watch), Folder, Purpose.Plain, watch);
        }
        else
        {
            string register = "/r" + _extras.Below(_world.Options.Registers);
            ReadLinearizably(OpCode.Exists, RequestBody.Read(register, watch), register, Purpose.Plain, watch);
        }
    }

    private SimRequest ReadLinearizably(OpCode op, byte[] body, string path, Purpose purpose, bool watch = false) =>
        Ask(new SimRequest
        {
            Xid = ++_xid,
            Op = op,
            Body = body,
            Path = path,
            Purpose = purpose,
            Watch = watch,
            Synced = true,
            IsLinearizable = true,
        });

    private void FrameLinearizable(SimRequest request)
    {
        var body = new JuteWriter(request.Body.Length + sizeof(int));
        body.WriteInt((int)request.Op);
        body.WriteRaw(request.Body);
        Frame(request.Xid, OpCode.LinearizableRead, body.Written);
    }
}
