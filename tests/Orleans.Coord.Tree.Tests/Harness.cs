using System.Text;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree.Tests;

/// <summary>A state machine with clients: keeps generations and positions, and reads replies.</summary>
internal sealed class Harness(CoordStateMachine? machine = null)
{
    public static readonly byte[] Password = [1, 2, 3];

    private readonly Dictionary<long, (int Generation, long Position)> _owners = [];

    public CoordStateMachine Machine { get; } = machine ?? new CoordStateMachine();

    public ApplyResult Result { get; } = new();

    public JuteWriter Reply { get; } = new();

    public CallerIdentities Who { get; set; } = new("127.0.0.1");

    public CommandOptions Options { get; set; }

    public long Time { get; set; } = 1_000;

    public byte Level { get; init; } = FeatureLevels.Newest;

    /// <summary>The payloads applied so far, to apply them elsewhere.</summary>
    public List<byte[]> Log { get; } = [];

    public string[] Events => [.. Result.Events.Select(Describe)];

    public static string Describe(WatchEvent e) => $"{e.SessionId} {e.Type} {Text(e.Path)}";

    public static string Text(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);

    public static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    public CoordErrorCode Apply(byte[] payload)
    {
        if (Level < FeatureLevels.Newest)
        {
            CommandCodec.SetLevel(payload, Level);
        }

        Log.Add(payload);
        Machine.Apply(Machine.LastApplied + 1, payload, Result);
        return Result.Code;
    }

    public CoordErrorCode Open(long id, int timeout = 30_000)
    {
        CoordErrorCode code = Apply(Body.Of(w =>
            CommandCodec.WriteCreateSession(w, Time, id, 0, SessionTable.HashPassword(Password), timeout)));
        if (code == CoordErrorCode.Ok)
        {
            _owners[id] = (1, 0);
        }

        return code;
    }

    public CoordErrorCode Attach(long id, byte[]? password = null, int timeout = 20_000)
    {
        CoordErrorCode code = Apply(Body.Of(w => CommandCodec.WriteAttachSession(
            w, Time, id, 0, SessionTable.HashPassword(password ?? Password), timeout)));
        if (code == CoordErrorCode.Ok)
        {
            _owners[id] = (Result.Generation, 0);
        }

        return code;
    }

    public CoordErrorCode Expire(long id, int generation) =>
        Apply(Body.Of(w => CommandCodec.WriteExpireSession(w, Time, id, generation)));

    /// <summary>Applies a request of session 0, or the next one of a session that was opened here.</summary>
    public CoordErrorCode Write(OpCode op, byte[] body, long session = 0)
    {
        if (session == 0)
        {
            return Send(op, body, 0, 0, 0);
        }

        (int generation, long position) = _owners.TryGetValue(session, out var owner) ? owner : (1, 0);
        _owners[session] = (generation, position + 1);
        return Send(op, body, session, generation, position + 1);
    }

    public CoordErrorCode Send(OpCode op, byte[] body, long session, int generation, long position) =>
        Apply(Body.Of(w => CommandCodec.WriteRequest(
            w, Options, Time, session, generation, position, op, Who.Encoded, body)));

    public CoordErrorCode Create(string path, int flags = 0, long session = 0, string? data = "d", params Acl[] acl) =>
        Write(OpCode.Create, Body.Create(path, data is null ? null : Bytes(data), flags, acl), session);

    public CoordErrorCode Delete(string path, int version = -1, long session = 0) =>
        Write(OpCode.Delete, Body.PathInt(path, version), session);

    public CoordErrorCode SetData(string path, string? data, int version = -1, long session = 0) =>
        Write(OpCode.SetData, Body.SetData(path, data is null ? null : Bytes(data), version), session);

    public CoordErrorCode SetAcl(string path, int version, params Acl[] acl) =>
        Write(OpCode.SetAcl, Body.SetAcl(path, version, acl));

    public CoordErrorCode Multi(params (OpCode Op, byte[] Body)[] operations) =>
        Write(OpCode.Multi, Body.Multi(operations));

    public CoordErrorCode Read(OpCode op, byte[] body, long session = 0)
    {
        Reply.Clear();
        return Machine.Read(op, body, session, Who, Reply);
    }

    public CoordErrorCode Exists(string path, bool watch = false, long session = 0) =>
        Read(OpCode.Exists, Body.PathWatch(path, watch), session);

    public CoordErrorCode GetData(string path, bool watch = false, long session = 0) =>
        Read(OpCode.GetData, Body.PathWatch(path, watch), session);

    public CoordErrorCode GetChildren(string path, bool watch = false, long session = 0) =>
        Read(OpCode.GetChildren, Body.PathWatch(path, watch), session);

    public CoordErrorCode AddWatch(string path, int mode, long session) =>
        WatchOp(OpCode.AddWatch, Body.PathInt(path, mode), session);

    public CoordErrorCode WatchOp(OpCode op, byte[] body, long session)
    {
        Reply.Clear();
        Result.Reset();
        return Machine.WatchOperation(op, body, session, Who, Reply, Result.Events);
    }

    public Stat Stat(string path)
    {
        Assert.Equal(CoordErrorCode.Ok, Exists(path));
        var reader = new JuteReader(Reply.Written);
        return reader.ReadStat();
    }

    public string? Data(string path)
    {
        Assert.Equal(CoordErrorCode.Ok, GetData(path));
        var reader = new JuteReader(Reply.Written);
        ReadOnlySpan<byte> data = reader.ReadBuffer(out bool isNull);
        return isNull ? null : Text(data);
    }

    public string[] Children(string path)
    {
        Assert.Equal(CoordErrorCode.Ok, GetChildren(path));
        var reader = new JuteReader(Reply.Written);
        return ReadStrings(ref reader);
    }

    /// <summary>The path in the reply to a create.</summary>
    public string CreatedPath()
    {
        var reader = new JuteReader(Result.Body.Written);
        return Text(reader.ReadString());
    }

    public static string[] ReadStrings(ref JuteReader reader)
    {
        string[] strings = new string[reader.ReadInt()];
        for (int i = 0; i < strings.Length; i++)
        {
            strings[i] = Text(reader.ReadString());
        }

        Array.Sort(strings, StringComparer.Ordinal);
        return strings;
    }

    /// <summary>Applies the log so far to a new machine.</summary>
    public CoordStateMachine Replay()
    {
        var other = new CoordStateMachine();
        var result = new ApplyResult();
        foreach (byte[] payload in Log)
        {
            other.Apply(other.LastApplied + 1, payload, result);
        }

        return other;
    }

    public static List<ReadOnlyMemory<byte>> Finish(TreeSnapshot snapshot, int maxZnodes = 100)
    {
        var chunks = new List<ReadOnlyMemory<byte>>();
        var chunk = new JuteWriter();
        bool more;
        do
        {
            chunk.Clear();
            more = snapshot.NextSlice(chunk, maxZnodes);
            chunks.Add(chunk.Written.ToArray());
        }
        while (more);
        return chunks;
    }
}
