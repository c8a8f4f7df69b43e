using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree.Tests;

/// <summary>Builds request bodies as clients send them.</summary>
internal static class Body
{
    public static byte[] Of(Action<JuteWriter> write)
    {
        var writer = new JuteWriter();
        write(writer);
        return writer.Written.ToArray();
    }

    public static byte[] Path(string path) => Of(w => w.WriteString(path));

    public static byte[] PathWatch(string path, bool watch) => Of(w =>
    {
        w.WriteString(path);
        w.WriteBool(watch);
    });

    public static byte[] PathInt(string path, int value) => Of(w =>
    {
        w.WriteString(path);
        w.WriteInt(value);
    });

    public static byte[] Create(string path, byte[]? data, int flags, params Acl[] acl) => Of(w =>
    {
        w.WriteString(path);
        w.WriteBufferOrNull(data);
        WriteAcl(w, acl.Length == 0 ? [Acl.Open] : acl);
        w.WriteInt(flags);
    });

    public static byte[] CreateTtl(string path, byte[]? data, int flags, long ttl) =>
        [.. Create(path, data, flags), .. Of(w => w.WriteLong(ttl))];

    public static byte[] SetData(string path, byte[]? data, int version) => Of(w =>
    {
        w.WriteString(path);
        w.WriteBufferOrNull(data);
        w.WriteInt(version);
    });

    public static byte[] SetAcl(string path, int version, params Acl[] acl) => Of(w =>
    {
        w.WriteString(path);
        WriteAcl(w, acl);
        w.WriteInt(version);
    });

    public static byte[] SetWatches(long zxid, params string[][] vectors) => Of(w =>
    {
        w.WriteLong(zxid);
        foreach (string[] vector in vectors)
        {
            w.WriteInt(vector.Length);
            foreach (string path in vector)
            {
                w.WriteString(path);
            }
        }
    });

    public static byte[] Multi(params (OpCode Op, byte[] Body)[] operations) => Of(w =>
    {
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
    });

    public static void WriteAcl(JuteWriter w, params Acl[] acl)
    {
        w.WriteInt(acl.Length);
        foreach (Acl entry in acl)
        {
            w.WriteInt((int)entry.Permissions);
            w.WriteString(entry.Scheme);
            w.WriteString(entry.Id);
        }
    }
}
