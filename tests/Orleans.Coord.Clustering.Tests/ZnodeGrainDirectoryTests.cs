using System.Net;
using Orleans.Coord.Client;

namespace Orleans.Coord.Clustering.Tests;

/// <summary>The grain directory in znodes, as several silos use it.</summary>
public sealed class ZnodeGrainDirectoryTests : IClassFixture<OneSilo>
{
    private static readonly SiloAddress _one = SiloAddress.New(new IPEndPoint(IPAddress.Loopback, 1001), 7);
    private static readonly SiloAddress _two = SiloAddress.New(new IPEndPoint(IPAddress.IPv6Loopback, 1002), 8);
    private readonly string _root = $"/orleans/{Guid.NewGuid():N}/directories/default";
    private readonly CoordClientSource _clients;
    private readonly ZnodeGrainDirectory _directory;

    public ZnodeGrainDirectoryTests(OneSilo silo)
    {
        _clients = silo.Clients;
        _directory = new ZnodeGrainDirectory(_clients, _root);
    }

    [Fact]
    public async Task What_is_registered_is_found_with_all_it_has()
    {
        GrainAddress address = New("account/Jürgen & Söhne", _two);
        Assert.Null(await _directory.Lookup(address.GrainId));
        Assert.Equal(address, await _directory.Register(address));
        GrainAddress? found = await _directory.Lookup(address.GrainId);
        Assert.Equal(address, found);
        Assert.Equal(address.MembershipVersion, found!.MembershipVersion);
    }

    [Fact]
    public async Task Of_many_that_register_one_grain_at_once_one_is_registered_and_all_learn_which()
    {
        GrainAddress[] all = [.. Enumerable.Range(0, 16).Select(i => New("contended", i % 2 == 0 ? _one : _two))];
        GrainAddress?[] told = await Task.WhenAll(all.Select(address => _directory.Register(address)));
        GrainAddress winner = Assert.Single(told.Distinct())!;
        Assert.Contains(winner, all);
        Assert.Equal(winner, await _directory.Lookup(winner.GrainId));
        Assert.Equal(1, await CountAsync("grains"));
        Assert.Equal(1, await CountAsync("silos"));
    }

    [Fact]
    public async Task Registering_again_changes_nothing()
    {
        GrainAddress address = New("again", _one);
        await _directory.Register(address);
        Assert.Equal(address, await _directory.Register(address));
        Assert.Equal(1, await CountAsync("grains"));
    }

    [Fact]
    public async Task An_entry_is_replaced_only_by_who_names_the_one_that_is_there()
    {
        GrainAddress first = New("moving", _one);
        GrainAddress second = New("moving", _two);
        GrainAddress third = New("moving", _one);
        await _directory.Register(first);
        Assert.Equal(second, await _directory.Register(second, first));
        Assert.Equal(second, await _directory.Register(third, first));
        Assert.Equal(second, await _directory.Lookup(first.GrainId));
        Assert.Equal(1, await CountAsync("silos"));
        Assert.Equal(third, await _directory.Register(third, second));

        // Nothing is there any more: whoever names something may register all the same.
        await _directory.Unregister(third);
        Assert.Equal(first, await _directory.Register(first, second));
    }

    [Fact]
    public async Task Only_the_own_activation_is_unregistered()
    {
        GrainAddress held = New("held", _one);
        await _directory.Register(held);
        await _directory.Unregister(New("held", _one));
        Assert.Equal(held, await _directory.Lookup(held.GrainId));
        await _directory.Unregister(held);
        await _directory.Unregister(held);
        Assert.Null(await _directory.Lookup(held.GrainId));
        Assert.Equal(0, await CountAsync("grains"));
        Assert.Equal(0, await CountAsync("silos"));
    }

    [Fact]
    public async Task Of_dead_silos_all_entries_go_and_those_of_the_others_stay()
    {
        SiloAddress third = SiloAddress.New(new IPEndPoint(IPAddress.Loopback, 1003), 9);
        GrainAddress[] all = [.. Enumerable.Range(0, 90).Select(i => New($"grain{i}", (i % 3) switch
        {
            0 => _one,
            1 => _two,
            _ => third,
        }))];
        await Task.WhenAll(all.Select(address => _directory.Register(address)));

        // Each survivor does it when it hears of the deaths.
        var other = new ZnodeGrainDirectory(_clients, _root);
        await Task.WhenAll(_directory.UnregisterSilos([_one, third]), other.UnregisterSilos([_one, third]));
        GrainAddress?[] left = await Task.WhenAll(all.Select(address => _directory.Lookup(address.GrainId)));
        Assert.Equal(all.Where(address => address.SiloAddress!.Equals(_two)), left.OfType<GrainAddress>());
        Assert.Equal([_two.ToParsableString()], (await _clients.Current.GetChildrenAsync($"{_root}/silos")).Names);
        await _directory.UnregisterSilos([_one]);
        Assert.Equal(all[0], await _directory.Register(all[0]));
    }

    [Fact]
    public async Task Something_else_in_a_znode_is_named()
    {
        GrainAddress address = New("spoilt", _one);
        await _directory.Register(address);
        string folder = $"{_root}/grains/" + Assert.Single(
            (await _clients.Current.GetChildrenAsync($"{_root}/grains")).Names);
        string path = $"{folder}/" + Assert.Single((await _clients.Current.GetChildrenAsync(folder)).Names);
        await _clients.Current.SetAsync(path, "{}"u8.ToArray());
        var error = await Assert.ThrowsAsync<InvalidDataException>(() => _directory.Lookup(address.GrainId));
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
    }

    private static GrainAddress New(string key, SiloAddress silo) => new()
    {
        GrainId = GrainId.Create("test", key),
        ActivationId = ActivationId.NewId(),
        SiloAddress = silo,
        MembershipVersion = new MembershipVersion(42),
    };

    // The znodes of grains, without the folders above them.
    private async Task<int> CountAsync(string part)
    {
        int count = 0;
        var folders = new Queue<(string Path, int Depth)>([($"{_root}/{part}", part == "grains" ? 2 : 3)]);
        while (folders.TryDequeue(out (string Path, int Depth) folder))
        {
            foreach (string name in (await _clients.Current.TryGetChildrenAsync(folder.Path))?.Names ?? [])
            {
                count += folder.Depth == 1 ? 1 : 0;
                folders.Enqueue(($"{folder.Path}/{name}", folder.Depth - 1));
            }
        }

        return count;
    }
}
