using Orleans.Coord.Jute;
using static Orleans.Coord.CoordErrorCode;

namespace Orleans.Coord.Tree.Tests;

public sealed class WriteTests
{
    private readonly Harness _grid = new();

    [Theory]
    [InlineData("/", BadArguments)]
    [InlineData("/zookeeper", BadArguments)]
    [InlineData("/zookeeper/quota", BadArguments)]
    [InlineData("/zookeeper/config", BadArguments)]
    [InlineData("", BadArguments)]
    [InlineData("a", BadArguments)]
    [InlineData("/a\0", BadArguments)]
    [InlineData("/none", NoNode)]
    [InlineData("/none/x", NoNode)]
    [InlineData("/a/", NoNode)]
    [InlineData("//", NoNode)]
    [InlineData("/closed/none", NoAuth)]
    [InlineData("/closed/x", NoAuth)]
    [InlineData("/parent", NotEmpty)]
    public void Delete_is_refused_with_ZooKeepers_code(string path, CoordErrorCode expected)
    {
        _grid.Create("/a");
        _grid.Create("/parent");
        _grid.Create("/parent/x");
        _grid.Create("/closed");
        _grid.Create("/closed/x");
        _grid.SetAcl("/closed", -1, Acl.ReadOnly);
        ulong before = _grid.Machine.Digest;
        Assert.Equal(expected, _grid.Delete(path));
        Assert.Equal(before, _grid.Machine.Digest);
    }

    [Fact]
    public void Delete_asks_the_parents_right_and_never_the_znodes_own()
    {
        _grid.Create("/a", acl: new Acl(Permissions.None, "world", "anyone"));
        Assert.Equal(Ok, _grid.Delete("/a"));
        Assert.Equal(0, _grid.Result.Body.Length);
    }

    [Fact]
    public void The_version_is_checked_before_the_children()
    {
        _grid.Create("/a");
        _grid.Create("/a/b");
        Assert.Equal(BadVersion, _grid.Delete("/a", version: 3));
        Assert.Equal(NotEmpty, _grid.Delete("/a", version: 0));
    }

    [Fact]
    public void A_deleted_znode_can_be_created_again()
    {
        ulong before = _grid.Machine.Tree.Digest;
        long size = _grid.Machine.ApproximateDataSize;
        _grid.Create("/a");
        Assert.Equal(Ok, _grid.Delete("/a", version: 0));
        Assert.Equal(NoNode, _grid.Exists("/a"));
        Assert.NotEqual(before, _grid.Machine.Tree.Digest);
        Assert.Equal(size, _grid.Machine.ApproximateDataSize);
        Assert.Equal(Ok, _grid.Create("/a"));
    }

    [Fact]
    public void SetData_replaces_data_and_answers_with_the_new_stat()
    {
        _grid.Create("/a", data: "one");
        _grid.Time = 9_000;
        Assert.Equal(Ok, _grid.SetData("/a", "three", version: 0));
        var reader = new JuteReader(_grid.Result.Body.Written);
        Stat stat = reader.ReadStat();
        Assert.Equal(new Stat(1, 2, 1_000, 9_000, 1, 0, 0, 0, 5, 0, 1), stat);
        Assert.Equal(stat, _grid.Stat("/a"));
        Assert.Equal("three", _grid.Data("/a"));
        Assert.Equal(Ok, _grid.SetData("/a", null));
        Assert.Null(_grid.Data("/a"));
    }

    [Theory]
    [InlineData("", BadArguments)]
    [InlineData("/a/", BadArguments)]
    [InlineData("/none", NoNode)]
    [InlineData("/readonly", NoAuth)]
    [InlineData("/a", BadVersion)]
    public void SetData_is_refused_with_ZooKeepers_code(string path, CoordErrorCode expected)
    {
        _grid.Create("/a");
        _grid.Create("/readonly", acl: Acl.ReadOnly);
        ulong before = _grid.Machine.Digest;
        Assert.Equal(expected, _grid.SetData(path, "x", version: 1));
        Assert.Equal(before, _grid.Machine.Digest);
    }

