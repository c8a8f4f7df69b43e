using System.Globalization;

namespace Orleans.Coord.Grains.Clustering;

/// <summary>
/// Orleans' membership of the silos on one machine, kept in a <see cref="MembershipFile"/>. Updates hold only if both
/// the table and the row are still as the caller read them.
/// </summary>
internal sealed class FileMembershipTable(MembershipFile file) : IMembershipTable, IDisposable
{
    private FileStream? _alive;

    /// <summary>
    /// A silo that starts declares dead whose process has ended, so that it need not wait for their answers.
    /// </summary>
    public async Task InitializeMembershipTable(bool tryInitTableVersion) => await file.ChangeAsync(table =>
    {
        List<SiloRow> gone = [.. table.Silos.Where(
            row => row.Status != SiloStatus.Dead && file.IsGone(row.Address))];
        foreach (SiloRow row in gone)
        {
            row.Status = SiloStatus.Dead;
            row.Changed = table.Version + 1;
        }

        table.Version += gone.Count > 0 ? 1 : 0;
        return gone.Count > 0;
    });

    public async Task<MembershipTableData> ReadRow(SiloAddress key)
    {
        SiloTable table = await file.ReadAsync();
        return Find(table, key) is { } row ? new(ToEntry(row), VersionOf(table)) : new(VersionOf(table));
    }

    public async Task<MembershipTableData> ReadAll()
    {
        SiloTable table = await file.ReadAsync();
        return new MembershipTableData([.. table.Silos.Select(ToEntry)], VersionOf(table));
    }

    public Task<bool> InsertRow(MembershipEntry entry, TableVersion tableVersion) => file.ChangeAsync(table =>
    {
        if (!IsCurrent(table, tableVersion) || Find(table, entry.SiloAddress) is not null)
        {
            return false;
        }

        // The first row that a silo inserts is its own.
        _alive ??= file.ShowAlive(entry.SiloAddress.ToParsableString());
        table.Version++;
        table.Silos.Add(ToRow(entry, table.Version));
        return true;
    });

    public Task<bool> UpdateRow(MembershipEntry entry, string etag, TableVersion tableVersion) =>
        file.ChangeAsync(table =>
        {
            if (!IsCurrent(table, tableVersion) || Find(table, entry.SiloAddress) is not { } row || EtagOf(row) != etag)
            {
                return false;
            }

            table.Version++;
            table.Silos[table.Silos.IndexOf(row)] = ToRow(entry, table.Version);
            return true;
        });

    public Task UpdateIAmAlive(MembershipEntry entry) => file.ChangeAsync(table =>
    {
        if (Find(table, entry.SiloAddress) is not { } row)
        {
            return false;
        }

        row.Alive = entry.IAmAliveTime;
        return true;
    });

    public Task CleanupDefunctSiloEntries(DateTimeOffset beforeDate) => file.ChangeAsync(
        table => table.Silos.RemoveAll(row => row.Status == SiloStatus.Dead && LastWord(row) < beforeDate) > 0);

    public Task DeleteMembershipTableEntries(string clusterId) => file.ChangeAsync(table =>
    {
        table.Silos.Clear();
        table.Version++;
        return true;
    });

    public void Dispose() => _alive?.Dispose();

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
