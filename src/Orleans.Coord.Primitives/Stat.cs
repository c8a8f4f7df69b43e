using System.Runtime.InteropServices;

namespace Orleans.Coord;

/// <summary>A znode's metadata, in the order of ZooKeeper's <c>Stat</c> record (68 bytes on the wire).</summary>
/// <param name="Czxid">Zxid of the write that created the znode.</param>
/// <param name="Mzxid">Zxid of the last write of its data.</param>
/// <param name="Ctime">Time of creation, milliseconds since 1970, stamped by the leader.</param>
/// <param name="Mtime">Time of the last data write, milliseconds since 1970, stamped by the leader.</param>
/// <param name="Version">Number of data writes.</param>
/// <param name="Cversion">Number of creates and deletes of children.</param>
/// <param name="Aversion">Number of access control list writes.</param>
/// <param name="EphemeralOwner">Session id of an ephemeral znode; 0 for every other kind.</param>
/// <param name="DataLength">Bytes of data; 0 for null data.</param>
/// <param name="NumChildren">Number of children.</param>
/// <param name="Pzxid">Zxid of the last create or delete of a child.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct Stat(
    long Czxid,
    long Mzxid,
    long Ctime,
    long Mtime,
    int Version,
    int Cversion,
    int Aversion,
    long EphemeralOwner,
    int DataLength,
    int NumChildren,
    long Pzxid);
