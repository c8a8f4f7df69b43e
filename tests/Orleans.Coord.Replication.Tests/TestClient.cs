using System.Buffers.Binary;
using System.Net;
using System.Text;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Replication.Tests;

/// <summary>A client's end of a connection: builds request frames and reads what the replica sent.</summary>
internal sealed class TestClient(ITurns silo) : IClientConnection
{
    private readonly JuteWriter _requests = new();
    private int _read;
    private int _xid;

    public IPEndPoint RemoteEndPoint { get; } = new(IPAddress.Loopback, 40000);

    public JuteWriter Output { get; } = new();

    public object? Attachment { get; set; }

    /// <summary>Why the replica closed the connection, or null.</summary>
    public string? Closed { get; private set; }

    public long SessionId { get; private set; }

    public byte[] Password { get; private set; } = new byte[CoordLimits.PasswordBytes];

    public int TimeoutMs { get; private set; }

    public bool IsReadOnly { get; private set; }

    /// <summary>Frames given to the replica and not yet given back.</summary>
    public int Unreleased { get; private set; }

    public void FlushAfterTurn()
    {
    }

    public void Close(string reason) => Closed ??= reason;

    /// <summary>Posts the connect request.</summary>
    public TestClient Hello(
        long sessionId = 0, byte[]? password = null, int timeoutMs = 10_000, long lastZxid = 0,
        bool canBeReadOnly = false)
    {
        var request = new ConnectRequest(
            0, lastZxid, timeoutMs, sessionId, password ?? Password, canBeReadOnly, true);
        silo.Turn(replica => replica.Connect(this, request));
        return this;
    }

    /// <summary>Reads the welcome; false when the session was refused.</summary>
    public bool Welcomed()
    {
        ReadOnlySpan<byte> frame = NextFrame();
        var reader = new JuteReader(frame);
        reader.ReadInt();
        TimeoutMs = reader.ReadInt();
        SessionId = reader.ReadLong();
        Password = reader.ReadBuffer().ToArray();
        IsReadOnly = reader.ReadBool();
        Assert.False(reader.Failed);
        return TimeoutMs != 0;
    }

    /// <summary>Adds a request to the batch that the next <see cref="Send"/> posts; returns its xid.</summary>
    public int Add(OpCode op, Action<JuteWriter>? body = null, int? xid = null)
    {
        int start = _requests.Length;
        _requests.WriteInt(0);
        _requests.WriteInt(xid ?? ++_xid);
        _requests.WriteInt((int)op);
        body?.Invoke(_requests);
        _requests.PatchInt(start, _requests.Length - start - sizeof(int));
        return xid ?? _xid;
    }

    public int AddCreate(string path, string data = "", int mode = 0) => Add(OpCode.Create, w =>
    {
        w.WriteString(path);
        w.WriteBuffer(Encoding.UTF8.GetBytes(data));
        w.WriteInt(1);
        w.WriteInt((int)Permissions.All);
        w.WriteString("world");
        w.WriteString("anyone");
        w.WriteInt(mode);
    });

    public int AddSet(string path, string data, int version = -1) => Add(OpCode.SetData, w =>
    {
        w.WriteString(path);
        w.WriteBuffer(Encoding.UTF8.GetBytes(data));
        w.WriteInt(version);
    });

    public int AddGet(string path, bool watch = false) => Add(OpCode.GetData, w =>
    {
        w.WriteString(path);
        w.WriteBool(watch);
    });

    public int AddDelete(string path) => Add(OpCode.Delete, w =>
    {
        w.WriteString(path);
        w.WriteInt(-1);
    });

    public int AddReconfig(
        string? joining = null, string? leaving = null, string? all = null, long version = -1) => Add(
        OpCode.Reconfig, w => new Tree.ReconfigRequest(joining, leaving, all, version).Write(w));

    public int AddSync(string path) => Add(OpCode.Sync, w => w.WriteString(path));

    public int AddAuth(string scheme, string credentials) => Add(
        OpCode.Auth,
        w =>
        {
            w.WriteInt(0);
            w.WriteString(scheme);
            w.WriteBuffer(Encoding.UTF8.GetBytes(credentials));
        },
        xid: -4);

    /// <summary>Posts the batch in a turn of its own.</summary>
    public void Send()
    {
        byte[] batch = _requests.Written.ToArray();
        _requests.Clear();
        SendRaw(batch);
    }

    /// <summary>Posts bytes as they are.</summary>
    public void SendRaw(byte[] batch)
    {
        var frames = new Frames(this, batch);
        Unreleased++;
        silo.Turn(replica => replica.Receive(this, frames));
    }

    /// <summary>Whether anything unread has been sent.</summary>
    public bool HasFrame => _read < Output.Length;

    /// <summary>Reads the next frame as a reply or an event.</summary>
    public Reply Next()
    {
        var reader = new JuteReader(NextFrame());
        int xid = reader.ReadInt();
        long zxid = reader.ReadLong();
        var code = (CoordErrorCode)reader.ReadInt();
        return new Reply(xid, zxid, code, reader.Rest.ToArray());
    }

    private ReadOnlySpan<byte> NextFrame()
    {
        Assert.True(HasFrame, $"a frame was expected; closed: {Closed ?? "no"}");
        ReadOnlySpan<byte> rest = Output.Written[_read..];
        int length = BinaryPrimitives.ReadInt32BigEndian(rest);
        _read += sizeof(int) + length;
        return rest.Slice(sizeof(int), length);
    }

    private sealed class Frames(TestClient owner, byte[] bytes) : ClientFrames
    {
        private bool _released;

        public override ReadOnlyMemory<byte> Bytes => bytes;

        public override void Release()
        {
            Assert.False(_released, "frames were given back twice");
            _released = true;
            owner.Unreleased--;
        }
    }
}

/// <summary>A reply, or a watch event (xid −1).</summary>
internal sealed record Reply(int Xid, long Zxid, CoordErrorCode Code, byte[] Body)
{
    public bool IsEvent => Xid == -1;

    /// <summary>The first buffer or string of the body.</summary>
    public string Text => Encoding.UTF8.GetString(new JuteReader(Body).ReadBuffer());

    public (int Type, string Path) Event
    {
        get
        {
            var reader = new JuteReader(Body);
            int type = reader.ReadInt();
            reader.ReadInt();
            return (type, Encoding.UTF8.GetString(reader.ReadString()));
        }
    }
}
