using Orleans.Coord.Jute;
using static Orleans.Coord.CoordErrorCode;

namespace Orleans.Coord.Tree.Tests;

public sealed class AclTests
{
    private static readonly string Bob = CallerIdentities.DigestId("bob:secret");

    private readonly Harness _grid = new();

    public static TheoryData<string, string, CoordErrorCode> Lists => new()
    {
        { "world", "anyone", Ok },
        { "world", "bob", InvalidAcl },
        { "digest", "bob:x", Ok },
        { "digest", "bob:x::", Ok },
        { "digest", ":x", Ok },
        { "digest", "bob", InvalidAcl },
        { "digest", "bob:", InvalidAcl },
        { "digest", "a:b:c", InvalidAcl },
        { "digest", "", InvalidAcl },
        { "ip", "10.0.0.1", Ok },
        { "ip", "10.0.0.0/8", Ok },
        { "ip", "10.0.0.0/33", InvalidAcl },
        { "ip", "10.0.0", InvalidAcl },
        { "sasl", "bob@REALM", Ok },
        { "x509", "CN=bob", Ok },
        { "auth", "", InvalidAcl },
        { "super", "", InvalidAcl },
        { "unknown", "x", InvalidAcl },
        { "", "", InvalidAcl },
    };

    [Theory]
    [MemberData(nameof(Lists))]
    public void Lists_are_validated(string scheme, string id, CoordErrorCode expected) =>
        Assert.Equal(expected, _grid.Create("/a", acl: new Acl(Permissions.Read, scheme, id)));

    [Fact]
    public void An_empty_or_null_list_is_invalid()
    {
        byte[] empty = Body.Of(w =>
        {
            w.WriteString("/a");
            w.WriteNull();
            w.WriteInt(0);
            w.WriteInt(0);
        });
        Assert.Equal(InvalidAcl, _grid.Write(OpCode.Create, empty));
        empty.AsSpan(10, 4).Fill(0xFF);
        Assert.Equal(InvalidAcl, _grid.Write(OpCode.Create, empty));
        empty[13] = 0xFE;
        Assert.Equal(InvalidAcl, _grid.Write(OpCode.Create, empty));
        Assert.Equal(InvalidAcl, _grid.SetAcl("/", -1));
    }

    [Theory]
    [InlineData(true, false, InvalidAcl)]
    [InlineData(false, true, MarshallingError)]
    public void Null_scheme_and_null_id_are_told_apart(bool nullScheme, bool nullId, CoordErrorCode expected)
    {
        byte[] body = Body.Of(w =>
        {
            w.WriteString("/a");
            w.WriteNull();
            w.WriteInt(1);
            w.WriteInt(31);
            w.WriteBufferOrNull(nullScheme ? null : "world"u8.ToArray());
            w.WriteBufferOrNull(nullId ? null : "anyone"u8.ToArray());
            w.WriteInt(0);
        });
        Assert.Equal(expected, _grid.Write(OpCode.Create, body));
    }

    [Fact]
    public void The_list_is_checked_before_the_parent() =>
        Assert.Equal(InvalidAcl, _grid.Create("/none/a", acl: new Acl(Permissions.All, "nonsense", "x")));

    [Fact]
    public void Auth_becomes_the_callers_identities_and_duplicates_go()
    {
        _grid.Who.Add("digest", Bob);
        _grid.Who.Add("sasl", "bob");
        var auth = new Acl(Permissions.All, "auth", "");
        Assert.Equal(Ok, _grid.Create("/a", acl: [Acl.ReadOnly, auth, Acl.ReadOnly, auth]));
        Assert.Equal(
            [Acl.ReadOnly, new Acl(Permissions.All, "digest", Bob), new Acl(Permissions.All, "sasl", "bob")],
            GetAcl("/a"));
    }

    [Fact]
    public void What_auth_yields_may_stand_there_twice()
    {
        _grid.Who.Add("digest", Bob);
        var bob = new Acl(Permissions.All, "digest", Bob);
        Assert.Equal(Ok, _grid.Create("/a", acl: [new Acl(Permissions.All, "auth", ""), bob, bob]));
        Assert.Equal([bob, bob], GetAcl("/a"));
    }

    [Fact]
    public void An_address_alone_is_no_authentication()
    {
        _grid.Who.Add("super", "");
        Assert.Equal(InvalidAcl, _grid.Create("/a", acl: new Acl(Permissions.All, "auth", "")));
    }

    [Theory]
    [InlineData(Permissions.Read, Ok, NoAuth, NoAuth, NoAuth, NoAuth)]
    [InlineData(Permissions.Write, NoAuth, Ok, NoAuth, NoAuth, NoAuth)]
    [InlineData(Permissions.Create, NoAuth, NoAuth, Ok, NoAuth, NoAuth)]
    [InlineData(Permissions.Delete, NoAuth, NoAuth, NoAuth, Ok, NoAuth)]
    [InlineData(Permissions.Admin, NoAuth, NoAuth, NoAuth, NoAuth, Ok)]
    public void Each_operation_asks_for_its_own_right(
        Permissions given,
        CoordErrorCode read,
        CoordErrorCode write,
        CoordErrorCode create,
        CoordErrorCode delete,
        CoordErrorCode admin)
    {
        _grid.Create("/a");
        _grid.Create("/a/b");
        _grid.SetAcl("/a", -1, new Acl(given, "world", "anyone"));
        Assert.Equal(Ok, _grid.Exists("/a"));
        Assert.Equal(read, _grid.GetData("/a"));
        Assert.Equal(read, _grid.GetChildren("/a"));
        Assert.Equal(read, _grid.Read(OpCode.GetChildren2, Body.PathWatch("/a", false)));
        Assert.Equal(read, _grid.Read(OpCode.GetAllChildrenNumber, Body.Path("/a")));
        Assert.Equal(read == Ok || admin == Ok ? Ok : NoAuth, _grid.Read(OpCode.GetAcl, Body.Path("/a")));
        Assert.Equal(write, _grid.SetData("/a", "x"));
        Assert.Equal(create, _grid.Create("/a/c"));
        Assert.Equal(delete, _grid.Delete("/a/b"));
        Assert.Equal(admin, _grid.SetAcl("/a", -1, Acl.Open));
    }

