using System.Globalization;

namespace Orleans.Coord.Grains.Clustering;

/// <summary>
/// Orleans' membership over a store of the whole table. Updates hold only if both the table and the row are still as
/// the caller read them.
/// </summary>
internal sealed class StoredMembershipTable(ISiloTableStore store) : IMembershipTable
{
    public Task InitializeMembershipTable(bool tryInitTableVersion) => store.InitializeAsync();

    public async Task<MembershipTableData> ReadRow(SiloAddress key)
    {
        SiloTable table = await store.ReadAsync();
        return Find(table, key) is { } row ? new(ToEntry(row), VersionOf(table)) : new(VersionOf(table));
    }

    public async Task<MembershipTableData> ReadAll()
    {
        SiloTable table = await store.ReadAsync();
        return new MembershipTableData([.. table.Silos.Select(ToEntry)], VersionOf(table));
    }

    public Task<bool> InsertRow(MembershipEntry entry, TableVersion tableVersion) => store.ChangeAsync(table =>
    {
        if (!IsCurrent(table, tableVersion) || Find(table, entry.SiloAddress) is not null)
        {
            return false;
        }

        // A silo inserts no row but its own.
        store.ShowAlive(entry.SiloAddress.ToParsableString());
        table.Version++;
        table.Silos.Add(ToRow(entry, table.Version));
        return true;
    });

    public Task<bool> UpdateRow(MembershipEntry entry, string etag, TableVersion tableVersion) =>
        store.ChangeAsync(table =>
        {
            if (!IsCurrent(table, tableVersion) || Find(table, entry.SiloAddress) is not { } row || EtagOf(row) != etag)
            {
                return false;
            }

            table.Version++;
            table.Silos[table.Silos.IndexOf(row)] = ToRow(entry, table.Version);
            return true;
        });

    public Task UpdateIAmAlive(MembershipEntry entry) => store.ChangeAsync(table =>
    {
        if (Find(table, entry.SiloAddress) is not { } row)
        {
            return false;
        }

        row.Alive = entry.IAmAliveTime;
        return true;
    });

    public Task CleanupDefunctSiloEntries(DateTimeOffset beforeDate) => store.ChangeAsync(
        table => table.Silos.RemoveAll(row => row.Status == SiloStatus.Dead && LastWord(row) < beforeDate) > 0);

    public Task DeleteMembershipTableEntries(string clusterId) => store.ChangeAsync(table =>
    {
        table.Silos.Clear();
        table.Version++;
        return true;
    });

    private static DateTime LastWord(SiloRow row) => row.Alive > row.Started ? row.Alive : row.Started;

    private static bool IsCurrent(SiloTable table, TableVersion next) => next.VersionEtag == EtagOf(table);

    private static SiloRow? Find(SiloTable table, SiloAddress silo)
    {
        string address = silo.ToParsableString();
        return table.Silos.Find(row => row.Address == address);
    }

    private static TableVersion VersionOf(SiloTable table) => new(table.Version, EtagOf(table));

    private static string EtagOf(SiloTable table) => table.Version.ToString(CultureInfo.InvariantCulture);

    private static string EtagOf(SiloRow row) => row.Changed.ToString(CultureInfo.InvariantCulture);

    private static Tuple<MembershipEntry, string> ToEntry(SiloRow row) => new(
        new MembershipEntry
        {
            SiloAddress = SiloAddress.FromParsableString(row.Address),
            SiloName = row.Name,
            HostName = row.HostName ?? "",
            Status = row.Status,
            ProxyPort = row.GatewayPort,
            StartTime = row.Started,
            IAmAliveTime = row.Alive,
            SuspectTimes = [.. row.Suspects.Select(
                vote => Tuple.Create(SiloAddress.FromParsableString(vote.By), vote.At))],
        },
        EtagOf(row));

    private static SiloRow ToRow(MembershipEntry entry, int version) => new()
    {
        Address = entry.SiloAddress.ToParsableString(),
        Name = entry.SiloName,
        HostName = entry.HostName,
        Status = entry.Status,
        GatewayPort = entry.ProxyPort,
        Started = entry.StartTime,
        Alive = entry.IAmAliveTime,
        Suspects = [.. (entry.SuspectTimes ?? []).Select(
            vote => new Suspicion(vote.Item1.ToParsableString(), vote.Item2))],
        Changed = version,
    };
}
