using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree.Tests;

public sealed class QuotaTests
{
    private const string Limits = "/zookeeper/quota/a/zookeeper_limits";
    private const string Stats = "/zookeeper/quota/a/zookeeper_stats";

    private readonly Harness _grid = new() { Options = CommandOptions.EnforceQuota };

    [Fact]
    public void Statistics_start_from_what_is_there_and_follow_every_write()
    {
        _grid.Create("/a", data: "12345");
        _grid.Create("/a/b", data: "67");
        SetQuota("count=100,bytes=100");
        Assert.Equal("count=2,bytes=7", _grid.Data(Stats));
        _grid.Create("/a/b/c", data: "890");
        Assert.Equal("count=3,bytes=10", _grid.Data(Stats));
        _grid.SetData("/a/b", "1");
        Assert.Equal("count=3,bytes=9", _grid.Data(Stats));
        _grid.SetData("/a/b", null);
        Assert.Equal("count=3,bytes=8", _grid.Data(Stats));
        _grid.Delete("/a/b/c");
        Assert.Equal("count=2,bytes=5", _grid.Data(Stats));
        _grid.Create("/other", data: "123");
        Assert.Equal("count=2,bytes=5", _grid.Data(Stats));
    }

    [Fact]
    public void Statistics_follow_sessions_ends_and_reaped_containers()
    {
        _grid.Create("/a", data: "");
        SetQuota("count=100,bytes=100");
        _grid.Open(7);
        _grid.Create("/a/e", flags: 1, session: 7, data: "123");
        _grid.Write(OpCode.CreateContainer, Body.Create("/a/box", [], 4));
        _grid.Create("/a/box/c", data: "45");
        Assert.Equal("count=4,bytes=5", _grid.Data(Stats));
        _grid.Write(OpCode.CloseSession, [], 7);
        _grid.Delete("/a/box/c");
        Assert.Equal(CoordErrorCode.Ok, _grid.Write(OpCode.DeleteContainer, Body.Path("/a/box")));
        Assert.Equal("count=1,bytes=0", _grid.Data(Stats));
    }

    [Fact]
    public void Statistics_change_without_a_version_a_zxid_or_an_event()
    {
        _grid.Create("/a");
        SetQuota("count=100,bytes=100");
        _grid.Open(7);
        _grid.GetData(Stats, watch: true, session: 7);
        Stat before = _grid.Stat(Stats);
        _grid.Create("/a/b", data: "1234567890");
        Assert.Empty(_grid.Events);
        Stat after = _grid.Stat(Stats);
        Assert.Equal(before with { DataLength = after.DataLength }, after);
        Assert.Equal("count=2,bytes=11".Length, after.DataLength);
    }

    [Fact]
    public void A_hard_limit_refuses_what_would_go_beyond_it()
    {
        _grid.Create("/a", data: "1");
        SetQuota("count=-1,bytes=-1=;byteHardLimit=10;countHardLimit=3");
        Assert.Equal(CoordErrorCode.Ok, _grid.Create("/a/b", data: "12"));
        Assert.Equal(CoordErrorCode.QuotaExceeded, _grid.Create("/a/c", data: "12345678"));
        Assert.Equal(CoordErrorCode.Ok, _grid.Create("/a/c", data: "1234567"));
        Assert.Equal(CoordErrorCode.QuotaExceeded, _grid.Create("/a/d", data: ""));
        Assert.Equal(CoordErrorCode.QuotaExceeded, _grid.SetData("/a/c", "12345678"));
        Assert.Equal(CoordErrorCode.Ok, _grid.SetData("/a/c", "123456"));
        Assert.Equal(CoordErrorCode.Ok, _grid.SetData("/a/c", "abcdef"));
        Assert.Equal(CoordErrorCode.Ok, _grid.Delete("/a/b"));
        Assert.Equal(CoordErrorCode.Ok, _grid.Create("/a/d", data: "1"));
        Assert.Equal(3, _grid.Machine.QuotaRefusals);
        Assert.Equal(0, _grid.Machine.QuotaWarnings);
    }

    [Fact]
    public void The_limit_is_judged_before_the_version_and_after_the_right()
    {
        _grid.Create("/a", data: "1");
        _grid.Create("/a/ro", data: "1", acl: Acl.ReadOnly);
        SetQuota("count=-1,bytes=-1=;byteHardLimit=2");
        Assert.Equal(CoordErrorCode.QuotaExceeded, _grid.SetData("/a", "123", version: 9));
        Assert.Equal(CoordErrorCode.NoAuth, _grid.SetData("/a/ro", "123"));
        Assert.Equal(CoordErrorCode.NodeExists, _grid.Create("/a/ro", data: "123"));
    }

    [Fact]
    public void A_soft_limit_and_a_hard_one_that_nobody_enforces_only_count()
    {
        _grid.Create("/a", data: "1");
        SetQuota("count=1,bytes=1");
        Assert.Equal(CoordErrorCode.Ok, _grid.Create("/a/b", data: "12"));
        Assert.Equal(2, _grid.Machine.QuotaWarnings);
        _grid.SetData(Limits, "count=1,bytes=1=;byteHardLimit=1;countHardLimit=1");
        _grid.Options = CommandOptions.None;
        Assert.Equal(CoordErrorCode.Ok, _grid.Create("/a/c", data: "12"));
        Assert.Equal("count=3,bytes=5", _grid.Data(Stats));
        Assert.Equal(0, _grid.Machine.QuotaRefusals);
        Assert.Equal(2, _grid.Machine.QuotaWarnings);
    }

