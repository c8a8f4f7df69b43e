using Orleans.Coord.Jute;
using static Orleans.Coord.CoordErrorCode;

namespace Orleans.Coord.Tree.Tests;

public sealed class ReadTests
{
    private readonly Harness _grid = new();

    public ReadTests()
    {
        _grid.Open(7);
        _grid.Create("/a", data: "data");
        _grid.Create("/a/b");
        _grid.Create("/a/b/c");
        _grid.Create("/a/ee", flags: 1, session: 7);
        _grid.Create("/e", flags: 1, session: 7);
    }

    [Theory]
    [InlineData(OpCode.GetData, "/none", NoNode)]
    [InlineData(OpCode.GetData, "none", NoNode)]
    [InlineData(OpCode.GetData, "/a/", NoNode)]
    [InlineData(OpCode.GetData, "/a//b", NoNode)]
    [InlineData(OpCode.GetData, "/a\0", NoNode)]
    [InlineData(OpCode.GetData, "", Ok)]
    [InlineData(OpCode.GetData, "/", Ok)]
    [InlineData(OpCode.Exists, "/a", Ok)]
    [InlineData(OpCode.Exists, "/none", NoNode)]
    [InlineData(OpCode.Exists, "/a\0", BadArguments)]
    [InlineData(OpCode.GetChildren, "/none", NoNode)]
    [InlineData(OpCode.GetChildren2, "/none", NoNode)]
    [InlineData(OpCode.GetAcl, "/none", NoNode)]
    [InlineData(OpCode.GetAllChildrenNumber, "/none", NoNode)]
    [InlineData(OpCode.SetData, "/a", Unimplemented)]
    [InlineData((OpCode)999, "/a", Unimplemented)]
    public void Reads_answer_with_ZooKeepers_codes(OpCode op, string path, CoordErrorCode expected)
    {
        Assert.Equal(expected, _grid.Read(op, Body.PathWatch(path, false)));
        Assert.Equal(expected == Ok, _grid.Reply.Length > 0);
    }

    [Fact]
    public void Empty_paths_mean_the_root_as_in_ZooKeeper()
    {
        _grid.SetData("/", "root");
        Assert.Equal("root", _grid.Data(""));
    }

    [Fact]
    public void GetData_answers_with_data_and_stat()
    {
        Assert.Equal(Ok, _grid.GetData("/a"));
        var reader = new JuteReader(_grid.Reply.Written);
        Assert.Equal("data", Harness.Text(reader.ReadBuffer()));
        Assert.Equal(4, reader.ReadStat().DataLength);
        Assert.True(reader.Rest.IsEmpty);
    }

    [Fact]
    public void GetChildren2_answers_with_names_and_stat()
    {
        Assert.Equal(Ok, _grid.Read(OpCode.GetChildren2, Body.PathWatch("/a", false)));
        var reader = new JuteReader(_grid.Reply.Written);
        Assert.Equal(["b", "ee"], Harness.ReadStrings(ref reader));
        Assert.Equal(2, reader.ReadStat().NumChildren);
        Assert.True(reader.Rest.IsEmpty);
    }

    [Theory]
    [InlineData("/", 8)]
    [InlineData("", 9)]
    [InlineData("/a", 3)]
    [InlineData("/a/b", 1)]
    [InlineData("/e", 0)]
    public void All_descendants_are_counted(string path, int expected)
    {
        Assert.Equal(Ok, _grid.Read(OpCode.GetAllChildrenNumber, Body.Path(path)));
        Assert.Equal(expected, new JuteReader(_grid.Reply.Written).ReadInt());
    }

    [Theory]
    [InlineData("", "/a/ee", "/e")]
    [InlineData("/", "/a/ee", "/e")]
    [InlineData(" / ", "/a/ee", "/e")]
    [InlineData("\t ", "/a/ee", "/e")]
    [InlineData("/a", "/a/ee")]
    [InlineData("/a/e", "/a/ee")]
    [InlineData("/b")]
    public void A_sessions_ephemerals_are_listed_by_prefix(string prefix, params string[] expected)
    {
        Assert.Equal(Ok, _grid.Read(OpCode.GetEphemerals, Body.Path(prefix), session: 7));
        var reader = new JuteReader(_grid.Reply.Written);
        Assert.Equal(expected, Harness.ReadStrings(ref reader));
        _grid.Read(OpCode.GetEphemerals, Body.Path(prefix), session: 8);
        Assert.Equal(new byte[4], _grid.Reply.Written.ToArray());
    }