    [Theory]
    [InlineData("digest", "bob:x", "digest", "bob:x", true)]
    [InlineData("digest", "bob:x", "digest", "bob:y", false)]
    [InlineData("sasl", "bob", "sasl", "bob", true)]
    [InlineData("sasl", "bob", "sasl", "super", true)]
    [InlineData("sasl", "bob", "x509", "bob", false)]
    [InlineData("x509", "CN=bob", "x509", "CN=bob", true)]
    [InlineData("x509", "CN=bob", "x509", "super", false)]
    [InlineData("ip", "127.0.0.0/8", "sasl", "x", true)]
    [InlineData("ip", "128.0.0.0/8", "sasl", "x", false)]
    [InlineData("digest", "bob:x", "super", "", true)]
    public void Identities_match_by_the_rules_of_their_scheme(
        string listed, string listedId, string scheme, string id, bool allowed)
    {
        _grid.Create("/a", acl: new Acl(Permissions.Write, listed, listedId));
        _grid.Who.Add(scheme, id);
        Assert.Equal(allowed ? Ok : NoAuth, _grid.SetData("/a", "x"));
    }

    [Fact]
    public void GetAcl_hides_digests_from_those_who_are_not_admin()
    {
        Acl[] list = [Acl.ReadOnly, new(Permissions.All, "digest", Bob), new(Permissions.Read, "sasl", "a:b")];
        _grid.Create("/a", acl: list);
        Assert.Equal(
            [Acl.ReadOnly, new Acl(Permissions.All, "digest", "bob:x"), new Acl(Permissions.Read, "sasl", "a:b")],
            GetAcl("/a"));
        _grid.Who.Add("digest", Bob);
        Assert.Equal(list, GetAcl("/a"));
    }

    [Fact]
    public void SetAcl_counts_its_own_version_and_nothing_else()
    {
        _grid.Create("/a");
        Assert.Equal(BadVersion, _grid.SetAcl("/a", 1, Acl.ReadOnly));
        Assert.Equal(NoNode, _grid.SetAcl("/none", -1, Acl.ReadOnly));
        Assert.Equal(BadArguments, _grid.SetAcl("/a/", -1, Acl.ReadOnly));
        Stat before = _grid.Stat("/a");
        Assert.Equal(Ok, _grid.SetAcl("/a", 0, Acl.ReadOnly, new Acl(Permissions.Admin, "world", "anyone")));
        var reader = new JuteReader(_grid.Result.Body.Written);
        Assert.Equal(before with { Aversion = 1 }, reader.ReadStat());
        Assert.Equal(NoAuth, _grid.SetData("/a", "x"));
    }

    [Fact]
    public void The_configs_list_version_goes_from_minus_one_to_zero()
    {
        _grid.Who.Add("super", "");
        Assert.Equal(Ok, _grid.SetAcl("/zookeeper/config", -1, Acl.Open));
        Assert.Equal(0, _grid.Stat("/zookeeper/config").Aversion);
    }

    [Fact]
    public void Lists_are_shared_while_in_use_and_dropped_after()
    {
        AclTable table = _grid.Machine.Tree.Acls;
        int before = table.Count;
        var mine = new Acl(Permissions.All, "digest", Bob);
        _grid.Create("/a", acl: mine);
        _grid.Create("/b", acl: mine);
        Assert.Equal(before + 1, table.Count);
        Assert.Same(_grid.Machine.Tree.Find("/a"u8)!.Acl, _grid.Machine.Tree.Find("/b"u8)!.Acl);
        _grid.Delete("/a");
        Assert.Equal(before + 1, table.Count);
        _grid.Who.Add("digest", Bob);
        _grid.SetAcl("/b", -1, Acl.Open);
        Assert.Equal(before, table.Count);
        _grid.Create("/b", acl: new Acl(Permissions.All, "digest", "never:used"));
        Assert.Equal(before, table.Count);
    }

    private Acl[] GetAcl(string path)
    {
        Assert.Equal(Ok, _grid.Read(OpCode.GetAcl, Body.Path(path)));
        var reader = new JuteReader(_grid.Reply.Written);
        var list = new Acl[reader.ReadInt()];
        for (int i = 0; i < list.Length; i++)
        {
            var permissions = (Permissions)reader.ReadInt();
            list[i] = new Acl(permissions, Harness.Text(reader.ReadString()), Harness.Text(reader.ReadString()));
        }

        Assert.Equal(68, reader.Rest.Length);
        return list;
    }
}