    [Fact]
    public void A_multi_is_judged_step_by_step_and_taken_back_whole()
    {
        _grid.Create("/a", data: "");
        SetQuota("count=-1,bytes=-1=;countHardLimit=2");
        ulong digest = _grid.Machine.Tree.Digest;
        _grid.Multi((OpCode.Create, Body.Create("/a/b", [], 0)), (OpCode.Create, Body.Create("/a/c", [], 0)));
        var reader = new JuteReader(_grid.Result.Body.Written);
        Assert.Equal((-1, false, 0, 0), (reader.ReadInt(), reader.ReadBool(), reader.ReadInt(), reader.ReadInt()));
        Assert.Equal(
            (-1, false, (int)CoordErrorCode.QuotaExceeded),
            (reader.ReadInt(), reader.ReadBool(), reader.ReadInt()));
        Assert.Equal(digest, _grid.Machine.Tree.Digest);
        Assert.Equal("count=1,bytes=0", _grid.Data(Stats));
        _grid.Multi(
            (OpCode.Create, Body.Create("/a/b", [], 0)),
            (OpCode.Delete, Body.PathInt("/a/b", -1)),
            (OpCode.Create, Body.Create("/a/c", [1], 0)));
        Assert.Equal("count=2,bytes=1", _grid.Data(Stats));
    }

    [Fact]
    public void The_innermost_quota_counts()
    {
        _grid.Create("/a", data: "");
        _grid.Create("/a/b", data: "");
        SetQuota("count=9,bytes=9");
        _grid.Create("/zookeeper/quota/a/b", data: null);
        _grid.Create("/zookeeper/quota/a/b/zookeeper_limits", data: "count=9,bytes=9");
        _grid.Create("/zookeeper/quota/a/b/zookeeper_stats", data: "");
        _grid.Create("/a/b/c", data: "1");
        _grid.Create("/a/c", data: "1");
        Assert.Equal("count=2,bytes=1", _grid.Data("/zookeeper/quota/a/b/zookeeper_stats"));
        Assert.Equal("count=3,bytes=1", _grid.Data(Stats));
    }

    [Fact]
    public void Without_its_limits_a_quota_is_none()
    {
        _grid.Create("/a", data: "");
        SetQuota("count=-1,bytes=-1=;countHardLimit=1");
        Assert.Equal(CoordErrorCode.QuotaExceeded, _grid.Create("/a/b"));
        _grid.Delete(Limits);
        Assert.Equal(CoordErrorCode.Ok, _grid.Create("/a/b"));
        Assert.Equal("count=1,bytes=0", _grid.Data(Stats));
    }

    [Theory]
    [InlineData("")]
    [InlineData("count")]
    [InlineData("=;,;=,count=x,bytes=1x,countHardLimit=99999999999999999999,byteHardLimit==1")]
    [InlineData("\0\u00ff")]
    public void What_is_no_figure_limits_nothing(string limits)
    {
        _grid.Create("/a", data: "");
        SetQuota(limits);
        _grid.SetData(Stats, limits);
        Assert.Equal(CoordErrorCode.Ok, _grid.Create("/a/b", data: "123"));
        Assert.Equal("count=0,bytes=2", _grid.Data(Stats));
    }

    [Theory]
    [InlineData("count=4,bytes=5", 4, 5, -1, -1)]
    [InlineData("bytes=5,count=-4", -4, 5, -1, -1)]
    [InlineData("count=4,bytes=5=;byteHardLimit=9;countHardLimit=8", 4, 5, 8, 9)]
    [InlineData("count=1,bytes=2=;;,countHardLimit=3;more=9", 1, 2, 3, -1)]
    public void Figures_are_read_as_ZooKeeper_reads_them(string text, long count, long bytes, long hard, long byteHard)
    {
        var figures = QuotaFigures.Parse(Harness.Bytes(text));
        Assert.Equal(new QuotaFigures(count, bytes, hard, byteHard), figures);
        Assert.Equal(figures, QuotaFigures.Parse(figures.ToBytes()));
    }

    [Fact]
    public void Statistics_tell_the_truth_whatever_happens()
    {
        long refusals = 0;
        for (ulong seed = 1; seed <= 6; seed++)
        {
            var tests = new QuotaTests();
            tests.CompareStatistics(seed);
            refusals += tests._grid.Machine.QuotaRefusals;
        }

        Assert.True(refusals > 0);
    }

    private void CompareStatistics(ulong seed)
    {
        var script = new Script(seed) { Always = CommandOptions.EnforceQuota };
        SetQuota("count=-1,bytes=-1=;byteHardLimit=50;countHardLimit=4");
        for (int i = 0; i < 500; i++)
        {
            script.Step(_grid);
            string[] paths = [.. Descendants("/a")];
            long bytes = paths.Sum(path => (long)_grid.Machine.Tree.Find(Harness.Bytes(path))!.ToStat().DataLength);
            Assert.Equal($"count={paths.Length},bytes={bytes}", Harness.Text(StatsData()));
        }
    }

    private byte[] StatsData() => _grid.Machine.Tree.Find(Harness.Bytes(Stats))!.Data!;

    private IEnumerable<string> Descendants(string path)
    {
        Znode? node = _grid.Machine.Tree.Find(Harness.Bytes(path));
        if (node is null)
        {
            return [];
        }

        Znode?[] children = node.ChildSlots.ToArray();
        return [path, .. children.OfType<Znode>().SelectMany(c => Descendants($"{path}/{Harness.Text(c.Name)}"))];
    }

    private void SetQuota(string limits)
    {
        Assert.Equal(CoordErrorCode.Ok, _grid.Create("/zookeeper/quota/a", data: null));
        Assert.Equal(CoordErrorCode.Ok, _grid.Create(Limits, data: limits));
        Assert.Equal(CoordErrorCode.Ok, _grid.Create(Stats, data: "count=0,bytes=0"));
    }
}
