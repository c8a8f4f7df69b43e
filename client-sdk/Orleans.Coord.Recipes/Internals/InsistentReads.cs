namespace Orleans.Coord.Recipes;

/// <summary>
/// Reads that are asked again however many connections die under them: a recipe ends with its session and not before,
/// while a read of the client's own is given up after eight.
/// </summary>
internal static class InsistentReads
{
    public static Task<ZnodeData?> ReadAsync(this CoordClient client, string path, CancellationToken cancellation) =>
        InsistAsync(() => client.TryGetAsync(path, cancellation));

    public static Task<Watched<ZnodeData>?> ReadAndWatchAsync(
        this CoordClient client, string path, CancellationToken cancellation) =>
        InsistAsync(() => client.TryGetAndWatchAsync(path, cancellation));

    public static Task<Watched<Stat?>> LookAndWatchAsync(
        this CoordClient client, string path, CancellationToken cancellation) =>
        InsistAsync(() => client.ExistsAndWatchAsync(path, cancellation));

    public static Task<ZnodeChildren?> ListAsync(
        this CoordClient client, string path, CancellationToken cancellation) =>
        InsistAsync(() => client.TryGetChildrenAsync(path, cancellation));

    public static Task<Watched<ZnodeChildren?>> ListAndWatchAsync(
        this CoordClient client, string path, CancellationToken cancellation) =>
        InsistAsync(() => client.GetChildrenAndWatchAsync(path, cancellation));

    public static Task CatchUpAsync(this CoordClient client, string path, CancellationToken cancellation) =>
        InsistAsync(async () =>
        {
            await client.SyncAsync(path, cancellation).ConfigureAwait(false);
            return path;
        });

    /// <summary>As the client's own, whose reads may be cut too.</summary>
    public static Task EnsureAsync(this CoordClient client, string path, CancellationToken cancellation) =>
        InsistAsync(async () =>
        {
            await client.EnsurePathAsync(path, cancellation: cancellation).ConfigureAwait(false);
            return path;
        });

    private static async Task<T> InsistAsync<T>(Func<Task<T>> read)
    {
        while (true)
        {
            try
            {
                return await read().ConfigureAwait(false);
            }
            catch (CoordException e) when (e.Code == CoordErrorCode.ConnectionLoss)
            {
                // Asked again on the next connection.
            }
        }
    }
}
