using Orleans.Coord.Jute;
using static Orleans.Coord.CoordErrorCode;

namespace Orleans.Coord.Tree.Tests;

public sealed class CreateTests
{
    private readonly Harness _grid = new();

    [Fact]
    public void The_first_day_tree_is_ZooKeepers()
    {
        Assert.Equal(["zookeeper"], _grid.Children("/"));
        Assert.Equal(["config", "quota"], _grid.Children("/zookeeper"));
        Assert.Equal("", _grid.Data("/zookeeper/config"));
        Assert.Equal(-1, _grid.Stat("/").Cversion);
        Assert.Equal(-2, _grid.Stat("/zookeeper").Cversion);
        Assert.Equal(-1, _grid.Stat("/zookeeper/config").Aversion);
        Assert.Equal(NoAuth, _grid.SetData("/zookeeper/config", "x"));
        Assert.Equal(4, _grid.Machine.ZnodeCount);
        Assert.Equal(1 + 10 + 16 + 17, _grid.Machine.ApproximateDataSize);
    }

    [Fact]
    public void Create_answers_with_the_path_alone()
    {
        Assert.Equal(Ok, _grid.Create("/a"));
        Assert.Equal(Body.Path("/a"), _grid.Result.Body.Written.ToArray());
    }

    [Theory]
    [InlineData(OpCode.Create2, 0)]
    [InlineData(OpCode.CreateContainer, 4)]
    [InlineData(OpCode.CreateContainer, 0)]
    public void The_other_creates_answer_with_path_and_stat(OpCode op, int flags)
    {
        Assert.Equal(Ok, _grid.Write(op, Body.Create("/a", [1, 2], flags)));
        var reader = new JuteReader(_grid.Result.Body.Written);
        Assert.Equal("/a", Harness.Text(reader.ReadString()));
        Assert.Equal(_grid.Stat("/a"), reader.ReadStat());
        Assert.True(reader.Rest.IsEmpty);
    }

    [Fact]
    public void The_stat_of_a_new_znode_is_full()
    {
        _grid.Open(7);
        _grid.Time = 5_000;
        Assert.Equal(Ok, _grid.Create("/a", flags: 1, session: 7, data: "abc"));
        Assert.Equal(new Stat(2, 2, 5_000, 5_000, 0, 0, 0, 7, 3, 0, 2), _grid.Stat("/a"));
        Assert.Equal(1, _grid.Machine.EphemeralCount);
    }

    [Fact]
    public void Creating_a_child_changes_its_parents_stat()
    {
        _grid.Create("/a");
        _grid.Create("/a/b");
        _grid.Create("/a/c");
        Stat stat = _grid.Stat("/a");
        Assert.Equal((2, 2, 3L, 1L), (stat.Cversion, stat.NumChildren, stat.Pzxid, stat.Mzxid));
        _grid.Delete("/a/b");
        stat = _grid.Stat("/a");
        Assert.Equal((3, 1, 4L), (stat.Cversion, stat.NumChildren, stat.Pzxid));
    }

    [Fact]
    public void Null_data_stays_null_and_empty_stays_empty()
    {
        _grid.Create("/null", data: null);
        _grid.Create("/empty", data: "");
        Assert.Null(_grid.Data("/null"));
        Assert.Equal("", _grid.Data("/empty"));
        Assert.Equal(0, _grid.Stat("/null").DataLength);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("/a/../b")]
    [InlineData("/a\0b")]
    [InlineData("/\u0001")]
    [InlineData("//")]
    [InlineData("/a/")]
    public void A_path_that_is_not_valid_is_a_bad_argument(string path)
    {
        _grid.Create("/a");
        _grid.Create("/a/..b");
        CoordErrorCode code = _grid.Create(path);
        Assert.True(code is BadArguments || (path == "/a/../b" && code == NoNode), code.ToString());
        Assert.Equal(0, _grid.Result.Body.Length);
    }

    [Theory]
    [InlineData("/", NodeExists)]
    [InlineData("/a", NodeExists)]
    [InlineData("/zookeeper", NodeExists)]
    [InlineData("/x/y", NoNode)]
    [InlineData("/e/child", NoChildrenForEphemerals)]
    [InlineData("/closed/child", NoAuth)]
    [InlineData("/closed/taken", NoAuth)]
    public void Create_is_refused_with_ZooKeepers_code(string path, CoordErrorCode expected)
    {
        _grid.Open(7);
        _grid.Create("/a");
        _grid.Create("/e", flags: 1, session: 7);
        _grid.Create("/closed");
        _grid.Create("/closed/taken");
        _grid.SetAcl("/closed", -1, Acl.ReadOnly);
        ulong before = _grid.Machine.Digest;
        Assert.Equal(expected, _grid.Create(path));
        Assert.Equal(before, _grid.Machine.Digest);
    }

    [Fact]
    public void Sequential_names_count_the_creates_and_not_the_children()
    {
        _grid.Create("/q");
        Assert.Equal(Ok, _grid.Create("/q/n-", flags: 2));
        Assert.Equal("/q/n-0000000000", _grid.CreatedPath());
        _grid.Create("/q/other");
        _grid.Delete("/q/other");
        Assert.Equal(Ok, _grid.Create("/q/", flags: 2));
        Assert.Equal("/q/0000000002", _grid.CreatedPath());
        Assert.Equal(Ok, _grid.Create("/", flags: 2));
        Assert.Equal("/0000000001", _grid.CreatedPath());
    }

