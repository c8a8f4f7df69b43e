using System.Globalization;
using System.Text.Json;
using Orleans.Coord.Client;
using Orleans.GrainDirectory;

namespace Orleans.Coord.Clustering;

/// <summary>
/// A grain directory in znodes: one for each grain that is active, which says where. It is made, replaced and deleted
/// only as its caller last saw it, and read linearizably, so at no time do two activations stand in it, nor can an
/// old answer hide the present one. Beside it, in the same transactions, goes a list for each silo, so that what a dead
/// silo leaves behind is found without looking through all grains.
/// </summary>
/// <param name="clients">Sessions with the ensemble; whatever one of them held does not matter here.</param>
/// <param name="root">The znode for all of it.</param>
internal sealed class ZnodeGrainDirectory(CoordClientSource clients, string root) : IGrainDirectory
{
    // Of grains whose names are read or removed at once.
    private const int Batch = 64;
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(10);

    public Task<GrainAddress?> Register(GrainAddress address) => Register(address, null);

    /// <exception cref="CoordException">The ensemble refuses it.</exception>
    /// <exception cref="TimeoutException">The ensemble cannot be reached.</exception>
    public Task<GrainAddress?> Register(GrainAddress address, GrainAddress? previousAddress) =>
        RepeatAsync(async (client, cancellation) =>
        {
            Stored? stored = await ReadAsync(client, address.GrainId, cancellation).ConfigureAwait(false);
            if (stored is { } other && other.Address.ActivationId != previousAddress?.ActivationId)
            {
                // Its own, when an earlier attempt of this call has succeeded unseen.
                return (true, other.Address);
            }

            string path = PathOf(address.GrainId);
            byte[] data = Encode(address);
            CoordTransaction change = stored is { } old
                ? client.Transaction().Set(path, data, old.Version).Delete(ListedPathOf(old.Address))
                : client.Transaction().Create(path, data);
            bool done = await TryCommitAsync(client, change.Create(ListedPathOf(address)), address, cancellation)
                .ConfigureAwait(false);
            return (done, address);
        });

    /// <exception cref="CoordException">The ensemble refuses it.</exception>
    /// <exception cref="TimeoutException">The ensemble cannot be reached.</exception>
    public Task Unregister(GrainAddress address) => RepeatAsync(async (client, cancellation) =>
    {
        Stored? stored = await ReadAsync(client, address.GrainId, cancellation).ConfigureAwait(false);
        bool done = stored is not { } found || found.Address.ActivationId != address.ActivationId
            || await TryRemoveAsync(client, found, cancellation).ConfigureAwait(false);
        return (done, default(GrainAddress));
    });

    /// <exception cref="CoordException">The ensemble refuses it.</exception>
    /// <exception cref="TimeoutException">The ensemble cannot be reached.</exception>
    public Task<GrainAddress?> Lookup(GrainId grainId) => RepeatAsync(async (client, cancellation) =>
        (true, (await ReadAsync(client, grainId, cancellation).ConfigureAwait(false))?.Address));

    /// <summary>
    /// Removes what dead silos have left. Every silo that is told of a death does so at the same time, and what one
    /// leaves behind is replaced when its grain is called.
    /// </summary>
    public async Task UnregisterSilos(List<SiloAddress> siloAddresses)
    {
        foreach (SiloAddress silo in siloAddresses)
        {
            await RepeatAsync(async (client, cancellation) =>
            {
                await RemoveSiloAsync(client, silo, cancellation).ConfigureAwait(false);
                return (true, default(GrainAddress));
            }).ConfigureAwait(false);
        }
    }

    private async Task RemoveSiloAsync(CoordClient client, SiloAddress silo, CancellationToken cancellation)
    {
        string list = ListOf(silo);
        foreach (string bucket in await NamesAsync(client, list, cancellation).ConfigureAwait(false))
        {
            IReadOnlyList<string> names = await NamesAsync(client, $"{list}/{bucket}", cancellation)
                .ConfigureAwait(false);
            foreach (string[] some in names.Chunk(Batch))
            {
                await Task.WhenAll(some.Select(
                    name => RemoveAsync(client, $"{root}/grains/{bucket}/{name}", silo, cancellation)))
                    .ConfigureAwait(false);
            }

            await client.TryDeleteAsync($"{list}/{bucket}", cancellation: cancellation).ConfigureAwait(false);
        }

        await client.TryDeleteAsync(list, cancellation: cancellation).ConfigureAwait(false);
    }

    private async Task RemoveAsync(CoordClient client, string path, SiloAddress silo, CancellationToken cancellation)
    {
        bool done;
        do
        {
            Stored? stored = await ReadAsync(client, path, cancellation).ConfigureAwait(false);
            done = stored is not { } found || !silo.Equals(found.Address.SiloAddress)
                || await TryRemoveAsync(client, found, cancellation).ConfigureAwait(false);
        }
        while (!done);
    }

