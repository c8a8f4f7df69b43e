namespace Orleans.Coord.Tree.Tests;

public sealed class TreeImportTests
{
    private readonly TreeImport _import = new();

    [Fact]
    public void A_znode_keeps_the_stat_it_had_and_its_parent_its_own()
    {
        Assert.True(Put("/a", version: 7, created: 5, czxid: 100, mzxid: 200, pzxid: 300));
        Assert.True(Put("/a/b", version: 1, czxid: 301, mzxid: 302, pzxid: 301));
        var grid = new Harness(_import.Finish(0));
        Stat stat = grid.Stat("/a");
        Assert.Equal((100, 200, 300), (stat.Czxid, stat.Mzxid, stat.Pzxid));
        Assert.Equal((7, (5 * 2) - 1, 3), (stat.Version, stat.Cversion, stat.Aversion));
        Assert.Equal((1000, 2000), (stat.Ctime, stat.Mtime));
        Assert.Equal("data of /a/b", grid.Data("/a/b"));
        grid.Create("/a/s-", flags: 2);
        Assert.Equal("/a/s-0000000005", grid.CreatedPath());
    }

    [Theory]
    [InlineData(0, 302)]
    [InlineData(1_000_000, 1_000_000)]
    public void What_is_written_next_has_a_higher_zxid_than_all_that_were_seen(long least, long stands)
    {
        Put("/a", mzxid: 302);
        CoordStateMachine machine = _import.Finish(least);
        Assert.Equal(stands, machine.LastApplied);
        var grid = new Harness(machine);
        grid.Create("/new");
        Assert.Equal(stands + 1, grid.Stat("/new").Czxid);
    }

    [Fact]
    public void The_state_survives_a_snapshot_and_goes_on_like_any_other()
    {
        Put("/a");
        Put("/a/box", container: true);
        Put("/a/short", ttl: 50);
        CoordStateMachine machine = _import.Finish(0);
        CoordStateMachine restored = CoordStateMachine.Restore(Harness.Finish(machine.BeginSnapshot()));
        Assert.Equal(machine.Digest, restored.Digest);
        Assert.Equal(TreeDump.Of(machine), TreeDump.Of(restored));
        var reapable = new List<byte[]>();
        restored.CollectReapable(2051, 10, reapable);
        Assert.Equal(["/a/short"], reapable.Select(path => Harness.Text(path)));
    }

    [Fact]
    public void A_log_replayed_over_what_has_its_changes_already_changes_nothing_more()
    {
        Put("/a", version: 3, created: 2, mzxid: 30, pzxid: 20);
        _import.NoteChild("/a"u8, 1, 10);
        _import.Delete("/a/gone"u8, 20, 2000);
        _import.SetData("/missing"u8, [1], 1, 25, 2000);
        _import.SetData("/a"u8, Harness.Bytes("data of /a"), 3, 30, 2000);
        var grid = new Harness(_import.Finish(0));
        Stat stat = grid.Stat("/a");
        Assert.Equal((3, 4, 30, 20), (stat.Version, stat.Cversion, stat.Mzxid, stat.Pzxid));
    }

    [Fact]
    public void Changes_of_a_log_are_applied_in_turn()
    {
        Put("/a", created: 1);
        Put("/a/b");
        _import.SetData("/a"u8, Harness.Bytes("new"), 9, 500, 5000);
        _import.NoteChild("/a"u8, 2, 501);
        Put("/a/c", czxid: 501, mzxid: 501, pzxid: 501);
        _import.Delete("/a/b"u8, 502, 6000);
        _import.SetAcl("/a/c"u8, AclRules.ReadOnlyEncoded, 4);
        var grid = new Harness(_import.Finish(0));
        Assert.Equal("new", grid.Data("/a"));
        Assert.Equal(["c"], grid.Children("/a"));
        Stat stat = grid.Stat("/a");
        Assert.Equal((9, 500, 502, 3), (stat.Version, stat.Mzxid, stat.Pzxid, stat.Cversion));
        Assert.Equal(4, grid.Stat("/a/c").Aversion);
        Assert.Equal(CoordErrorCode.NoAuth, grid.SetData("/a/c", "x"));
    }

    [Fact]
    public void Quotas_are_counted_anew()
    {
        Put("/zookeeper/quota/a");
        Put("/zookeeper/quota/a/zookeeper_limits");
        Put("/zookeeper/quota/a/zookeeper_stats");
        Put("/a");
        Put("/a/b");
        var grid = new Harness(_import.Finish(0));
        Assert.Equal("count=2,bytes=22", grid.Data("/zookeeper/quota/a/zookeeper_stats"));
    }

    [Fact]
    public void A_znode_that_vanished_goes_without_a_trace()
    {
        Put("/a", created: 2, pzxid: 40);
        Put("/a/b");
        _import.Remove("/a/b"u8);
        Stat stat = new Harness(_import.Finish(0)).Stat("/a");
        Assert.Equal((4, 40, 0), (stat.Cversion, stat.Pzxid, stat.NumChildren));
    }

    [Fact]
    public void What_has_no_parent_no_valid_path_or_no_proper_list_is_refused()
    {
        Assert.False(Put("/x/y"));
        Assert.False(Put("x"));
        Assert.False(_import.Put("/a"u8, new ImportedZnode { Acl = [0, 0, 0, 9] }));
        Assert.Equal(4, _import.Count);
    }

    private bool Put(
        string path, int version = 0, int created = 0, long czxid = 1, long mzxid = 1, long pzxid = 1,
        bool container = false, long ttl = 0) => _import.Put(Harness.Bytes(path), new ImportedZnode
        {
            Data = Harness.Bytes("data of " + path),
            Stat = new Stat(czxid, mzxid, 1000, 2000, version, 0, 3, 0, 0, 0, pzxid),
            CreatedChildren = created,
            IsContainer = container,
            TtlMs = ttl,
        });
}
