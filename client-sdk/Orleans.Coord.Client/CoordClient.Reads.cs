namespace Orleans.Coord.Client;

public sealed partial class CoordClient
{
    /// <summary>Reads a znode's data.</summary>
    /// <param name="path">The znode.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="CoordException">There is no such znode, or no right to read it.</exception>
    public Task<ZnodeData> GetAsync(string path, CancellationToken cancellation = default) =>
        GetAsync(path, ReadMode.Local, cancellation);

    /// <inheritdoc cref="GetAsync(string, CancellationToken)"/>
    /// <param name="path">The znode.</param>
    /// <param name="mode">How new the answer must be.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public async Task<ZnodeData> GetAsync(string path, ReadMode mode, CancellationToken cancellation = default)
    {
        CoordResult<ZnodeData> result = await ReadAsync<GetOperation, ZnodeData>(
            new(_session.Root.ToServer(path)), mode, cancellation).ConfigureAwait(false);
        ThrowUnlessOk(result.Code, path);
        return result.Value!;
    }

    /// <summary>Reads a znode's data; null when there is no such znode.</summary>
    /// <param name="path">The znode.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="CoordException">There is no right to read it.</exception>
    public Task<ZnodeData?> TryGetAsync(string path, CancellationToken cancellation = default) =>
        TryGetAsync(path, ReadMode.Local, cancellation);

    /// <inheritdoc cref="TryGetAsync(string, CancellationToken)"/>
    /// <param name="path">The znode.</param>
    /// <param name="mode">How new the answer must be.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public async Task<ZnodeData?> TryGetAsync(string path, ReadMode mode, CancellationToken cancellation = default)
    {
        CoordResult<ZnodeData> result = await ReadAsync<GetOperation, ZnodeData>(
            new(_session.Root.ToServer(path)), mode, cancellation).ConfigureAwait(false);
        ThrowUnless(result.Code, path, CoordErrorCode.NoNode);
        return result.Value;
    }

    /// <summary>Reads a znode's metadata; null when there is no such znode.</summary>
    /// <param name="path">The znode.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public Task<Stat?> ExistsAsync(string path, CancellationToken cancellation = default) =>
        ExistsAsync(path, ReadMode.Local, cancellation);

    /// <inheritdoc cref="ExistsAsync(string, CancellationToken)"/>
    /// <param name="path">The znode.</param>
    /// <param name="mode">How new the answer must be.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public async Task<Stat?> ExistsAsync(string path, ReadMode mode, CancellationToken cancellation = default)
    {
        CoordResult<Stat> result = await ReadAsync<ExistsOperation, Stat>(
            new(_session.Root.ToServer(path)), mode, cancellation).ConfigureAwait(false);
        ThrowUnless(result.Code, path, CoordErrorCode.NoNode);
        return result.Succeeded ? result.Value : null;
    }

    /// <summary>Lists a znode's children.</summary>
    /// <param name="path">The parent.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="CoordException">There is no such znode, or no right to read it.</exception>
    public Task<ZnodeChildren> GetChildrenAsync(string path, CancellationToken cancellation = default) =>
        GetChildrenAsync(path, ReadMode.Local, cancellation);

