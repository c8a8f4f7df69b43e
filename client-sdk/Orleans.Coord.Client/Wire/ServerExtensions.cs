using System.Text;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Client;

/// <summary>What a server can do beyond ZooKeeper's protocol (docs/EXTENSIONS.md).</summary>
[Flags]
internal enum ServerExtensions
{
    None = 0,

    /// <summary>A write with a number runs once, however often it is sent.</summary>
    NumberedWrites = 1,

    /// <summary>A read that sees all that was answered before, in one request.</summary>
    LinearizableReads = 2,

    /// <summary>The changes since a zxid can be asked for.</summary>
    ChangeHistory = 4,
}

/// <summary>
/// Finds a server's extensions by reading a znode that ZooKeeper does not have. No write is sent before the answer.
/// </summary>
internal readonly record struct DiscoveryOperation : IOperation<ServerExtensions>
{
    public OpCode Code => OpCode.GetData;

    public string Path => "/zookeeper/coord";

    // Each connection asks for itself: it may lead to another server.
    public OnLoss OnLoss => OnLoss.Drop;

    public void Write(JuteWriter writer, bool watch)
    {
        writer.WriteString(Path);
        writer.WriteBool(false);
    }

    public ServerExtensions Read(ref JuteReader reader)
    {
        string text = Encoding.UTF8.GetString(reader.ReadBuffer());
        reader.ReadStat();
        ServerExtensions found = ServerExtensions.None;
        foreach (string line in text.Split('\n'))
        {
            found |= line switch
            {
                "numbered-writes 1" => ServerExtensions.NumberedWrites,
                "linearizable-reads 1" => ServerExtensions.LinearizableReads,
                "change-history 1" => ServerExtensions.ChangeHistory,
                _ => ServerExtensions.None,
            };
        }

        return found;
    }
}
