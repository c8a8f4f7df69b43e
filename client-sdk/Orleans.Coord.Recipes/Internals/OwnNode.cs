namespace Orleans.Coord.Recipes;

/// <summary>
/// Writes whose outcome is found out whatever happens to connections. They end only with the outcome or with the
/// session, so they take no cancellation: see <see cref="Steps.OrUndoAsync"/>.
/// </summary>
internal static class OwnNode
{
    /// <summary>Creates a sequential ephemeral znode once, and its parents when they are missing.</summary>
    /// <param name="client">Whose it is.</param>
    /// <param name="parent">Its parent.</param>
    /// <param name="prefix">What its name begins with; no other call uses the same, so it can be found again.</param>
    /// <param name="data">Its data.</param>
    public static async Task<CreatedZnode> CreateSequentialAsync(
        CoordClient client, string parent, string prefix, ReadOnlyMemory<byte> data)
    {
        bool unsure = false;
        while (true)
        {
            try
            {
                if (unsure && await FindAsync(client, parent, prefix).ConfigureAwait(false) is { } found)
                {
                    return found;
                }

                CoordResult<CreatedZnode> made = await client.TryCreateAsync(
                    Paths.Join(parent, prefix), data, CreateMode.EphemeralSequential).ConfigureAwait(false);
                if (made.Succeeded)
                {
                    return made.Value;
                }

                unsure = false;
                await client.EnsurePathAsync(parent).ConfigureAwait(false);
            }
            catch (CoordException e) when (e.Code == CoordErrorCode.ConnectionLoss)
            {
                unsure = true;
            }
        }
    }

    /// <summary>
    /// Creates an ephemeral znode once, and its parents when they are missing; null when there is one of that name.
    /// </summary>
    public static async Task<CreatedZnode?> TryCreateAsync(CoordClient client, string path, ReadOnlyMemory<byte> data)
    {
        bool unsure = false;
        while (true)
        {
            try
            {
                if (unsure && await ReadOwnAsync(client, path, data).ConfigureAwait(false) is { } found)
                {
                    return found;
                }

                CoordResult<CreatedZnode> made =
                    await client.TryCreateAsync(path, data, CreateMode.Ephemeral).ConfigureAwait(false);
                if (made.Code != CoordErrorCode.NoNode)
                {
                    return made.Value;
                }

                unsure = false;
                await client.EnsurePathAsync(Paths.ParentOf(path)).ConfigureAwait(false);
            }
            catch (CoordException e) when (e.Code == CoordErrorCode.ConnectionLoss)
            {
                unsure = true;
            }
        }
    }

    /// <summary>
    /// The znode when it is there and this session's, with all earlier writes of the session applied. With
    /// <paramref name="data"/> given, only when it holds that.
    /// </summary>
    public static async Task<CreatedZnode?> ReadOwnAsync(
        CoordClient client, string path, ReadOnlyMemory<byte>? data = null)
    {
        // What an earlier connection sent may still be on its way to the server that this one has.
        await client.SyncAsync(path).ConfigureAwait(false);
        ZnodeData? node = await client.TryGetAsync(path).ConfigureAwait(false);
        return node?.Stat.EphemeralOwner == client.SessionId
            && (data is not { } expected || expected.Span.SequenceEqual(node.Data.Span))
            ? new CreatedZnode(path, node.Stat)
            : null;
    }

    /// <summary>
    /// Commits a transaction that creates an ephemeral znode, once; null when it was refused because a znode of
    /// another name is missing or this one exists.
    /// </summary>
    /// <param name="client">Whose it is.</param>
    /// <param name="path">The ephemeral znode.</param>
    /// <param name="data">What tells it from those of other calls of this session.</param>
    /// <param name="build">Makes the transaction anew for each attempt.</param>
    public static async Task<CreatedZnode?> TryCommitAsync(
        CoordClient client, string path, ReadOnlyMemory<byte> data, Func<CoordTransaction> build)
    {
        bool unsure = false;
        while (true)
        {
            try
            {
                if (unsure && await ReadOwnAsync(client, path, data).ConfigureAwait(false) is { } found)
                {
                    return found;
                }

                unsure = true;
                await build().CommitAsync().ConfigureAwait(false);
                Stat? stat = await client.ExistsAsync(path).ConfigureAwait(false);
                return stat is { } made ? new CreatedZnode(path, made) : null;
            }
            catch (TransactionFailedException e) when (e.Code is CoordErrorCode.NoNode or CoordErrorCode.NodeExists)
            {
                return null;
            }
            catch (CoordException e) when (e.Code == CoordErrorCode.ConnectionLoss)
            {
                // The next round finds out what happened.
            }
        }
    }

    /// <summary>Deletes a znode of this session; ends well when it is gone.</summary>
    public static async Task DeleteAsync(CoordClient client, string path)
    {
        bool unsure = false;
        while (true)
        {
            try
            {
                // It may be gone already, and another session's stand there under the same name.
                if (!unsure || await ReadOwnAsync(client, path).ConfigureAwait(false) is not null)
                {
                    await client.TryDeleteAsync(path).ConfigureAwait(false);
                }

                return;
            }
            catch (CoordException e) when (e.Code == CoordErrorCode.ConnectionLoss)
            {
                unsure = true;
            }
        }
    }

    private static async Task<CreatedZnode?> FindAsync(CoordClient client, string parent, string prefix)
    {
        await client.SyncAsync(parent).ConfigureAwait(false);
        ZnodeChildren? children = await client.TryGetChildrenAsync(parent).ConfigureAwait(false);
        string? name = children?.Names.FirstOrDefault(child => child.StartsWith(prefix, StringComparison.Ordinal));
        if (name is null)
        {
            return null;
        }

        string path = Paths.Join(parent, name);
        return await client.ExistsAsync(path).ConfigureAwait(false) is { } stat ? new CreatedZnode(path, stat) : null;
    }
}
