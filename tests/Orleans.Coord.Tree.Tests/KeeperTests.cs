using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree.Tests;

/// <summary>The operations of ClickHouse Keeper.</summary>
public sealed class KeeperTests
{
    private static readonly Acl _closed = new(Permissions.All, "ip", "10.9.8.7");

    private readonly Harness _grid = new();

    [Fact]
    public void What_the_server_can_do_is_told_in_znodes_that_no_listing_shows()
    {
        _grid.Open(1);
        Assert.Equal("3", _grid.Data("/keeper/api_version"));
        Assert.Equal(CoordErrorCode.Ok, _grid.GetData("/keeper/feature_flags"));
        var reader = new JuteReader(_grid.Reply.Written);
        Assert.Equal([0xFB, 0xE0], reader.ReadBuffer().ToArray());
        Assert.Equal(["api_version", "feature_flags"], _grid.Children("/keeper"));
        Assert.Equal(["zookeeper"], _grid.Children("/"));
        Assert.Equal(CoordErrorCode.NoNode, _grid.Exists("/keeper/other"));
        Assert.Equal(CoordErrorCode.NoNode, _grid.SetData("/keeper/api_version", "4"));
        Assert.Equal(CoordErrorCode.Ok, _grid.Create("/keeper", data: "real"));
        Assert.Equal("real", _grid.Data("/keeper"));
    }

    [Fact]
    public void Filtered_lists_have_the_persistent_the_ephemeral_or_all_children()
    {
        MakeFamily();
        Assert.Equal(["e", "p", "q"], List("/a", 0));
        Assert.Equal(["p", "q"], List("/a", 1));
        Assert.Equal(["e"], List("/a", 2));
        Assert.Equal(CoordErrorCode.NoNode, _grid.Read(OpCode.FilteredList, ListBody("/x", 0)));
        Assert.Equal(CoordErrorCode.MarshallingError, _grid.Read(OpCode.FilteredList, ListBody("/a", 3)));
        Assert.Equal(CoordErrorCode.MarshallingError, _grid.Read(OpCode.FilteredList, Body.Path("/a")));
    }