    private Task<bool> TryRemoveAsync(CoordClient client, Stored stored, CancellationToken cancellation) =>
        TryCommitAsync(
            client,
            client.Transaction()
                .Delete(PathOf(stored.Address.GrainId), stored.Version)
                .Delete(ListedPathOf(stored.Address)),
            null,
            cancellation);

    /// <summary>False when others came first, or a folder was missing: look again.</summary>
    private async Task<bool> TryCommitAsync(
        CoordClient client, CoordTransaction change, GrainAddress? folders, CancellationToken cancellation)
    {
        try
        {
            await change.CommitAsync(cancellation).ConfigureAwait(false);
            return true;
        }
        catch (TransactionFailedException e) when (
            e.Code is CoordErrorCode.NoNode or CoordErrorCode.NodeExists or CoordErrorCode.BadVersion)
        {
            if (e.Code == CoordErrorCode.NoNode && folders is not null)
            {
                await EnsureParentAsync(client, PathOf(folders.GrainId), cancellation).ConfigureAwait(false);
                await EnsureParentAsync(client, ListedPathOf(folders), cancellation).ConfigureAwait(false);
            }

            return false;
        }
    }

    private static Task EnsureParentAsync(CoordClient client, string path, CancellationToken cancellation) =>
        client.EnsurePathAsync(path[..path.LastIndexOf('/')], cancellation: cancellation);

    private static async Task<IReadOnlyList<string>> NamesAsync(
        CoordClient client, string path, CancellationToken cancellation)
    {
        ZnodeChildren? children = await client.TryGetChildrenAsync(path, ReadMode.Linearizable, cancellation)
            .ConfigureAwait(false);
        return children?.Names ?? [];
    }

    private Task<Stored?> ReadAsync(CoordClient client, GrainId grain, CancellationToken cancellation) =>
        ReadAsync(client, PathOf(grain), cancellation);

    private static async Task<Stored?> ReadAsync(CoordClient client, string path, CancellationToken cancellation)
    {
        ZnodeData? znode = await client.TryGetAsync(path, ReadMode.Linearizable, cancellation).ConfigureAwait(false);
        return znode is { } found ? new Stored(Decode(path, found.Data), found.Stat.Version) : null;
    }

    // Over lost connections and sessions: each attempt begins with a look at what has come of the one before.
    private async Task<GrainAddress?> RepeatAsync(
        Func<CoordClient, CancellationToken, Task<(bool Done, GrainAddress? Result)>> attempt)
    {
        using var limit = new CancellationTokenSource(_patience);
        while (true)
        {
            try
            {
                CoordClient client = await clients.GetAsync(limit.Token).ConfigureAwait(false);
                (bool done, GrainAddress? result) = await attempt(client, limit.Token).ConfigureAwait(false);
                if (done)
                {
                    return result;
                }
            }
            catch (CoordException e) when (e is SessionLostException || e.Code == CoordErrorCode.ConnectionLoss)
            {
                // The next attempt sees what has happened.
            }
            catch (OperationCanceledException e) when (limit.IsCancellationRequested)
            {
                throw new TimeoutException(
                    $"The grain directory in {root} did not answer within {_patience.TotalSeconds:F0} s.", e);
            }
        }
    }

    private string PathOf(GrainId grain) => $"{root}/grains/{BucketOf(grain)}/{NameOf(grain)}";

    private string ListOf(SiloAddress silo) => $"{root}/silos/{silo.ToParsableString()}";

    private string ListedPathOf(GrainAddress address) =>
        $"{ListOf(address.SiloAddress!)}/{BucketOf(address.GrainId)}/{NameOf(address.GrainId)}";

    // Listings stay small: 256 folders, chosen by a hash that is the same in every process.
    private static string BucketOf(GrainId grain) =>
        ((byte)grain.GetUniformHashCode()).ToString("x2", CultureInfo.InvariantCulture);

    private static string NameOf(GrainId grain) => Uri.EscapeDataString(grain.ToString());

    private static byte[] Encode(GrainAddress address) => JsonSerializer.SerializeToUtf8Bytes(new Entry(
        address.GrainId.ToString(), address.ActivationId.ToParsableString(), address.SiloAddress!.ToParsableString(),
        address.MembershipVersion.Value));

    private static GrainAddress Decode(string path, ReadOnlyMemory<byte> data)
    {
        try
        {
            Entry entry = JsonSerializer.Deserialize<Entry>(data.Span) ?? throw new JsonException("null");
            return new GrainAddress
            {
                GrainId = GrainId.Parse(entry.Grain, CultureInfo.InvariantCulture),
                ActivationId = ActivationId.FromParsableString(entry.Activation),
                SiloAddress = SiloAddress.FromParsableString(entry.Silo),
                MembershipVersion = new MembershipVersion(entry.Membership),
            };
        }
        catch (Exception e) when (e is JsonException or FormatException or ArgumentException)
        {
            throw new InvalidDataException($"Znode {path} holds no grain's address ({e.Message}). Delete it.", e);
        }
    }

    private readonly record struct Stored(GrainAddress Address, int Version);

    private sealed record Entry(string Grain, string Activation, string Silo, long Membership);
}
