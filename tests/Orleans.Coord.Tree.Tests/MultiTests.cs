using Orleans.Coord.Jute;
using static Orleans.Coord.CoordErrorCode;

namespace Orleans.Coord.Tree.Tests;

public sealed class MultiTests
{
    private readonly Harness _grid = new();

    public MultiTests()
    {
        _grid.Create("/a", data: "old");
        _grid.Create("/full");
        _grid.Create("/full/child");
    }

    [Fact]
    public void All_operations_share_one_zxid_and_answer_in_order()
    {
        Assert.Equal(Ok, _grid.Multi(
            (OpCode.Create, Body.Create("/m", [1], 0)),
            (OpCode.Create2, Body.Create("/m/x", null, 2)),
            (OpCode.CreateContainer, Body.Create("/m/c", null, 4)),
            (OpCode.SetData, Body.SetData("/a", [9], 0)),
            (OpCode.Check, Body.PathInt("/a", 1)),
            (OpCode.Delete, Body.PathInt("/full/child", -1)),
            (OpCode.Delete, Body.PathInt("/full", -1))));
        var reader = new JuteReader(_grid.Result.Body.Written);
        Assert.Equal("/m", ReadCreate(ref reader, OpCode.Create));
        Assert.Equal("/m/x0000000000", ReadCreate(ref reader, OpCode.Create));
        Assert.Equal("/m/c", ReadCreate(ref reader, OpCode.Create2));
        Assert.Equal(_grid.Stat("/m/c"), reader.ReadStat());
        ReadHeader(ref reader, OpCode.SetData, 0);
        Assert.Equal(_grid.Stat("/a"), reader.ReadStat());
        ReadHeader(ref reader, OpCode.Check, 0);
        ReadHeader(ref reader, OpCode.Delete, 0);
        ReadHeader(ref reader, OpCode.Delete, 0);
        ReadEnd(ref reader);
        Assert.Equal(4, _grid.Stat("/m").Czxid);
        Assert.Equal(4, _grid.Stat("/m").Pzxid);
        Assert.Equal(NoNode, _grid.Exists("/full"));
    }

    [Fact]
    public void The_mode_and_not_the_operation_decides_what_a_multi_creates()
    {
        _grid.Options = CommandOptions.ExtendedTypesAllowed;
        _grid.Multi(
            (OpCode.Create, Body.Create("/1", null, 4)),
            (OpCode.CreateContainer, Body.Create("/2", null, 0)),
            (OpCode.CreateTtl, Body.CreateTtl("/3", null, 0, -1)),
            (OpCode.CreateTtl, Body.CreateTtl("/4", null, 5, 77)));
        Assert.Equal(ZnodeKind.Container, Kind("/1"u8));
        Assert.Equal(ZnodeKind.Persistent, Kind("/2"u8));
        Assert.Equal(ZnodeKind.Persistent, Kind("/3"u8));
        Assert.Equal(ZnodeKind.Ttl, Kind("/4"u8));
        Assert.Equal(77, _grid.Machine.Tree.Find("/4"u8)!.OwnerOrTtl);
    }

    [Theory]
    [InlineData(OpCode.Create, 5)]
    [InlineData(OpCode.Create2, 6)]
    [InlineData(OpCode.CreateContainer, 5)]
    public void A_multi_whose_create_lacks_the_time_to_live_is_a_marshalling_error(OpCode op, int flags)
    {
        _grid.Options = CommandOptions.ExtendedTypesAllowed;
        (OpCode, byte[]) first = (OpCode.Create, Body.Create("/1", null, 0));
        (OpCode, byte[]) bad = (op, Body.Create("/2", null, flags));
        Assert.Equal(MarshallingError, _grid.Multi(first, bad));
        Assert.Equal(NoNode, _grid.Exists("/1"));
        Assert.Equal(Ok, _grid.Multi((OpCode.Delete, Body.PathInt("/none", -1)), bad));
    }

