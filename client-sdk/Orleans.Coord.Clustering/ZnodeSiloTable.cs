using System.Text.Json;
using Orleans.Coord.Client;
using Orleans.Coord.Grains.Clustering;

namespace Orleans.Coord.Clustering;

/// <summary>
/// Keeps a cluster's silos in one znode, so that the whole table is read, and replaced on its version, at once.
/// </summary>
/// <param name="clients">Sessions with the ensemble; whatever one of them held does not matter here.</param>
/// <param name="path">The znode.</param>
internal sealed class ZnodeSiloTable(CoordClientSource clients, string path) : ISiloTableStore
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(10);

    public async Task InitializeAsync()
    {
        using var limit = new CancellationTokenSource(_patience);
        CoordClient client = await clients.GetAsync(limit.Token).ConfigureAwait(false);
        await client.EnsurePathAsync(path, cancellation: limit.Token).ConfigureAwait(false);
    }

    /// <exception cref="CoordException">The table is not there, or the ensemble cannot be reached.</exception>
    /// <exception cref="InvalidDataException">The znode holds something else.</exception>
    public async Task<SiloTable> ReadAsync()
    {
        using var limit = new CancellationTokenSource(_patience);
        CoordClient client = await clients.GetAsync(limit.Token).ConfigureAwait(false);
        return Parse(await client.GetAsync(path, ReadMode.Linearizable, limit.Token).ConfigureAwait(false));
    }

    /// <exception cref="CoordException">The table is not there, or the ensemble cannot be reached.</exception>
    /// <exception cref="InvalidDataException">The znode holds something else.</exception>
    public async Task<bool> ChangeAsync(Func<SiloTable, bool> change)
    {
        using var limit = new CancellationTokenSource(_patience);
        while (true)
        {
            CoordClient client = await clients.GetAsync(limit.Token).ConfigureAwait(false);
            ZnodeData stored = await client.GetAsync(path, ReadMode.Linearizable, limit.Token).ConfigureAwait(false);
            SiloTable table = Parse(stored);
            if (!change(table))
            {
                return false;
            }

            CoordResult<Stat> written = await client
                .TrySetAsync(path, table.ToBytes(), stored.Stat.Version, limit.Token).ConfigureAwait(false);
            if (written.Code != CoordErrorCode.BadVersion)
            {
                return written.Code == CoordErrorCode.Ok ? true : throw CannotWrite(written.Code);
            }
        }
    }

    private InvalidOperationException CannotWrite(CoordErrorCode code) =>
        new($"The silos' table in {path} cannot be written: {code}.");

    private SiloTable Parse(ZnodeData stored)
    {
        try
        {
            return SiloTable.Parse(stored.Data.Span);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException(
                $"Znode {path} holds no table of silos ({e.Message}). Stop its silos and delete it.", e);
        }
    }
}
