using System.Globalization;
using System.Net;
using Orleans.Coord.Grains.Clustering;
using Orleans.Runtime;

namespace Orleans.Coord.Grains.Tests;

/// <summary>The membership of silos on one machine, in a file.</summary>
public sealed class FileMembershipTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("coord-silos-").FullName;
    private readonly List<MembershipFile> _files = [];

    [Fact]
    public async Task A_row_comes_back_as_it_was_inserted()
    {
        StoredMembershipTable table = NewTable();
        MembershipEntry entry = Entry(1, SiloStatus.Joining);
        entry.AddSuspector(Address(2), entry.StartTime.AddSeconds(1));
        Assert.True(await table.InsertRow(entry, (await table.ReadAll()).Version.Next()));
        (MembershipEntry read, string etag) = Assert.Single((await table.ReadRow(entry.SiloAddress)).Members);
        Assert.Equal((await NewTable().ReadAll()).Members.Single().Item2, etag);
        Assert.Equal(
            (entry.SiloAddress, entry.SiloName, entry.HostName, entry.Status, entry.ProxyPort),
            (read.SiloAddress, read.SiloName, read.HostName, read.Status, read.ProxyPort));
        Assert.Equal((entry.StartTime, entry.IAmAliveTime), (read.StartTime, read.IAmAliveTime));
        Assert.Equal(entry.SuspectTimes, read.SuspectTimes);
    }

    [Fact]
    public async Task An_insert_fails_after_another_change_and_for_a_row_that_is_there()
    {
        StoredMembershipTable table = NewTable();
        TableVersion before = (await table.ReadAll()).Version;
        Assert.True(await table.InsertRow(Entry(1, SiloStatus.Active), before.Next()));
        Assert.False(await NewTable().InsertRow(Entry(2, SiloStatus.Active), before.Next()));
        TableVersion now = (await table.ReadAll()).Version;
        Assert.False(await table.InsertRow(Entry(1, SiloStatus.Active), now.Next()));
        Assert.Equal(before.Version + 1, now.Version);
    }

    [Fact]
    public async Task An_update_needs_the_version_and_the_row_as_they_are()
    {
        StoredMembershipTable table = NewTable();
        await table.InsertRow(Entry(1, SiloStatus.Joining), (await table.ReadAll()).Version.Next());
        MembershipTableData old = await table.ReadAll();
        await table.InsertRow(Entry(2, SiloStatus.Joining), old.Version.Next());
        string etag = old.Members.Single().Item2;
        Assert.False(await table.UpdateRow(Entry(1, SiloStatus.Active), etag, old.Version.Next()));
        MembershipTableData current = await table.ReadAll();
        Assert.False(await table.UpdateRow(Entry(1, SiloStatus.Active), "other", current.Version.Next()));
        Assert.True(await table.UpdateRow(Entry(1, SiloStatus.Active), etag, current.Version.Next()));
        Assert.Equal(SiloStatus.Active, (await table.ReadRow(Address(1))).Members.Single().Item1.Status);
    }

    [Fact]
    public async Task Of_many_who_join_at_once_each_gets_in_by_trying_again()
    {
        await Task.WhenAll(Enumerable.Range(1, 8).Select(number => Task.Run(async () =>
        {
            StoredMembershipTable table = NewTable();
            while (!await table.InsertRow(
                Entry(number, SiloStatus.Joining), (await table.ReadAll()).Version.Next()))
            {
            }
        })));
        MembershipTableData all = await NewTable().ReadAll();
        Assert.Equal(8, all.Members.Count);
        Assert.Equal(8, all.Version.Version);
    }

    [Fact]
    public async Task A_sign_of_life_changes_neither_version_nor_etag()
    {
        StoredMembershipTable table = NewTable();
        await table.InsertRow(Entry(1, SiloStatus.Active), (await table.ReadAll()).Version.Next());
        MembershipTableData before = await table.ReadAll();
        MembershipEntry alive = Entry(1, SiloStatus.Active);
        alive.IAmAliveTime = alive.IAmAliveTime.AddMinutes(1);
        await table.UpdateIAmAlive(alive);
        MembershipTableData after = await table.ReadAll();
        Assert.Equal(before.Version, after.Version);
        Assert.Equal(before.Members.Single().Item2, after.Members.Single().Item2);
        Assert.Equal(alive.IAmAliveTime, after.Members.Single().Item1.IAmAliveTime);
    }

    [Fact]
    public async Task A_silo_that_starts_declares_dead_whose_process_has_ended_and_nobody_else()
    {
        StoredMembershipTable running = NewTable();
        StoredMembershipTable crashed = NewTable();
        await running.InsertRow(Entry(1, SiloStatus.Active), (await running.ReadAll()).Version.Next());
        await crashed.InsertRow(Entry(2, SiloStatus.Active), (await crashed.ReadAll()).Version.Next());
        _files[1].Dispose();
        StoredMembershipTable starting = NewTable();
        await starting.InitializeMembershipTable(true);
        MembershipTableData all = await starting.ReadAll();
        Assert.Equal(SiloStatus.Active, all.TryGet(Address(1))!.Item1.Status);
        Assert.Equal(SiloStatus.Dead, all.TryGet(Address(2))!.Item1.Status);
        Assert.Equal(3, all.Version.Version);
    }

    [Fact]
    public async Task Dead_rows_can_be_cleaned_up()
    {
        StoredMembershipTable table = NewTable();
        await table.InsertRow(Entry(1, SiloStatus.Active), (await table.ReadAll()).Version.Next());
        await table.InsertRow(Entry(2, SiloStatus.Dead), (await table.ReadAll()).Version.Next());
        await table.CleanupDefunctSiloEntries(new DateTimeOffset(Entry(2, SiloStatus.Dead).IAmAliveTime).AddDays(1));
        Assert.Equal(Address(1), (await table.ReadAll()).Members.Single().Item1.SiloAddress);
    }

    [Fact]
    public async Task A_file_that_cannot_be_read_is_named()
    {
        string file = Path.Combine(_folder, "silos.json");
        await File.WriteAllTextAsync(file, "no table");
        var error = await Assert.ThrowsAsync<IOException>(() => NewTable().ReadAll());
        Assert.Contains(file, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Clients_are_told_of_active_silos_with_a_port_for_them()
    {
        StoredMembershipTable table = NewTable();
        MembershipEntry closed = Entry(3, SiloStatus.Active);
        closed.ProxyPort = 0;
        MembershipEntry[] entries = [Entry(1, SiloStatus.Active), Entry(2, SiloStatus.Dead), closed];
        foreach (MembershipEntry entry in entries)
        {
            await table.InsertRow(entry, (await table.ReadAll()).Version.Next());
        }

        Uri gateway = Assert.Single(await new StoredGatewayList(new MembershipFile(_folder)).GetGateways());
        Assert.Equal(30_001, gateway.Port);
    }

    public void Dispose()
    {
        _files.ForEach(file => file.Dispose());
        Directory.Delete(_folder, recursive: true);
    }

    private StoredMembershipTable NewTable()
    {
        var file = new MembershipFile(_folder);
        lock (_files)
        {
            _files.Add(file);
        }

        return new StoredMembershipTable(file);
    }

    private static SiloAddress Address(int number) => SiloAddress.New(IPAddress.Loopback, 11_000 + number, number);

    private static MembershipEntry Entry(int number, SiloStatus status) => new()
    {
        SiloAddress = Address(number),
        SiloName = "coord-" + number.ToString(CultureInfo.InvariantCulture),
        HostName = "here",
        Status = status,
        ProxyPort = 30_000 + number,
        StartTime = new DateTime(2026, 1, 1, 0, 0, number, DateTimeKind.Utc),
        IAmAliveTime = new DateTime(2026, 1, 1, 0, 1, number, DateTimeKind.Utc),
    };
}