    [Fact]
    public void An_empty_multi_has_an_empty_answer()
    {
        Assert.Equal(Ok, _grid.Multi());
        var reader = new JuteReader(_grid.Result.Body.Written);
        ReadEnd(ref reader);
    }

    public static TheoryData<OpCode, byte[], CoordErrorCode> Failures => new()
    {
        { OpCode.Create, Body.Create("/a", null, 0), NodeExists },
        { OpCode.Create, Body.Create("/none/x", null, 0), NoNode },
        { OpCode.Create, Body.Create("/m", null, 7), BadArguments },
        { OpCode.Create, Body.Create("/a/", null, 0), BadArguments },
        { OpCode.Create, Body.Create("/m", null, 1), SessionExpired },
        { OpCode.Create2, Body.Create("/m", null, 0, new Acl(0, "bad", "x")), InvalidAcl },
        { OpCode.CreateTtl, Body.CreateTtl("/m", null, 5, 9), Unimplemented },
        { OpCode.Delete, Body.PathInt("/full", -1), NotEmpty },
        { OpCode.Delete, Body.PathInt("/none", -1), NoNode },
        { OpCode.Delete, Body.PathInt("/", -1), BadArguments },
        { OpCode.SetData, Body.SetData("/a", null, 3), BadVersion },
        { OpCode.Check, Body.PathInt("/a", 3), BadVersion },
        { OpCode.Check, Body.PathInt("/none", 3), NoNode },
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public void One_failure_takes_everything_back(OpCode op, byte[] body, CoordErrorCode expected)
    {
        _grid.Open(7);
        ulong before = _grid.Machine.Digest;
        long size = _grid.Machine.ApproximateDataSize;
        string content = TreeDump.Of(_grid.Machine);
        Assert.Equal(Ok, _grid.Multi(
            (OpCode.Create, Body.Create("/new", [1, 2, 3], 0, Acl.Open, new Acl(Permissions.All, "digest", "b:c"))),
            (OpCode.CreateContainer, Body.Create("/new/c", null, 4)),
            (OpCode.SetData, Body.SetData("/a", [7], 0)),
            (OpCode.Delete, Body.PathInt("/full/child", 0)),
            (OpCode.Create, Body.Create("/full/child", [4], 0)),
            (OpCode.Delete, Body.PathInt("/full/child", 0)),
            (OpCode.Create, Body.Create("/full/again", [4], 2)),
            (op, body),
            (OpCode.Delete, Body.PathInt("/a", -1)),
            (OpCode.Check, Body.PathInt("/a", -1))));
        Assert.Equal(before, _grid.Machine.Digest);
        Assert.Equal(size, _grid.Machine.ApproximateDataSize);
        Assert.Equal(content, TreeDump.Of(_grid.Machine));
        var reader = new JuteReader(_grid.Result.Body.Written);
        for (int i = 0; i < 7; i++)
        {
            ReadError(ref reader, Ok);
        }

        ReadError(ref reader, expected);
        ReadError(ref reader, RuntimeInconsistency);
        ReadError(ref reader, RuntimeInconsistency);
        ReadEnd(ref reader);
        Assert.Equal(0, _grid.Machine.Tree.Reapable.Count);
        Assert.Equal(Ok, _grid.Create("/new"));
    }

    [Fact]
    public void Ephemerals_come_and_go_with_a_multi_that_fails()
    {
        _grid.Open(7);
        _grid.Create("/e", flags: 1, session: 7);
        string content = TreeDump.Of(_grid.Machine);
        Assert.Equal(Ok, _grid.Write(
            OpCode.Multi,
            Body.Multi(
                (OpCode.Delete, Body.PathInt("/e", -1)),
                (OpCode.Create, Body.Create("/f", null, 1)),
                (OpCode.Check, Body.PathInt("/none", 0))),
            session: 7));
        Assert.Equal(content, TreeDump.Of(_grid.Machine));
        Assert.Equal(1, _grid.Machine.EphemeralCount);
        Assert.Equal("/e", Harness.Text(Assert.Single(_grid.Machine.EphemeralPaths(7))));
    }

    [Theory]
    [InlineData(OpCode.GetData)]
    [InlineData(OpCode.GetChildren)]
    [InlineData(OpCode.SetAcl)]
    [InlineData(OpCode.DeleteContainer)]
    [InlineData((OpCode)77)]
    public void What_does_not_belong_into_a_multi_spoils_it_as_a_whole(OpCode op)
    {
        ulong before = _grid.Machine.Digest;
        Assert.Equal(MarshallingError, _grid.Multi(
            (OpCode.SetData, Body.SetData("/a", null, -1)),
            (OpCode.Check, Body.PathInt("/none", 0)),
            (op, Body.PathWatch("/a", false))));
        Assert.Equal(0, _grid.Result.Body.Length);
        Assert.Equal(before, _grid.Machine.Digest);
    }

    [Fact]
    public void A_multi_that_is_cut_anywhere_changes_nothing()
    {
        byte[] body = Body.Multi(
            (OpCode.SetData, Body.SetData("/a", [1], -1)),
            (OpCode.Create, Body.Create("/b", [1], 0)));
        ulong before = _grid.Machine.Digest;
        for (int length = 0; length < body.Length; length++)
        {
            Assert.Equal(MarshallingError, _grid.Write(OpCode.Multi, body[..length]));
        }

        Assert.Equal(before, _grid.Machine.Digest);
    }

    [Fact]
    public void A_null_path_or_null_identity_spoils_the_multi_as_a_whole()
    {
        byte[] nullPath = Body.Of(w =>
        {
            w.WriteNull();
            w.WriteInt(-1);
        });
        byte[] nullId = Body.Of(w =>
        {
            w.WriteString("/b");
            w.WriteNull();
            w.WriteInt(1);
            w.WriteInt(31);
            w.WriteString("world");
            w.WriteNull();
            w.WriteInt(0);
        });
        var set = (OpCode.SetData, Body.SetData("/a", [1], -1));
        ulong before = _grid.Machine.Digest;
        Assert.Equal(MarshallingError, _grid.Multi(set, (OpCode.Delete, nullPath)));
        Assert.Equal(MarshallingError, _grid.Multi(set, (OpCode.Create, nullId)));
        Assert.Equal(before, _grid.Machine.Digest);
    }

    [Fact]
    public void Events_come_in_the_order_of_the_operations()
    {
        _grid.AddWatch("/", 1, session: 1);
        _grid.Multi(
            (OpCode.SetData, Body.SetData("/a", null, -1)),
            (OpCode.Create, Body.Create("/b", null, 0)),
            (OpCode.Delete, Body.PathInt("/a", -1)));
        Assert.Equal(["1 NodeDataChanged /a", "1 NodeCreated /b", "1 NodeDeleted /a"], _grid.Events);
    }

    private static string ReadCreate(ref JuteReader reader, OpCode op)
    {
        ReadHeader(ref reader, op, 0);
        return Harness.Text(reader.ReadString());
    }

    private static void ReadHeader(ref JuteReader reader, OpCode op, int error)
    {
        Assert.Equal(op, (OpCode)reader.ReadInt());
        Assert.False(reader.ReadBool());
        Assert.Equal(error, reader.ReadInt());
    }

    private static void ReadError(ref JuteReader reader, CoordErrorCode code)
    {
        ReadHeader(ref reader, OpCode.Error, (int)code);
        Assert.Equal((int)code, reader.ReadInt());
    }

    private static void ReadEnd(ref JuteReader reader)
    {
        Assert.Equal(-1, reader.ReadInt());
        Assert.True(reader.ReadBool());
        Assert.Equal(-1, reader.ReadInt());
        Assert.True(reader.Rest.IsEmpty && !reader.Failed);
    }

    private ZnodeKind Kind(ReadOnlySpan<byte> path) => _grid.Machine.Tree.Find(path)!.Kind;
}
