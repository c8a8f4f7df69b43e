using System.Text;
using Microsoft.Extensions.DependencyInjection;

namespace Orleans.Coord.Grains.Tests;

/// <summary>Znodes as grains.</summary>
[Collection(nameof(TestGrid))]
public sealed class ZnodeGrainTests(TestGrid grid)
{
    [Fact]
    public async Task A_znode_is_created_read_changed_and_deleted()
    {
        IZnodeGrain znode = grid.Client.GetGrain<IZnodeGrain>("/config");
        ZnodeCreated created = await znode.CreateAsync("1"u8.ToArray());
        Assert.Equal("/config", created.Path);
        ZnodeValue value = await znode.GetAsync();
        Assert.Equal("1"u8, value.Data);
        Assert.Equal((created.Zxid, 0, 1), (value.Stat.Czxid, value.Stat.Version, value.Stat.DataLength));
        long zxid = await znode.SetAsync("22"u8.ToArray(), version: 0);
        Assert.Equal((zxid, 1), ((await znode.ExistsAsync())!.Value.Mzxid, (await znode.GetAsync()).Stat.Version));
        Assert.True(await znode.DeleteAsync() > zxid);
        Assert.Null(await znode.ExistsAsync());
    }

    [Fact]
    public async Task A_read_at_any_silo_sees_what_was_acknowledged_at_another()
    {
        await Znode(0, "/seen").CreateAsync([]);
        for (int i = 0; i < 50; i++)
        {
            byte[] data = Encoding.ASCII.GetBytes($"{i}");
            await Znode(i % 3, "/seen").SetAsync(data);
            Assert.Equal(data, (await Znode((i + 1) % 3, "/seen").GetAsync()).Data);
        }
    }

    [Fact]
    public async Task A_read_that_names_a_zxid_sees_at_least_that()
    {
        await Znode(0, "/least").CreateAsync([]);
        for (int i = 0; i < 50; i++)
        {
            long zxid = await Znode(0, "/least").SetAsync(Encoding.ASCII.GetBytes($"{i}"));
            ZnodeValue value = await Znode(2, "/least").GetAsync(atLeast: zxid);
            Assert.True(value.Zxid >= zxid);
            Assert.Equal($"{i}", Encoding.ASCII.GetString(value.Data));
        }
    }

    [Fact]
    public async Task Children_are_listed_and_numbered()
    {
        await Znode(0, "/parent").CreateAsync([]);
        ZnodeCreated first = await Znode(1, "/parent/n-").CreateAsync([], sequential: true);
        ZnodeCreated second = await Znode(2, "/parent/n-").CreateAsync([], sequential: true);
        Assert.Equal(["/parent/n-0000000000", "/parent/n-0000000001"], [first.Path, second.Path]);
        ZnodeNames names = await Znode(0, "/parent").GetChildrenAsync();
        Assert.Equal(["n-0000000000", "n-0000000001"], names.Names.Order());
        Assert.Equal(2, names.Stat.NumChildren);
    }

    [Fact]
    public async Task Refusals_carry_the_code_and_the_path()
    {
        IZnodeGrain missing = grid.Client.GetGrain<IZnodeGrain>("/missing");
        var refusal = await Assert.ThrowsAsync<ZnodeException>(() => missing.GetAsync());
        Assert.Equal(CoordErrorCode.NoNode, refusal.Code);
        Assert.Contains("/missing", refusal.Message, StringComparison.Ordinal);
        await Znode(0, "/there").CreateAsync([]);
        Assert.Equal(CoordErrorCode.NodeExists, await CodeOf(() => Znode(1, "/there").CreateAsync([])));
        Assert.Equal(CoordErrorCode.BadVersion, await CodeOf(() => Znode(1, "/there").SetAsync([], version: 7)));
        Assert.Equal(CoordErrorCode.BadArguments, await CodeOf(() => Znode(1, "/there").SetAsync(new byte[2 << 20])));
        Assert.Equal(0, (await Znode(1, "/there").GetAsync()).Stat.Version);
    }

    [Fact]
    public async Task Many_callers_share_a_silos_sessions()
    {
        await Znode(0, "/shared").CreateAsync([]);
        await Task.WhenAll(Enumerable.Range(0, 300).Select(async i =>
        {
            IZnodeGrain own = Znode(i % 3, $"/shared/{i}");
            await own.CreateAsync(BitConverter.GetBytes(i));
            Assert.Equal(i, BitConverter.ToInt32((await own.GetAsync()).Data));
        }));
        Assert.Equal(300, (await Znode(1, "/shared").GetChildrenAsync()).Names.Length);
    }

    private IZnodeGrain Znode(int silo, string path) =>
        grid.Silo(silo).GetRequiredService<IGrainFactory>().GetGrain<IZnodeGrain>(path);

    private static async Task<CoordErrorCode> CodeOf(Func<Task> call) =>
        (await Assert.ThrowsAsync<ZnodeException>(call)).Code;
}
