using Orleans.Coord.Jute;

namespace Orleans.Coord.Grains.Znodes;

/// <summary>One request of ZooKeeper's protocol.</summary>
/// <param name="Op">The operation.</param>
/// <param name="Path">The znode; empty for none.</param>
/// <param name="Write">Appends the body.</param>
internal sealed record ZnodeRequest(OpCode Op, string Path, Action<JuteWriter> Write)
{
    /// <summary>The xid of a heartbeat.</summary>
    public const int PingXid = -2;

    /// <summary>The xid of a request whose answer nobody waits for.</summary>
    public const int UnaskedXid = 0;

    private const int SequentialFlag = 2;

    /// <summary>A heartbeat.</summary>
    public static ZnodeRequest Ping { get; } = new(OpCode.Ping, "", static _ => { });

    /// <summary>Waits until the replica has applied all that any other has acknowledged.</summary>
    public static ZnodeRequest Sync(string path) => new(OpCode.Sync, path, writer => writer.WriteString(path));

    /// <summary>Reads something of a znode, without a watch.</summary>
    public static ZnodeRequest Read(OpCode op, string path) => new(op, path, writer =>
    {
        writer.WriteString(path);
        writer.WriteBool(false);
    });

    /// <summary>Creates a znode that is open to everyone.</summary>
    public static ZnodeRequest Create(string path, byte[] data, bool sequential) => new(OpCode.Create, path, writer =>
    {
        writer.WriteString(path);
        writer.WriteBuffer(data);
        writer.WriteInt(1);
        writer.WriteInt((int)Acl.Open.Permissions);
        writer.WriteString(Acl.Open.Scheme);
        writer.WriteString(Acl.Open.Id);
        writer.WriteInt(sequential ? SequentialFlag : 0);
    });

    /// <summary>Replaces a znode's data.</summary>
    public static ZnodeRequest Set(string path, byte[] data, int version) => new(OpCode.SetData, path, writer =>
    {
        writer.WriteString(path);
        writer.WriteBuffer(data);
        writer.WriteInt(version);
    });

    /// <summary>Deletes a znode.</summary>
    public static ZnodeRequest Delete(string path, int version) => new(OpCode.Delete, path, writer =>
    {
        writer.WriteString(path);
        writer.WriteInt(version);
    });

    /// <summary>Appends the frame.</summary>
    public void WriteFrame(JuteWriter frames, int xid)
    {
        int start = frames.Length;
        frames.WriteInt(0);
        frames.WriteInt(xid);
        frames.WriteInt((int)Op);
        Write(frames);
        frames.PatchInt(start, frames.Length - start - sizeof(int));
    }
}