    [Fact]
    public void A_filtered_list_answers_with_the_stat_and_may_leave_a_watch()
    {
        MakeFamily();
        _grid.Read(OpCode.FilteredList, ListBody("/a", 2, watch: true), session: 7);
        var reader = new JuteReader(_grid.Reply.Written);
        Assert.Equal(["e"], Harness.ReadStrings(ref reader));
        Assert.Equal(_grid.Machine.Tree.Find("/a"u8)!.ToStat(), reader.ReadStat());
        Assert.True(!reader.Failed && reader.Rest.IsEmpty);
        _grid.Create("/a/new");
        Assert.Equal(["7 NodeChildrenChanged /a"], _grid.Events);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void A_list_has_the_childrens_stats_and_data_in_the_same_order(bool stats, bool data)
    {
        MakeFamily();
        byte[] body = [.. ListBody("/a", 0), stats ? (byte)1 : (byte)0, data ? (byte)1 : (byte)0];
        Assert.Equal(CoordErrorCode.Ok, _grid.Read(OpCode.FilteredListWithStatsAndData, body));
        var reader = new JuteReader(_grid.Reply.Written);
        string[] names = new string[reader.ReadInt()];
        for (int i = 0; i < names.Length; i++)
        {
            names[i] = Harness.Text(reader.ReadString());
        }

        Assert.Equal(3, names.Length);
        reader.ReadStat();
        Assert.Equal(stats ? 3 : 0, reader.ReadInt());
        for (int i = 0; stats && i < names.Length; i++)
        {
            Znode child = _grid.Machine.Tree.Find(Harness.Bytes("/a/" + names[i]))!;
            Assert.Equal(child.ToStat(), reader.ReadStat());
        }

        Assert.Equal(data ? 3 : 0, reader.ReadInt());
        for (int i = 0; data && i < names.Length; i++)
        {
            Assert.Equal("data of " + names[i], Harness.Text(reader.ReadBuffer()));
        }

        Assert.True(!reader.Failed && reader.Rest.IsEmpty);
    }

    [Fact]
    public void A_childs_name_is_no_secret_but_its_kind_and_data_are()
    {
        MakeFamily();
        _grid.Create("/a/secret", acl: _closed);
        Assert.Equal(["e", "p", "q", "secret"], List("/a", 0));
        Assert.Equal(CoordErrorCode.NoAuth, _grid.Read(OpCode.FilteredList, ListBody("/a", 1)));
        Assert.Equal(
            CoordErrorCode.NoAuth, _grid.Read(OpCode.FilteredListWithStatsAndData, [.. ListBody("/a", 0), 1, 0]));
        Assert.Equal(0, _grid.Reply.Length);
    }

    [Fact]
    public void All_paths_below_are_listed_up_to_a_number()
    {
        MakeFamily();
        _grid.Create("/a/p/x");
        _grid.Create("/a/s", acl: _closed);
        _grid.Create("/a/s/hidden");
        Assert.Equal(["/a/e", "/a/p", "/a/p/x", "/a/q"], Below("/a", 100));
        Assert.Equal(2, Below("/a", 2).Length);
        Assert.Empty(Below("/a", 0));
        Assert.Equal(CoordErrorCode.NoNode, _grid.Read(OpCode.ListRecursive, Body.PathInt("/x", 1)));
        Assert.Equal(CoordErrorCode.NoAuth, _grid.Read(OpCode.ListRecursive, Body.PathInt("/a/s", 1)));
    }

    [Fact]
    public void Check_not_exists_fails_for_what_is_there_in_that_version()
    {
        _grid.Create("/a");
        _grid.Create("/s", acl: _closed);
        Assert.Equal(CoordErrorCode.NodeExists, Write(OpCode.CheckNotExists, "/a", -1));
        Assert.Equal(CoordErrorCode.NodeExists, Write(OpCode.CheckNotExists, "/a", 0));
        Assert.Equal(CoordErrorCode.Ok, Write(OpCode.CheckNotExists, "/a", 1));
        Assert.Equal(CoordErrorCode.Ok, Write(OpCode.CheckNotExists, "/b", -1));
        Assert.Equal(CoordErrorCode.NoAuth, Write(OpCode.CheckNotExists, "/s", -1));
        Assert.Equal(CoordErrorCode.BadArguments, Write(OpCode.CheckNotExists, "a", -1));
        Assert.Equal(CoordErrorCode.MarshallingError, _grid.Write(OpCode.CheckNotExists, Body.Path("/a")));
    }

    [Fact]
    public void Create_if_not_exists_answers_with_the_path_either_way()
    {
        Assert.Equal(CoordErrorCode.Ok, _grid.Write(OpCode.CreateIfNotExists, Body.Create("/a", [1], 0)));
        Assert.Equal("/a", _grid.CreatedPath());
        long zxid = _grid.Stat("/a").Czxid;
        Assert.Equal(CoordErrorCode.Ok, _grid.Write(OpCode.CreateIfNotExists, Body.Create("/a", [2], 0)));
        Assert.Equal("/a", _grid.CreatedPath());
        Assert.Equal(zxid, _grid.Stat("/a").Mzxid);
        Assert.Equal(CoordErrorCode.NoNode, _grid.Write(OpCode.CreateIfNotExists, Body.Create("/b/c", [], 0)));
        Assert.Equal(CoordErrorCode.BadArguments, _grid.Write(OpCode.CreateIfNotExists, Body.Create("/b", [], 9)));
    }

    [Fact]
    public void A_subtree_goes_whole_or_not_at_all()
    {
        MakeFamily();
        _grid.Create("/a/p/x");
        _grid.AddWatch("/", 1, 99);
        Assert.Equal(CoordErrorCode.NotEmpty, Write(OpCode.RemoveRecursive, "/a", 4));
        Assert.Equal(["e", "p", "q"], _grid.Children("/a"));
        Assert.Equal(CoordErrorCode.Ok, Write(OpCode.RemoveRecursive, "/a", 5));
        Assert.Equal(CoordErrorCode.NoNode, _grid.Exists("/a"));
        Assert.Equal(0, _grid.Machine.EphemeralCount);
        Assert.Equal(5, _grid.Events.Count(e => e.Contains("NodeDeleted", StringComparison.Ordinal)));
        Assert.Equal(CoordErrorCode.Ok, Write(OpCode.RemoveRecursive, "/a", 5));
        Assert.Equal(CoordErrorCode.Ok, Write(OpCode.RemoveRecursive, "/a/b/c", 5));
    }

    [Fact]
    public void A_subtree_with_a_znode_that_is_not_the_callers_stays()
    {
        MakeFamily();
        _grid.Create("/a/p/s", acl: _closed);
        Assert.Equal(CoordErrorCode.NoAuth, Write(OpCode.RemoveRecursive, "/a", 100));
        Assert.Equal(["e", "p", "q"], _grid.Children("/a"));
        Assert.Equal(CoordErrorCode.BadArguments, Write(OpCode.RemoveRecursive, "/", 100));
        Assert.Equal(CoordErrorCode.BadArguments, Write(OpCode.RemoveRecursive, "/zookeeper", 100));
    }

    [Theory]
    [InlineData("/f/a")]
    [InlineData("/f/b")]
    [InlineData("/f/c")]
    public void Too_many_znodes_are_too_many_wherever_a_foreign_one_stands(string foreign)
    {
        // Replicas may hold children in different orders, and must answer alike.
        _grid.Create("/f");
        foreach (string child in (string[])["/f/a", "/f/b", "/f/c"])
        {
            _grid.Create(child, acl: child == foreign ? [_closed] : []);
        }

        Assert.Equal(CoordErrorCode.NotEmpty, Write(OpCode.RemoveRecursive, "/f", 2));
        Assert.Equal(CoordErrorCode.NoAuth, Write(OpCode.RemoveRecursive, "/f", 4));
    }

    [Fact]
    public void A_stat_is_checked_field_by_field()
    {
        _grid.Create("/a", data: "123");
        Stat stat = _grid.Stat("/a");
        Assert.Equal(CoordErrorCode.Ok, CheckStat("/a", -1, stat));
        Assert.Equal(CoordErrorCode.Ok, CheckStat("/a", 0, Anything));
        Assert.Equal(CoordErrorCode.BadVersion, CheckStat("/a", 1, Anything));
        Assert.Equal(CoordErrorCode.BadVersion, CheckStat("/a", -1, Anything with { Czxid = stat.Czxid + 1 }));
        Assert.Equal(CoordErrorCode.BadVersion, CheckStat("/a", -1, Anything with { Pzxid = stat.Pzxid + 1 }));
        Assert.Equal(CoordErrorCode.BadVersion, CheckStat("/a", -1, Anything with { DataLength = 4 }));
        Assert.Equal(CoordErrorCode.BadVersion, CheckStat("/a", -1, Anything with { NumChildren = 1 }));
        Assert.Equal(CoordErrorCode.NoNode, CheckStat("/b", -1, Anything));
    }

    [Fact]
    public void Try_remove_does_not_mind_what_it_cannot_remove()
    {
        _grid.Create("/a");
        _grid.Create("/a/b");
        Assert.Equal(CoordErrorCode.Ok, Write(OpCode.TryRemove, "/a", -1));
        Assert.Equal(CoordErrorCode.Ok, Write(OpCode.TryRemove, "/a/b", 7));
        Assert.Equal(["b"], _grid.Children("/a"));
        Assert.Equal(CoordErrorCode.Ok, Write(OpCode.TryRemove, "/a/b", 0));
        Assert.Empty(_grid.Children("/a"));
        Assert.Equal(CoordErrorCode.Ok, Write(OpCode.TryRemove, "/x/y", -1));
        _grid.SetAcl("/a", -1, Acl.ReadOnly);
        Assert.Equal(CoordErrorCode.NoAuth, Write(OpCode.TryRemove, "/a/c", -1));
    }

    [Fact]
    public void In_a_multi_they_stand_beside_the_others_and_are_taken_back_with_them()
    {
        MakeFamily();
        ulong digest = _grid.Machine.Tree.Digest;
        _grid.Multi(
            (OpCode.RemoveRecursive, Body.PathInt("/a", 10)),
            (OpCode.CreateIfNotExists, Body.Create("/n", [], 0)),
            (OpCode.CheckNotExists, Body.PathInt("/n", -1)));
        Assert.Equal(digest, _grid.Machine.Tree.Digest);
        _grid.Multi(
            (OpCode.CheckNotExists, Body.PathInt("/n", -1)),
            (OpCode.CreateIfNotExists, Body.Create("/n", [], 0)),
            (OpCode.CheckStat, StatBody("/n", 0, Anything)),
            (OpCode.TryRemove, Body.PathInt("/x", -1)),
            (OpCode.RemoveRecursive, Body.PathInt("/a", 10)));
        var reader = new JuteReader(_grid.Result.Body.Written);
        Assert.Equal(OpCode.CheckNotExists, ReadHeader(ref reader));
        Assert.Equal(OpCode.CreateIfNotExists, ReadHeader(ref reader));
        Assert.Equal("/n", Harness.Text(reader.ReadString()));
        Assert.Equal(OpCode.CheckStat, ReadHeader(ref reader));
        Assert.Equal(OpCode.TryRemove, ReadHeader(ref reader));
        Assert.Equal(OpCode.RemoveRecursive, ReadHeader(ref reader));
        Assert.Equal(["n", "zookeeper"], _grid.Children("/"));
    }

    [Fact]
    public void In_a_multiRead_they_stand_beside_the_others()
    {
        MakeFamily();
        byte[] body = Body.Multi(
            (OpCode.Exists, Body.PathWatch("/a", false)),
            (OpCode.FilteredList, ListBody("/x", 0)),
            (OpCode.FilteredList, ListBody("/a", 2)),
            (OpCode.ListRecursive, Body.PathInt("/a", 1)));
        Assert.Equal(CoordErrorCode.Ok, _grid.Read(OpCode.MultiRead, body));
        var reader = new JuteReader(_grid.Reply.Written);
        Assert.Equal(OpCode.Exists, ReadHeader(ref reader));
        reader.ReadStat();
        Assert.Equal((OpCode.Error, false), ((OpCode)reader.ReadInt(), reader.ReadBool()));
        Assert.Equal((-101, -101), (reader.ReadInt(), reader.ReadInt()));
        Assert.Equal(OpCode.FilteredList, ReadHeader(ref reader));
        Assert.Equal(["e"], Harness.ReadStrings(ref reader));
        reader.ReadStat();
        Assert.Equal(OpCode.ListRecursive, ReadHeader(ref reader));
        Assert.Single(Harness.ReadStrings(ref reader));
        Assert.Equal(9, reader.Rest.Length);
    }

    private static Stat Anything { get; } = new(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);

    private static OpCode ReadHeader(ref JuteReader reader)
    {
        var op = (OpCode)reader.ReadInt();
        Assert.False(reader.ReadBool());
        Assert.Equal(0, reader.ReadInt());
        return op;
    }

    private static byte[] ListBody(string path, byte which, bool watch = false) =>
        [.. Body.PathWatch(path, watch), which];

    private static byte[] StatBody(string path, int version, Stat stat) =>
        [.. Body.PathInt(path, version), .. Body.Of(w => w.WriteStat(stat))];

    private CoordErrorCode CheckStat(string path, int version, Stat stat) =>
        _grid.Write(OpCode.CheckStat, StatBody(path, version, stat));

    private CoordErrorCode Write(OpCode op, string path, int number) => _grid.Write(op, Body.PathInt(path, number));

    private string[] List(string path, byte which)
    {
        Assert.Equal(CoordErrorCode.Ok, _grid.Read(OpCode.FilteredList, ListBody(path, which)));
        var reader = new JuteReader(_grid.Reply.Written);
        return Harness.ReadStrings(ref reader);
    }

    private string[] Below(string path, int limit)
    {
        Assert.Equal(CoordErrorCode.Ok, _grid.Read(OpCode.ListRecursive, Body.PathInt(path, limit)));
        var reader = new JuteReader(_grid.Reply.Written);
        return Harness.ReadStrings(ref reader);
    }

    private void MakeFamily()
    {
        _grid.Open(7);
        _grid.Create("/a", data: "");
        _grid.Create("/a/p", data: "data of p");
        _grid.Create("/a/q", data: "data of q");
        _grid.Create("/a/e", flags: 1, session: 7, data: "data of e");
    }
}
