using System.Text;
using Orleans.Concurrency;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Grains.Znodes;

/// <summary>A znode's operations as requests to the silo's replica.</summary>
[StatelessWorker(1)]
[Reentrant]
[CollectionAgeLimit(Minutes = 2)]
internal sealed class ZnodeGrain : IGrainBase, IZnodeGrain
{
    // Xid, operation, flags, version, access control list and the lengths between them.
    private const int FrameOverhead = 128;

    private readonly SiloSessions _sessions;
    private readonly int _maxFrameBytes;
    private readonly string _path;

    public ZnodeGrain(IGrainContext context, SiloSessions sessions, LocalReplicas replicas)
    {
        GrainContext = context;
        _sessions = sessions;
        _maxFrameBytes = replicas.MaxFrameBytes;
        _path = this.GetPrimaryKeyString();
    }

    public IGrainContext GrainContext { get; }

    public async Task<ZnodeValue> GetAsync(long? atLeast)
    {
        Answer answer = Checked(await ReadAsync(OpCode.GetData, atLeast));
        var reader = new JuteReader(answer.Body.Span);
        byte[] data = reader.ReadBuffer().ToArray();
        return new ZnodeValue(data, reader.ReadStat(), answer.Zxid);
    }

    public async Task<Stat?> ExistsAsync(long? atLeast)
    {
        Answer answer = await ReadAsync(OpCode.Exists, atLeast);
        if (answer.Code == CoordErrorCode.NoNode)
        {
            return null;
        }

        var reader = new JuteReader(Checked(answer).Body.Span);
        return reader.ReadStat();
    }

    public async Task<ZnodeNames> GetChildrenAsync(long? atLeast)
    {
        Answer answer = Checked(await ReadAsync(OpCode.GetChildren2, atLeast));
        var reader = new JuteReader(answer.Body.Span);
        string[] names = new string[Math.Max(0, reader.ReadCount(sizeof(int)))];
        for (int i = 0; i < names.Length; i++)
        {
            names[i] = Encoding.UTF8.GetString(reader.ReadString());
        }

        return new ZnodeNames(names, reader.ReadStat(), answer.Zxid);
    }

    public async Task<ZnodeCreated> CreateAsync(byte[] data, bool sequential)
    {
        Answer answer = await WriteAsync(ZnodeRequest.Create(_path, data, sequential), data.Length);
        return new ZnodeCreated(Encoding.UTF8.GetString(new JuteReader(answer.Body.Span).ReadString()), answer.Zxid);
    }

    public async Task<long> SetAsync(byte[] data, int version) =>
        (await WriteAsync(ZnodeRequest.Set(_path, data, version), data.Length)).Zxid;

    public async Task<long> DeleteAsync(int version) =>
        (await WriteAsync(ZnodeRequest.Delete(_path, version), 0)).Zxid;

    // The reply tells how far the replica was: where that is not far enough, the question is asked behind a barrier.
    private async Task<Answer> ReadAsync(OpCode op, long? atLeast)
    {
        CheckSize(0);
        var request = ZnodeRequest.Read(op, _path);
        if (atLeast is { } zxid)
        {
            Answer answer = await _sessions.Reads.AskAsync(request, barrier: false);
            if (answer.Zxid >= zxid)
            {
                return answer;
            }
        }

        Answer exact = await _sessions.Reads.AskAsync(request, barrier: true);
        // The connection was lost, most likely with the leader. A read can be asked again.
        return exact.Code == CoordErrorCode.ConnectionLoss
            ? await _sessions.Reads.AskAsync(request, barrier: true)
            : exact;
    }

    private async Task<Answer> WriteAsync(ZnodeRequest request, int dataBytes)
    {
        CheckSize(dataBytes);
        return Checked(await _sessions.Writes.AskAsync(request, barrier: false));
    }

    // A frame that is too large would end the connection that all znodes of this silo share.
    private void CheckSize(int dataBytes)
    {
        if ((long)dataBytes + Encoding.UTF8.GetByteCount(_path) + FrameOverhead >= _maxFrameBytes)
        {
            throw new ZnodeException(CoordErrorCode.BadArguments, _path);
        }
    }

    private Answer Checked(Answer answer) =>
        answer.Code == CoordErrorCode.Ok ? answer : throw new ZnodeException(answer.Code, _path);
}