    [Fact]
    public void WhoAmI_shows_users_and_hides_their_digests()
    {
        _grid.Who.Add("digest", CallerIdentities.DigestId("bob:secret"));
        _grid.Who.Add("sasl", "bob@REALM");
        Assert.Equal(Ok, _grid.Read(OpCode.WhoAmI, []));
        byte[] expected = Body.Of(w =>
        {
            w.WriteInt(3);
            foreach (string text in (string[])["ip", "127.0.0.1", "digest", "bob", "sasl", "bob@REALM"])
            {
                w.WriteString(text);
            }
        });
        Assert.Equal(expected, _grid.Reply.Written.ToArray());
    }

    [Fact]
    public void MultiRead_answers_each_read_or_its_error_and_sets_no_watch()
    {
        _grid.Create("/hidden", acl: new Acl(Permissions.Write, "world", "anyone"));
        byte[] body = Body.Multi(
            (OpCode.GetData, Body.PathWatch("/a", true)),
            (OpCode.GetData, Body.PathWatch("/none", true)),
            (OpCode.GetChildren, Body.PathWatch("/hidden", true)),
            (OpCode.GetChildren, Body.PathWatch("/a", true)));
        Assert.Equal(Ok, _grid.Read(OpCode.MultiRead, body, session: 7));
        var reader = new JuteReader(_grid.Reply.Written);
        Assert.Equal((int)OpCode.GetData, reader.ReadInt());
        Assert.False(reader.ReadBool());
        Assert.Equal(0, reader.ReadInt());
        Assert.Equal("data", Harness.Text(reader.ReadBuffer()));
        reader.ReadStat();
        foreach (CoordErrorCode code in (CoordErrorCode[])[NoNode, NoAuth])
        {
            Assert.Equal((int)OpCode.Error, reader.ReadInt());
            Assert.False(reader.ReadBool());
            Assert.Equal((int)code, reader.ReadInt());
            Assert.Equal((int)code, reader.ReadInt());
        }

        Assert.Equal((int)OpCode.GetChildren, reader.ReadInt());
        Assert.False(reader.ReadBool());
        Assert.Equal(0, reader.ReadInt());
        Assert.Equal(["b", "ee"], Harness.ReadStrings(ref reader));
        Assert.Equal(-1, reader.ReadInt());
        Assert.True(reader.ReadBool());
        Assert.Equal(0, _grid.Machine.Watches.Count);
    }

    [Fact]
    public void Writes_and_null_paths_do_not_belong_into_a_multiRead()
    {
        byte[] write = Body.Multi((OpCode.Delete, Body.PathInt("/a", -1)));
        byte[] nullPath = Body.Multi((OpCode.GetData, [0xFF, 0xFF, 0xFF, 0xFF, 0]));
        Assert.Equal(MarshallingError, _grid.Read(OpCode.MultiRead, write));
        Assert.Equal(MarshallingError, _grid.Read(OpCode.MultiRead, nullPath));
        Assert.Equal(MarshallingError, _grid.Read(OpCode.MultiRead, []));
        Assert.Equal(0, _grid.Reply.Length);
    }

    [Theory]
    [InlineData(OpCode.Exists)]
    [InlineData(OpCode.GetData)]
    [InlineData(OpCode.GetAcl)]
    [InlineData(OpCode.GetChildren)]
    [InlineData(OpCode.GetChildren2)]
    [InlineData(OpCode.GetEphemerals)]
    [InlineData(OpCode.GetAllChildrenNumber)]
    public void Cut_bodies_are_marshalling_errors(OpCode op)
    {
        Assert.Equal(MarshallingError, _grid.Read(op, []));
        Assert.Equal(MarshallingError, _grid.Read(op, [0, 0, 0, 9, 1]));
        Assert.Equal(0, _grid.Reply.Length);
    }

    [Fact]
    public void A_null_path_is_a_marshalling_error() =>
        Assert.Equal(MarshallingError, _grid.Read(OpCode.GetData, [0xFF, 0xFF, 0xFF, 0xFF, 0]));

    [Fact]
    public void Hot_reads_and_checks_allocate_nothing()
    {
        byte[] body = Body.PathWatch("/a/b", false);
        long allocated = Allocated(() => _grid.Machine.Read(OpCode.GetData, body, 7, _grid.Who, _grid.Reply))
            + Allocated(() => _grid.Machine.Read(OpCode.Exists, body, 7, _grid.Who, _grid.Reply));
        Assert.Equal(0, allocated);
    }

    private long Allocated(Action action)
    {
        for (int i = 0; i < 100; i++)
        {
            _grid.Reply.Clear();
            action();
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            _grid.Reply.Clear();
            action();
        }

        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