    [Theory]
    [InlineData(int.MaxValue, "2147483647")]
    [InlineData(int.MinValue, "-2147483648")]
    [InlineData(-1, "-000000001")]
    [InlineData(42, "0000000042")]
    public void The_suffix_is_a_signed_32_bit_number_ten_wide(int counter, string suffix)
    {
        _grid.Create("/q");
        _grid.Machine.Tree.Find("/q"u8)!.CreatedChildren = counter;
        Assert.Equal(Ok, _grid.Create("/q/n", flags: 2));
        Assert.Equal("/q/n" + suffix, _grid.CreatedPath());
        Assert.Equal(unchecked(counter + 1), _grid.Machine.Tree.Find("/q"u8)!.CreatedChildren);
    }

    [Theory]
    [InlineData(OpCode.Create, -1, BadArguments)]
    [InlineData(OpCode.Create, 7, BadArguments)]
    [InlineData(OpCode.Create, 5, Unimplemented)]
    [InlineData(OpCode.Create2, 6, Unimplemented)]
    [InlineData(OpCode.CreateContainer, 5, Unimplemented)]
    [InlineData(OpCode.CreateContainer, 9, BadArguments)]
    public void Modes_that_make_no_sense_are_refused(OpCode op, int flags, CoordErrorCode expected) =>
        Assert.Equal(expected, _grid.Write(op, Body.Create("/a", null, flags)));

    [Fact]
    public void A_plain_create_with_the_containers_mode_makes_an_ordinary_znode()
    {
        Assert.Equal(Ok, _grid.Create("/a", flags: 4));
        Assert.Equal(ZnodeKind.Persistent, _grid.Machine.Tree.Find("/a"u8)!.Kind);
    }

    [Theory]
    [InlineData(5, 1L, Ok)]
    [InlineData(6, 1L, Ok)]
    [InlineData(5, CoordLimits.MaxTtlMs, Ok)]
    [InlineData(5, CoordLimits.MaxTtlMs + 1, BadArguments)]
    [InlineData(5, 0L, BadArguments)]
    [InlineData(5, -1L, BadArguments)]
    [InlineData(0, 100L, BadArguments)]
    [InlineData(0, -1L, BadArguments)]
    public void TTL_znodes_need_their_mode_and_a_sensible_time(int flags, long ttl, CoordErrorCode expected)
    {
        _grid.Options = CommandOptions.ExtendedTypesAllowed;
        Assert.Equal(expected, _grid.Write(OpCode.CreateTtl, Body.CreateTtl("/a", null, flags, ttl)));
        if (expected == Ok)
        {
            Assert.Equal(0, _grid.Stat(_grid.CreatedPath()).EphemeralOwner);
        }
    }

    [Fact]
    public void TTL_znodes_need_the_extended_types()
    {
        Assert.Equal(Unimplemented, _grid.Write(OpCode.CreateTtl, Body.CreateTtl("/a", null, 5, 100)));
        Assert.Equal(NoNode, _grid.Exists("/a"));
    }

    [Fact]
    public void A_plain_create_cannot_make_a_TTL_znode()
    {
        _grid.Options = CommandOptions.ExtendedTypesAllowed;
        Assert.Equal(BadArguments, _grid.Create("/a", flags: 5));
    }

    [Fact]
    public void Nobody_owns_an_internal_ephemeral() => Assert.Equal(SessionExpired, _grid.Create("/a", flags: 1));

    [Fact]
    public void A_body_that_is_cut_is_a_marshalling_error_at_every_length()
    {
        byte[] whole = Body.Create("/a", [1, 2, 3], 0);
        for (int length = 0; length < whole.Length; length++)
        {
            Assert.Equal(MarshallingError, _grid.Write(OpCode.Create, whole[..length]));
        }

        Assert.Equal(Ok, _grid.Write(OpCode.Create, whole));
    }

    [Fact]
    public void A_null_path_is_a_marshalling_error()
    {
        byte[] body = Body.Create("", null, 0);
        body.AsSpan(0, 4).Fill(0xFF);
        Assert.Equal(MarshallingError, _grid.Write(OpCode.Create, body));
    }

    [Fact]
    public void Containers_and_TTL_znodes_may_have_children()
    {
        _grid.Options = CommandOptions.ExtendedTypesAllowed;
        _grid.Write(OpCode.CreateContainer, Body.Create("/c", null, 4));
        _grid.Write(OpCode.CreateTtl, Body.CreateTtl("/t", null, 5, 10));
        Assert.Equal(Ok, _grid.Create("/c/x"));
        Assert.Equal(Ok, _grid.Create("/t/x"));
    }

    [Fact]
    public void Deep_paths_neither_overflow_the_stack_nor_get_lost()
    {
        string path = "";
        for (int depth = 0; depth < 3_000; depth++)
        {
            path += "/d";
            Assert.Equal(Ok, _grid.Create(path));
        }

        Assert.Equal(path, Harness.Text(_grid.Machine.Tree.Find(Harness.Bytes(path))!.FullPath()));
        CoordStateMachine copy = CoordStateMachine.Restore(Harness.Finish(_grid.Machine.BeginSnapshot()));
        Assert.Equal(_grid.Machine.Digest, copy.Digest);
    }
}
