using System.Globalization;
using System.Text;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Simulation;

/// <summary>Whom a reply is for.</summary>
internal enum Purpose : byte
{
    Plain,
    Register,
    Rearm,
    LockCreate,
    LockList,
    LockWatch,
    LockDelete,
    Goodbye,
}

/// <summary>A request that a client has sent.</summary>
internal sealed class SimRequest
{
    public required int Xid { get; init; }

    public required OpCode Op { get; init; }

    public required byte[] Body { get; init; }

    public Purpose Purpose { get; init; }

    public string Path { get; init; } = "";

    /// <summary>Whether it sets a watch.</summary>
    public bool Watch { get; init; }

    /// <summary>Whether a sync was sent just before it, so that it must see all that was answered before.</summary>
    public bool Synced { get; init; }

    /// <summary>What it did to registers, for the linearizability checker.</summary>
    public List<RegisterOp> Registers { get; } = [];

    public bool IsWrite => Op is OpCode.Create or OpCode.Create2 or OpCode.SetData or OpCode.Delete or OpCode.Multi
        or OpCode.Check or OpCode.CloseSession or OpCode.Reconfig;
}

/// <summary>Bodies of requests, as clients write them on the wire.</summary>
internal static class RequestBody
{
    public static byte[] Create(string path, string data, int flags = 0)
    {
        var w = new JuteWriter(128);
        w.WriteString(path);
        w.WriteBuffer(Encoding.UTF8.GetBytes(data));
        w.WriteInt(1);
        w.WriteInt((int)Permissions.All);
        w.WriteString("world");
        w.WriteString("anyone");
        w.WriteInt(flags);
        return w.Written.ToArray();
    }

    public static byte[] Set(string path, string data, int version)
    {
        var w = new JuteWriter(64);
        w.WriteString(path);
        w.WriteBuffer(Encoding.UTF8.GetBytes(data));
        w.WriteInt(version);
        return w.Written.ToArray();
    }

    /// <summary>For delete and check.</summary>
    public static byte[] Versioned(string path, int version)
    {
        var w = new JuteWriter(64);
        w.WriteString(path);
        w.WriteInt(version);
        return w.Written.ToArray();
    }

    /// <summary>For getData, exists and getChildren.</summary>
    public static byte[] Read(string path, bool watch)
    {
        var w = new JuteWriter(64);
        w.WriteString(path);
        w.WriteBool(watch);
        return w.Written.ToArray();
    }

    public static byte[] Path(string path)
    {
        var w = new JuteWriter(64);
        w.WriteString(path);
        return w.Written.ToArray();
    }

    public static byte[] Auth(string scheme, string credentials)
    {
        var w = new JuteWriter(64);
        w.WriteInt(0);
        w.WriteString(scheme);
        w.WriteBuffer(Encoding.UTF8.GetBytes(credentials));
        return w.Written.ToArray();
    }

    public static byte[] Reconfig(string joining, string leaving, long version)
    {
        var w = new JuteWriter(128);
        w.WriteString(joining);
        w.WriteString(leaving);
        w.WriteBufferOrNull(null);
        w.WriteLong(version);
        return w.Written.ToArray();
    }

    public static byte[] Multi(params ReadOnlySpan<(OpCode Op, byte[] Body)> operations)
    {
        var w = new JuteWriter(256);
        foreach ((OpCode op, byte[] body) in operations)
        {
            w.WriteInt((int)op);
            w.WriteBool(false);
            w.WriteInt(-1);
            w.WriteRaw(body);
        }

        w.WriteInt(-1);
        w.WriteBool(true);
        w.WriteInt(-1);
        return w.Written.ToArray();
    }

    public static byte[] SetWatches(long zxid, params ReadOnlySpan<List<string>> vectors)
    {
        var w = new JuteWriter(256);
        w.WriteLong(zxid);
        foreach (List<string> paths in vectors)
        {
            w.WriteInt(paths.Count);
            paths.ForEach(path => w.WriteString(path));
        }

        return w.Written.ToArray();
    }

    public static string Unique(int client, int number) =>
        string.Create(CultureInfo.InvariantCulture, $"v{client}.{number}");
}
