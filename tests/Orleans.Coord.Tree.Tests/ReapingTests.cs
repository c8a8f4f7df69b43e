using Orleans.Coord.Jute;
using static Orleans.Coord.CoordErrorCode;

namespace Orleans.Coord.Tree.Tests;

public sealed class ReapingTests
{
    private readonly Harness _grid = new() { Options = CommandOptions.ExtendedTypesAllowed };

    [Fact]
    public void A_container_is_reaped_once_its_last_child_is_gone()
    {
        _grid.Write(OpCode.CreateContainer, Body.Create("/c", null, 4));
        Assert.Empty(Reapable());
        Assert.Equal(BadVersion, Reap("/c"));
        _grid.Create("/c/x");
        Assert.Empty(Reapable());
        Assert.Equal(NotEmpty, Reap("/c"));
        _grid.Delete("/c/x");
        Assert.Equal(["/c"], Reapable());
        _grid.Exists("/c", watch: true, session: 1);
        Assert.Equal(Ok, Reap("/c"));
        Assert.Equal(["1 NodeDeleted /c"], _grid.Events);
        Assert.Empty(Reapable());
        Assert.Equal(NoNode, Reap("/c"));
    }

    [Fact]
    public void A_TTL_znode_is_reaped_when_nobody_wrote_it_for_its_time()
    {
        _grid.Time = 1_000;
        _grid.Write(OpCode.CreateTtl, Body.CreateTtl("/t", null, 5, 500));
        Assert.Empty(Reapable(1_500));
        Assert.Equal(["/t"], Reapable(1_501));
        _grid.Time = 1_400;
        _grid.SetData("/t", "touched");
        Assert.Empty(Reapable(1_900));
        _grid.Create("/t/x");
        Assert.Empty(Reapable(9_000));
        _grid.Delete("/t/x");
        Assert.Equal(["/t"], Reapable(1_901));
    }

    [Fact]
    public void Applying_judges_by_the_entrys_time_and_not_by_the_leaders_belief()
    {
        _grid.Time = 1_000;
        _grid.Write(OpCode.CreateTtl, Body.CreateTtl("/t", null, 5, 500));
        _grid.Time = 1_500;
        Assert.Equal(BadVersion, Reap("/t"));
        _grid.Time = 1_501;
        Assert.Equal(Ok, Reap("/t"));
    }

    [Theory]
    [InlineData("/plain", BadVersion)]
    [InlineData("/", BadArguments)]
    [InlineData("/zookeeper/quota", BadArguments)]
    [InlineData("plain", BadArguments)]
    [InlineData("/none", NoNode)]
    public void Other_znodes_are_never_reaped(string path, CoordErrorCode expected)
    {
        _grid.Create("/plain");
        Assert.Equal(expected, Reap(path));
    }

    [Fact]
    public void Clients_may_not_reap()
    {
        _grid.Open(7);
        _grid.Write(OpCode.CreateContainer, Body.Create("/c", null, 4));
        _grid.Create("/c/x");
        _grid.Delete("/c/x");
        Assert.Equal(BadArguments, _grid.Write(OpCode.DeleteContainer, Body.Path("/c"), session: 7));
        Assert.Equal(BadArguments, _grid.Write(OpCode.DeleteContainer, [], session: 7));
        Assert.Equal(Ok, _grid.Exists("/c"));
    }

    [Fact]
    public void Candidates_come_in_portions_that_cover_all()
    {
        for (int i = 0; i < 50; i++)
        {
            _grid.Write(OpCode.CreateTtl, Body.CreateTtl($"/t{i}", null, 5, 1));
            _grid.Write(OpCode.CreateContainer, Body.Create($"/c{i}", null, 4));
        }

        var seen = new HashSet<string>();
        for (int call = 0; call < 40; call++)
        {
            var paths = new List<byte[]>();
            _grid.Machine.CollectReapable(9_000, max: 3, paths);
            Assert.True(paths.Count <= 3);
            seen.UnionWith(paths.Select(p => Harness.Text(p)));
        }

        Assert.Equal(50, seen.Count);
    }

    private CoordErrorCode Reap(string path) => _grid.Write(OpCode.DeleteContainer, Body.Path(path));

    private string[] Reapable(long now = 1_000)
    {
        var paths = new List<byte[]>();
        _grid.Machine.CollectReapable(now, max: 100, paths);
        return [.. paths.Select(p => Harness.Text(p))];
    }
}