    /// <inheritdoc cref="GetChildrenAsync(string, CancellationToken)"/>
    /// <param name="path">The parent.</param>
    /// <param name="mode">How new the answer must be.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public async Task<ZnodeChildren> GetChildrenAsync(
        string path, ReadMode mode, CancellationToken cancellation = default)
    {
        CoordResult<ZnodeChildren> result = await ReadAsync<ChildrenOperation, ZnodeChildren>(
            new(_session.Root.ToServer(path)), mode, cancellation).ConfigureAwait(false);
        ThrowUnlessOk(result.Code, path);
        return result.Value!;
    }

    /// <summary>Lists a znode's children; null when there is no such znode.</summary>
    /// <param name="path">The parent.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="CoordException">There is no right to read it.</exception>
    public Task<ZnodeChildren?> TryGetChildrenAsync(string path, CancellationToken cancellation = default) =>
        TryGetChildrenAsync(path, ReadMode.Local, cancellation);

    /// <inheritdoc cref="TryGetChildrenAsync(string, CancellationToken)"/>
    /// <param name="path">The parent.</param>
    /// <param name="mode">How new the answer must be.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public async Task<ZnodeChildren?> TryGetChildrenAsync(
        string path, ReadMode mode, CancellationToken cancellation = default)
    {
        CoordResult<ZnodeChildren> result = await ReadAsync<ChildrenOperation, ZnodeChildren>(
            new(_session.Root.ToServer(path)), mode, cancellation).ConfigureAwait(false);
        ThrowUnless(result.Code, path, CoordErrorCode.NoNode);
        return result.Value;
    }

    /// <summary>Reads a znode's access control list.</summary>
    /// <param name="path">The znode.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="CoordException">There is no such znode, or no right to read its list.</exception>
    public Task<ZnodeAcl> GetAclAsync(string path, CancellationToken cancellation = default) =>
        SendOrThrowAsync<GetAclOperation, ZnodeAcl>(new(_session.Root.ToServer(path)), path, cancellation);

    /// <summary>
    /// Waits until the server has caught up with the writes that were committed before the call. Against
    /// Orleans.Coord a read after it is linearizable; ZooKeeper promises almost that. For one read
    /// <see cref="ReadMode.Linearizable"/> is shorter.
    /// </summary>
    /// <param name="path">Any path; a sharded server may catch up only there.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public Task SyncAsync(string path = "/", CancellationToken cancellation = default) =>
        SendOrThrowAsync<SyncOperation, Nothing>(
            new(_session.Root.ToServer(path), OnLoss.Repeat), path, cancellation);

    /// <summary>Lists the ephemeral znodes of this session.</summary>
    /// <param name="prefix">What their paths begin with.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="CoordException">
    /// The server does not know the operation (<see cref="CoordErrorCode.Unimplemented"/>, before ZooKeeper 3.6).
    /// </exception>
    public async Task<IReadOnlyList<string>> GetEphemeralsAsync(
        string prefix = "/", CancellationToken cancellation = default)
    {
        string[] paths = await SendOrThrowAsync<EphemeralsOperation, string[]>(
            new(_session.Root.ToServer(prefix)), prefix, cancellation).ConfigureAwait(false);
        return [.. paths.Where(_session.Root.Contains).Select(_session.Root.ToClient)];
    }

    /// <summary>Counts a znode's descendants of all generations.</summary>
    /// <param name="path">The znode, which is not counted.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="CoordException">
    /// There is no such znode, or the server does not know the operation (<see cref="CoordErrorCode.Unimplemented"/>,
    /// before ZooKeeper 3.6).
    /// </exception>
    public Task<int> CountDescendantsAsync(string path, CancellationToken cancellation = default) =>
        SendOrThrowAsync<DescendantsOperation, int>(new(_session.Root.ToServer(path)), path, cancellation);

    /// <summary>Lists the identities that the server holds this session to have.</summary>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="CoordException">
    /// The server does not know the operation (<see cref="CoordErrorCode.Unimplemented"/>, before ZooKeeper 3.7).
    /// </exception>
    public async Task<IReadOnlyList<CoordIdentity>> WhoAmIAsync(CancellationToken cancellation = default) =>
        await SendOrThrowAsync<WhoAmIOperation, CoordIdentity[]>(default, null, cancellation).ConfigureAwait(false);

    /// <summary>Starts a request of several reads, made in one round trip.</summary>
    public CoordMultiRead MultiRead() => new(_session);

    private Task<CoordResult<T>> ReadAsync<TOperation, T>(
        TOperation operation, ReadMode mode, CancellationToken cancellation)
        where TOperation : struct, IOperation<T> =>
        _session.SendAsync(
            new Request<TOperation, T>(operation) { IsLinearizable = mode == ReadMode.Linearizable }, cancellation);

    private static void ThrowUnless(CoordErrorCode code, string path, CoordErrorCode expected)
    {
        if (code != expected)
        {
            ThrowUnlessOk(code, path);
        }
    }
}
