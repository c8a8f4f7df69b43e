using System.Text;

namespace Orleans.Coord.Recipes;

/// <summary>How a lock names its znodes, and so which other programs wait for it.</summary>
public enum LockLayout
{
    /// <summary>As kazoo does: <c>GUID__lock__0000000000</c>, readers <c>GUID__rlock__0000000000</c>.</summary>
    Kazoo = 0,

    /// <summary>
    /// As Curator and go-zookeeper do: <c>_c_GUID-lock-0000000000</c>, readers <c>__READ__</c>, writers
    /// <c>__WRIT__</c>. kazoo waits for these only with <c>extra_lock_patterns=["-lock-"]</c>.
    /// </summary>
    Curator = 1,
}

/// <summary>How a lock or an election behaves.</summary>
public sealed record CoordLockOptions
{
    /// <summary>
    /// How it names its znodes. It waits for those of either layout whatever this says; all programs that share a
    /// lock with programs of another library use that library's layout.
    /// </summary>
    public LockLayout Layout { get; init; }

    /// <summary>Who this is, for people and tools to read: the znode's data.</summary>
    public string Identifier { get; init; } = "";

    internal ReadOnlyMemory<byte> Data => Encoding.UTF8.GetBytes(Identifier);
}

/// <summary>Who holds a lock or waits for it.</summary>
/// <param name="Identifier">What it calls itself.</param>
/// <param name="FencingToken">Its fencing token.</param>
public sealed record LockContender(string Identifier, long FencingToken);
