using System.Text;
using Orleans.Coord.Jute;
using Orleans.Coord.Tree;

namespace Orleans.Coord.SiloHost.Import;

/// <summary>
/// What was read from a live ZooKeeper so far, in a file: an import that was interrupted goes on from it. A record
/// that was cut at the end is read anew.
/// </summary>
internal sealed class Spool : IDisposable
{
    private readonly FileStream _file;
    private readonly JuteWriter _record = new();

    private Spool(FileStream file) => _file = file;

    /// <summary>Opens the file, or makes it, and hands out what it holds in the order it was written.</summary>
    public static Spool Open(string path, Action<string, ImportedZnode> known)
    {
        var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1 << 20);
        long whole = 0;
        try
        {
            var input = new BigEndianStream(file);
            while (input.ReadBuffer() is { } record)
            {
                var reader = new JuteReader(record);
                string name = Encoding.UTF8.GetString(reader.ReadString());
                known(name, ReadZnode(ref reader));
                whole = file.Position;
            }
        }
        catch (Exception e) when (e is EndOfStreamException or InvalidDataException)
        {
            // The end.
        }

        file.SetLength(whole);
        file.Position = whole;
        return new Spool(file);
    }

    /// <summary>Adds a znode, or another state of one.</summary>
    public void Add(string path, ImportedZnode znode)
    {
        _record.Clear();
        _record.WriteInt(0);
        _record.WriteString(path);
        _record.WriteBufferOrNull(znode.Data);
        _record.WriteBufferOrNull(znode.Acl);
        _record.WriteStat(znode.Stat);
        _record.WriteInt(znode.CreatedChildren);
        _record.PatchInt(0, _record.Length - sizeof(int));
        _file.Write(_record.Written);
    }

    /// <summary>What is in memory goes to the file.</summary>
    public void Dispose() => _file.Dispose();

    private static ImportedZnode ReadZnode(ref JuteReader reader)
    {
        ReadOnlySpan<byte> data = reader.ReadBuffer(out bool noData);
        byte[]? content = noData ? null : data.ToArray();
        ReadOnlySpan<byte> acl = reader.ReadBuffer(out bool noAcl);
        byte[]? list = noAcl ? null : acl.ToArray();
        return new ImportedZnode
        {
            Data = content,
            Acl = list,
            Stat = reader.ReadStat(),
            CreatedChildren = reader.ReadInt(),
        };
    }
}
