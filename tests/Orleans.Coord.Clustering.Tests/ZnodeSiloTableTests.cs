using System.Globalization;
using Orleans.Coord.Client;
using Orleans.Coord.Grains.Clustering;

namespace Orleans.Coord.Clustering.Tests;

/// <summary>The table of silos in a znode. Its rules are tested where the file's are.</summary>
public sealed class ZnodeSiloTableTests : IClassFixture<OneSilo>
{
    private readonly string _path = $"/orleans/{Guid.NewGuid():N}/silos";
    private readonly CoordClientSource _clients;
    private readonly ZnodeSiloTable _store;

    public ZnodeSiloTableTests(OneSilo silo)
    {
        _clients = silo.Clients;
        _store = new ZnodeSiloTable(_clients, _path);
    }

    [Fact]
    public async Task It_is_empty_at_first_and_may_be_made_again()
    {
        await _store.InitializeAsync();
        Assert.Empty((await _store.ReadAsync()).Silos);
        await _store.ChangeAsync(Add("a"));
        await _store.InitializeAsync();
        Assert.Equal("a", Assert.Single((await _store.ReadAsync()).Silos).Name);
    }

    [Fact]
    public async Task What_changes_nothing_is_not_written()
    {
        await _store.InitializeAsync();
        Assert.False(await _store.ChangeAsync(_ => false));
        Assert.Equal(0, (await _clients.Current.GetAsync(_path)).Stat.Version);
    }

    [Fact]
    public async Task Changes_at_the_same_time_all_take_effect()
    {
        await _store.InitializeAsync();
        await Task.WhenAll(Enumerable.Range(0, 20).Select(
            i => _store.ChangeAsync(Add(i.ToString(CultureInfo.InvariantCulture)))));
        SiloTable table = await _store.ReadAsync();
        Assert.Equal(20, table.Silos.Select(row => row.Name).Distinct().Count());
        Assert.Equal(20, table.Version);
    }

    [Fact]
    public async Task Something_else_in_the_znode_is_named()
    {
        await _store.InitializeAsync();
        await _clients.Current.SetAsync(_path, "no table"u8.ToArray());
        var error = await Assert.ThrowsAsync<InvalidDataException>(() => _store.ReadAsync());
        Assert.Contains(_path, error.Message, StringComparison.Ordinal);
    }

    private static Func<SiloTable, bool> Add(string name) => table =>
    {
        table.Version++;
        table.Silos.Add(new SiloRow { Address = name, Name = name, Status = SiloStatus.Active });
        return true;
    };
}
