namespace Orleans.Coord.Client;

public sealed partial class CoordClient
{
    /// <summary>Matches every version of a znode.</summary>
    public const int AnyVersion = -1;

    /// <summary>Creates a znode.</summary>
    /// <param name="path">The znode; for the sequential modes what its path begins with.</param>
    /// <param name="data">Its data. Not to be changed before the task has ended.</param>
    /// <param name="mode">Its kind.</param>
    /// <param name="acl">Its access control list; null for <see cref="CoordClientOptions.DefaultAcl"/>.</param>
    /// <param name="ttl">Its time to live, for the two modes that have one and only for them.</param>
    /// <param name="cancellation">Gives up waiting; the write may happen all the same.</param>
    /// <exception cref="CoordException">The znode exists, its parent does not or is ephemeral, no right.</exception>
    /// <exception cref="OutcomeUnknownException">The connection was lost before the answer came.</exception>
    public async Task<CreatedZnode> CreateAsync(
        string path,
        ReadOnlyMemory<byte> data = default,
        CreateMode mode = CreateMode.Persistent,
        IReadOnlyList<Acl>? acl = null,
        TimeSpan? ttl = null,
        CancellationToken cancellation = default)
    {
        CreateOperation create = _session.NewCreate(path, data, mode, acl, ttl);
        return await SendOrThrowAsync<CreateOperation, CreatedZnode>(create, path, cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// Creates a znode, or tells that it exists (<see cref="CoordErrorCode.NodeExists"/>) or that its parent does not
    /// (<see cref="CoordErrorCode.NoNode"/>).
    /// </summary>
    /// <param name="path">The znode; for the sequential modes what its path begins with.</param>
    /// <param name="data">Its data. Not to be changed before the task has ended.</param>
    /// <param name="mode">Its kind.</param>
    /// <param name="acl">Its access control list; null for <see cref="CoordClientOptions.DefaultAcl"/>.</param>
    /// <param name="ttl">Its time to live, for the two modes that have one and only for them.</param>
    /// <param name="cancellation">Gives up waiting; the write may happen all the same.</param>
    /// <exception cref="CoordException">The server refused it for another reason.</exception>
    /// <exception cref="OutcomeUnknownException">The connection was lost before the answer came.</exception>
    public async Task<CoordResult<CreatedZnode>> TryCreateAsync(
        string path,
        ReadOnlyMemory<byte> data = default,
        CreateMode mode = CreateMode.Persistent,
        IReadOnlyList<Acl>? acl = null,
        TimeSpan? ttl = null,
        CancellationToken cancellation = default)
    {
        CreateOperation create = _session.NewCreate(path, data, mode, acl, ttl);
        CoordResult<CreatedZnode> result = await SendAsync<CreateOperation, CreatedZnode>(create, cancellation)
            .ConfigureAwait(false);
        if (result.Code is not (CoordErrorCode.NodeExists or CoordErrorCode.NoNode))
        {
            ThrowUnlessOk(result.Code, path);
        }

        return result;
    }

    /// <summary>Writes a znode's data and returns its new metadata.</summary>
    /// <param name="path">The znode.</param>
    /// <param name="data">The new data. Not to be changed before the task has ended.</param>
    /// <param name="version">The version it must have.</param>
    /// <param name="cancellation">Gives up waiting; the write may happen all the same.</param>
    /// <exception cref="CoordException">There is no such znode, it has another version, no right.</exception>
    /// <exception cref="OutcomeUnknownException">The connection was lost before the answer came.</exception>
    public Task<Stat> SetAsync(
        string path,
        ReadOnlyMemory<byte> data,
        int version = AnyVersion,
        CancellationToken cancellation = default) =>
        SendOrThrowAsync<SetOperation, Stat>(new(_session.Root.ToServer(path), data, version), path, cancellation);

    /// <summary>
    /// Writes a znode's data, or tells that it does not exist (<see cref="CoordErrorCode.NoNode"/>) or has another
    /// version (<see cref="CoordErrorCode.BadVersion"/>).
    /// </summary>
    /// <param name="path">The znode.</param>
    /// <param name="data">The new data. Not to be changed before the task has ended.</param>
    /// <param name="version">The version it must have.</param>
    /// <param name="cancellation">Gives up waiting; the write may happen all the same.</param>
    /// <exception cref="CoordException">The server refused it for another reason.</exception>
    /// <exception cref="OutcomeUnknownException">The connection was lost before the answer came.</exception>
    public async Task<CoordResult<Stat>> TrySetAsync(
        string path,
        ReadOnlyMemory<byte> data,
        int version = AnyVersion,
        CancellationToken cancellation = default)
    {
        CoordResult<Stat> result = await SendAsync<SetOperation, Stat>(
            new(_session.Root.ToServer(path), data, version), cancellation).ConfigureAwait(false);
        if (result.Code is not (CoordErrorCode.NoNode or CoordErrorCode.BadVersion))
        {
            ThrowUnlessOk(result.Code, path);
        }

        return result;
    }

    /// <summary>Deletes a znode.</summary>
    /// <param name="path">The znode.</param>
    /// <param name="version">The version it must have.</param>
    /// <param name="cancellation">Gives up waiting; the write may happen all the same.</param>
    /// <exception cref="CoordException">
    /// There is no such znode, it has another version or children, no right.
    /// </exception>
    /// <exception cref="OutcomeUnknownException">The connection was lost before the answer came.</exception>
    public Task DeleteAsync(string path, int version = AnyVersion, CancellationToken cancellation = default) =>
        SendOrThrowAsync<DeleteOperation, Nothing>(new(_session.Root.ToServer(path), version), path, cancellation);

    /// <summary>
    /// Deletes a znode, or tells that it does not exist (<see cref="CoordErrorCode.NoNode"/>), has another version
    /// (<see cref="CoordErrorCode.BadVersion"/>) or has children (<see cref="CoordErrorCode.NotEmpty"/>).
    /// </summary>
    /// <param name="path">The znode.</param>
    /// <param name="version">The version it must have.</param>
    /// <param name="cancellation">Gives up waiting; the write may happen all the same.</param>
    /// <exception cref="CoordException">The server refused it for another reason.</exception>
    /// <exception cref="OutcomeUnknownException">The connection was lost before the answer came.</exception>
    public async Task<CoordResult> TryDeleteAsync(
        string path, int version = AnyVersion, CancellationToken cancellation = default)
    {
        CoordResult<Nothing> result = await SendAsync<DeleteOperation, Nothing>(
            new(_session.Root.ToServer(path), version), cancellation).ConfigureAwait(false);
        if (result.Code is not (CoordErrorCode.NoNode or CoordErrorCode.BadVersion or CoordErrorCode.NotEmpty))
        {
            ThrowUnlessOk(result.Code, path);
        }

        return new(result.Code);
    }

    /// <summary>Replaces a znode's access control list and returns its new metadata.</summary>
    /// <param name="path">The znode.</param>
    /// <param name="acl">The new list.</param>
    /// <param name="aclVersion">The version that the list must have (<see cref="Stat.Aversion"/>).</param>
    /// <param name="cancellation">Gives up waiting; the write may happen all the same.</param>
    /// <exception cref="CoordException">
    /// There is no such znode, its list has another version or is not valid, no right.
    /// </exception>
    /// <exception cref="OutcomeUnknownException">The connection was lost before the answer came.</exception>
    public Task<Stat> SetAclAsync(
        string path,
        IReadOnlyList<Acl> acl,
        int aclVersion = AnyVersion,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(acl);
        return SendOrThrowAsync<SetAclOperation, Stat>(
            new(_session.Root.ToServer(path), acl, aclVersion), path, cancellation);
    }

    /// <summary>Starts a transaction: several writes of which all happen or none.</summary>
    public CoordTransaction Transaction() => new(_session);
}