    [Theory]
    [InlineData(int.MaxValue, int.MinValue)]
    [InlineData(-2, 0)]
    [InlineData(0, 1)]
    public void Versions_wrap_but_are_never_minus_one(int version, int next)
    {
        _grid.Create("/a");
        _grid.Machine.Tree.SetData(_grid.Machine.Tree.Find("/a"u8)!, null, version, new Change(1, 1));
        Assert.Equal(Ok, _grid.SetData("/a", "x", version));
        Assert.Equal(next, _grid.Stat("/a").Version);
    }

    [Fact]
    public void The_root_and_the_system_znodes_can_be_written()
    {
        Assert.Equal(Ok, _grid.SetData("/", "r"));
        Assert.Equal(Ok, _grid.SetData("/zookeeper/quota", "q"));
        Assert.Equal("r", _grid.Data("/"));
    }

    [Theory]
    [InlineData("/a", 0, Ok)]
    [InlineData("/a", -1, Ok)]
    [InlineData("/a", 1, BadVersion)]
    [InlineData("/none", 0, NoNode)]
    [InlineData("a", 0, BadArguments)]
    [InlineData("/hidden", 0, NoAuth)]
    public void A_check_on_its_own_is_answered(string path, int version, CoordErrorCode expected)
    {
        _grid.Create("/a");
        _grid.Create("/hidden", acl: new Acl(Permissions.Write, "world", "anyone"));
        Assert.Equal(expected, _grid.Write(OpCode.Check, Body.PathInt(path, version)));
        Assert.Equal(expected == Ok ? 68 : 0, _grid.Result.Body.Length);
    }

    [Theory]
    [InlineData(OpCode.GetData, Unimplemented)]
    [InlineData(OpCode.Sync, Unimplemented)]
    [InlineData((OpCode)999, Unimplemented)]
    public void What_is_no_write_changes_nothing(OpCode op, CoordErrorCode expected)
    {
        ulong before = _grid.Machine.Tree.Digest;
        Assert.Equal(expected, _grid.Write(op, Body.PathWatch("/", false)));
        Assert.Equal(before, _grid.Machine.Tree.Digest);
    }

    [Theory]
    [InlineData(OpCode.Delete)]
    [InlineData(OpCode.SetData)]
    [InlineData(OpCode.SetAcl)]
    [InlineData(OpCode.Check)]
    [InlineData(OpCode.CreateTtl)]
    [InlineData(OpCode.DeleteContainer)]
    [InlineData(OpCode.Reconfig)]
    public void A_body_that_is_no_record_is_a_marshalling_error(OpCode op)
    {
        Assert.Equal(MarshallingError, _grid.Write(op, [0, 0]));
        Assert.Equal(MarshallingError, _grid.Write(op, [0x7F, 0xFF, 0xFF, 0xFF, 1]));
    }

    [Fact]
    public void The_membership_cannot_be_changed_through_the_tree() => Assert.Equal(
        ReconfigDisabled,
        _grid.Write(OpCode.Reconfig, Body.Of(w =>
        {
            w.WriteNull();
            w.WriteNull();
            w.WriteNull();
            w.WriteLong(-1);
        })));

    [Fact]
    public void Entry_time_never_goes_back()
    {
        _grid.Time = 10_000;
        _grid.Create("/a");
        _grid.Time = 2_000;
        _grid.Create("/b");
        Assert.Equal(10_000, _grid.Stat("/b").Ctime);
        Assert.Equal(10_000, _grid.Machine.LastTime);
    }

    [Fact]
    public void A_refused_request_is_still_an_entry()
    {
        _grid.Delete("/none");
        Assert.Equal(1, _grid.Machine.LastApplied);
        _grid.Create("/a");
        Assert.Equal(2, _grid.Stat("/a").Czxid);
        _grid.Machine.Advance(10);
        _grid.Create("/b");
        Assert.Equal(11, _grid.Stat("/b").Czxid);
    }

    [Fact]
    public void An_index_that_was_applied_stops_the_replica()
    {
        _grid.Create("/a");
        Assert.Throws<InvariantException>(() => _grid.Machine.Advance(1));
        Assert.Throws<InvariantException>(() => _grid.Machine.Apply(1, _grid.Log[0], _grid.Result));
    }
}
