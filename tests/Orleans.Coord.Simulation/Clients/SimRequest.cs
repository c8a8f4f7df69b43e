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
    /// <summary>Another one each time that it is sent.</summary>
    public required int Xid { get; set; }

    public required OpCode Op { get; init; }

    public required byte[] Body { get; init; }

    public Purpose Purpose { get; init; }

    public string Path { get; init; } = "";

    /// <summary>Whether it sets a watch.</summary>
    public bool Watch { get; init; }

    /// <summary>
    /// Whether it must see all that was answered before: a sync was sent just before it, or it is a linearizable read.
    /// </summary>
    public bool Synced { get; init; }

    /// <summary>Whether it goes as one request that is a barrier and the read.</summary>
    public bool IsLinearizable { get; init; }

    /// <summary>What it did to registers, for the linearizability checker.</summary>
    public List<RegisterOp> Registers { get; } = [];

    /// <summary>When it asks for changes: whether of all below the path too.</summary>
    public bool OfSubtree { get; init; }

    /// <summary>When it asks for changes: after which zxid.</summary>
    public long Since { get; init; }

    /// <summary>A numbered write's number; 0 for a request without one.</summary>
    public long Number { get; init; }

    /// <summary>With a number: the lowest one whose answer the client said that it lacks.</summary>
    public long Lowest { get; set; }

    /// <summary>With a number: how often it was sent, its copies included.</summary>
    public int Sends { get; set; }

    /// <summary>Only sent to see what comes back: the client makes no use of the answer.</summary>
    public bool IsProbe { get; init; }

    /// <summary>
    /// With a number: another with the same one was under way on the same connection, so this one may be refused
    /// although that one runs.
    /// </summary>
    public bool IsDoubled { get; set; }

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

    public static byte[] Changes(string path, bool subtree, long since)
    {
        var w = new JuteWriter(64);
        w.WriteString(path);
        w.WriteInt(subtree ? 1 : 0);
        w.WriteLong(since);
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
