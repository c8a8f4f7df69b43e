namespace Orleans.Coord.Grains;

/// <summary>
/// One znode; the key is its path. Runs on the calling silo, or on the gateway silo of an Orleans client, over that
/// silo's replica: <c>grains.GetGrain&lt;IZnodeGrain&gt;("/config/db").GetAsync()</c>. Reads are linearizable, unless
/// given the zxid that they must have seen at least: such a read asks nobody else where the replica is that far.
/// Watches, ephemeral znodes and order between calls need a session: see <see cref="ISessionGrain"/>.
/// </summary>
/// <remarks>
/// Every call throws <see cref="ZnodeException"/> with ZooKeeper's error code;
/// <see cref="CoordErrorCode.ConnectionLoss"/> after a write means that it may have happened.
/// Callers are anonymous: access is that of <c>world:anyone</c>.
/// </remarks>
[Alias("coord.IZnodeGrain")]
public interface IZnodeGrain : IGrainWithStringKey
{
    /// <summary>Reads data and stat.</summary>
    /// <param name="atLeast">The zxid that must have been applied; null for a linearizable read.</param>
    [Alias("Get")]
    Task<ZnodeValue> GetAsync(long? atLeast = null);

    /// <summary>Reads the stat; null where there is no such znode.</summary>
    /// <param name="atLeast">The zxid that must have been applied; null for a linearizable read.</param>
    [Alias("Exists")]
    Task<Stat?> ExistsAsync(long? atLeast = null);

    /// <summary>Reads the children's names, without their path, in no order.</summary>
    /// <param name="atLeast">The zxid that must have been applied; null for a linearizable read.</param>
    [Alias("Children")]
    Task<ZnodeNames> GetChildrenAsync(long? atLeast = null);

    /// <summary>Creates the znode, open to everyone.</summary>
    /// <param name="data">Its data, below a megabyte.</param>
    /// <param name="sequential">Whether ten digits, its number below its parent, are appended to the path.</param>
    /// <returns>The path that was created, and the write's zxid.</returns>
    [Alias("Create")]
    Task<ZnodeCreated> CreateAsync([Immutable] byte[] data, bool sequential = false);

    /// <summary>Replaces the data.</summary>
    /// <param name="data">The new data, below a megabyte.</param>
    /// <param name="version">The version that it must have; −1 for any.</param>
    /// <returns>The write's zxid.</returns>
    [Alias("Set")]
    Task<long> SetAsync([Immutable] byte[] data, int version = -1);

    /// <summary>Deletes the znode.</summary>
    /// <param name="version">The version that it must have; −1 for any.</param>
    /// <returns>The write's zxid.</returns>
    [Alias("Delete")]
    Task<long> DeleteAsync(int version = -1);
}
