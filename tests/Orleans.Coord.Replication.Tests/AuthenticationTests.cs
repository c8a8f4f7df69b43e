using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Replication.Tests;

public sealed class AuthenticationTests
{
    private static readonly AuthenticationOptions _users = new()
    {
        SaslUsers = new Dictionary<string, string> { ["bob"] = "pw", ["chief"] = "sesam", ["jörg"] = "käse" },
        SaslSuperUser = "chief",
    };

    [Fact]
    public void A_sasl_user_gains_what_lists_give_to_its_name()
    {
        TestSilo silo = SiloWith(_users);
        TestClient owner = silo.Join();
        TestClient stranger = silo.Join();
        Assert.StartsWith("rspauth=", Login(owner, "bob", "pw").Text, StringComparison.Ordinal);
        Assert.Equal(CoordErrorCode.Ok, Create(owner, "/locked", "sasl", "bob"));
        Assert.Equal(CoordErrorCode.Ok, Get(owner, "/locked"));
        Assert.Equal(CoordErrorCode.NoAuth, Get(stranger, "/locked"));
        Login(stranger, "jörg", "käse");
        Assert.Equal(CoordErrorCode.NoAuth, Get(stranger, "/locked"));
        Login(stranger = silo.Join(), "chief", "sesam");
        Assert.Equal(CoordErrorCode.Ok, Get(stranger, "/locked"));
    }

    [Fact]
    public void The_server_proves_that_it_knows_the_password()
    {
        TestClient client = SiloWith(_users).Join();
        string nonce = Challenge(client)["nonce"];
        string proof = Sasl(client, Response("bob", "pw", nonce)).Text;
        Assert.Equal("rspauth=" + Proof("bob", "pw", nonce, ":zookeeper/zk-sasl-md5"), proof);
    }

    [Theory]
    [InlineData("bob", "wrong")]
    [InlineData("nobody", "pw")]
    [InlineData("", "")]
    public void A_wrong_password_or_user_is_refused_and_closes_the_connection(string user, string password)
    {
        TestClient client = SiloWith(_users).Join();
        Assert.Equal(CoordErrorCode.AuthFailed, Login(client, user, password).Code);
        Assert.NotNull(client.Closed);
    }

    [Theory]
    [InlineData("nc=00000001", "nc=00000002")]
    [InlineData("qop=auth", "qop=auth-int")]
    [InlineData("realm=\"zk-sasl-md5\"", "realm=\"other\"")]
    [InlineData("digest-uri=\"zookeeper/", "digest-uri=\"imap/")]
    [InlineData("nonce=\"", "nonce=\"x")]
    [InlineData("username=\"bob\"", "username=\"bob\",username=\"bob\"")]
    [InlineData("username=\"bob\"", "username=\"bob")]
    [InlineData("username=\"bob\"", "username")]
    public void A_response_to_another_question_is_refused(string part, string forged)
    {
        TestClient client = SiloWith(_users).Join();
        string response = Response("bob", "pw", Challenge(client)["nonce"]);
        Assert.Contains(part, response, StringComparison.Ordinal);
        Reply reply = Sasl(client, response.Replace(part, forged, StringComparison.Ordinal));
        Assert.Equal(CoordErrorCode.AuthFailed, reply.Code);
    }

    [Fact]
    public void No_nonce_comes_twice_and_none_serves_twice()
    {
        TestSilo silo = SiloWith(_users);
        TestClient one = silo.Join();
        TestClient two = silo.Join();
        string nonce = Challenge(one)["nonce"];
        Assert.NotEqual(nonce, Challenge(two)["nonce"]);
        string response = Response("bob", "pw", nonce);
        Assert.Equal(CoordErrorCode.AuthFailed, Sasl(two, response).Code);
        Assert.Equal(CoordErrorCode.Ok, Sasl(one, response).Code);
        Assert.Equal(CoordErrorCode.AuthFailed, Sasl(one, response).Code);
    }

    [Fact]
    public void Without_users_the_answer_is_no_token()
    {
        TestClient client = SiloWith(new AuthenticationOptions()).Join();
        Reply reply = Sasl(client, "");
        Assert.Equal(CoordErrorCode.Ok, reply.Code);
        Assert.Equal([0xFF, 0xFF, 0xFF, 0xFF], reply.Body);
        Assert.Null(client.Closed);
    }

    [Theory]
    [InlineData(OpCode.GetData)]
    [InlineData(OpCode.Create)]
    [InlineData(OpCode.Ping)]
    [InlineData(OpCode.CloseSession)]
    public void Who_must_authenticate_and_has_not_is_closed(OpCode op)
    {
        TestClient client = SiloWith(_users with { RequiredSchemes = ["sasl", "digest"] }).Join();
        client.Add(op, w => w.WriteString("/"));
        client.AddAuth("digest", "bob:pw");
        client.Send();
        Assert.Equal(CoordErrorCode.SessionClosedRequireSaslAuth, client.Next().Code);
        Assert.False(client.HasFrame);
        Assert.NotNull(client.Closed);
        Assert.Equal(0, client.Unreleased);
    }

    [Fact]
    public void One_of_the_required_schemes_is_enough()
    {
        TestSilo silo = SiloWith(_users with { RequiredSchemes = ["sasl", "digest"] });
        TestClient client = silo.Join();
        client.AddAuth("digest", "bob:pw");
        client.AddGet("/");
        client.Send();
        Assert.Equal([CoordErrorCode.Ok, CoordErrorCode.Ok], [client.Next().Code, client.Next().Code]);
        Login(client = silo.Join(), "bob", "pw");
        Assert.Equal(CoordErrorCode.Ok, Get(client, "/"));
    }

    [Fact]
    public void A_failed_login_where_sasl_is_required_says_so()
    {
        TestClient client = SiloWith(_users with { RequiredSchemes = ["sasl"] }).Join();
        Assert.Equal(CoordErrorCode.SessionClosedRequireSaslAuth, Login(client, "bob", "x").Code);
    }

    [Fact]
    public void A_provider_gives_identities_that_lists_may_name()
    {
        TestSilo silo = SiloWith(new AuthenticationOptions { Providers = [new TokenProvider()] });
        TestClient owner = silo.Join();
        TestClient stranger = silo.Join();
        owner.AddAuth("token", "good:alice");
        owner.Send();
        Assert.Equal(CoordErrorCode.Ok, owner.Next().Code);
        Assert.Equal(CoordErrorCode.Ok, Create(owner, "/a", "token", "alice"));
        Assert.Equal(CoordErrorCode.Ok, Create(owner, "/b", "auth", ""));
        Assert.Equal(CoordErrorCode.NoAuth, Get(stranger, "/a"));
        Assert.Equal(CoordErrorCode.NoAuth, Get(stranger, "/b"));
        Assert.Equal(CoordErrorCode.Ok, Get(owner, "/b"));
        stranger.AddAuth("token", "bad");
        stranger.Send();
        Assert.Equal(CoordErrorCode.AuthFailed, stranger.Next().Code);
        Assert.NotNull(stranger.Closed);
    }

    [Fact]
    public void A_scheme_that_no_provider_has_stands_in_no_list()
    {
        TestClient client = SiloWith(new AuthenticationOptions()).Join();
        Assert.Equal(CoordErrorCode.InvalidAcl, Create(client, "/a", "token", "alice"));
    }

    [Theory]
    [InlineData("digest")]
    [InlineData("")]
    [InlineData("provider")]
    public void A_provider_may_not_take_a_scheme_of_others(string scheme)
    {
        var options = new AuthenticationOptions { Providers = [new TokenProvider { Scheme = scheme }] };
        Assert.Throws<ArgumentException>(() => SiloWith(options));
    }

    [Theory]
    [InlineData("sasl")]
    [InlineData("world")]
    [InlineData("kerberos")]
    public void What_nobody_can_show_may_not_be_required(string scheme) =>
        Assert.Throws<ArgumentException>(() => SiloWith(new AuthenticationOptions { RequiredSchemes = [scheme] }));

    private static TestSilo SiloWith(AuthenticationOptions options) =>
        new(TestSilo.DefaultOptions with { Authentication = options });

    private static Reply Login(TestClient client, string user, string password) =>
        Sasl(client, Response(user, password, Challenge(client)["nonce"]));

    private static Dictionary<string, string> Challenge(TestClient client)
    {
        Dictionary<string, string>? fields = DigestMd5Fields.Parse(Encoding.UTF8.GetBytes(Sasl(client, "").Text));
        Assert.NotNull(fields);
        Assert.Equal("zk-sasl-md5", fields["realm"]);
        return fields;
    }

    private static Reply Sasl(TestClient client, string token)
    {
        client.Add(OpCode.Sasl, w => w.WriteBuffer(Encoding.UTF8.GetBytes(token)));
        client.Send();
        return client.Next();
    }

    private static string Response(string user, string password, string nonce) =>
        $"username=\"{user}\",realm=\"zk-sasl-md5\",nonce=\"{nonce}\",cnonce=\"client's\",nc=00000001,"
        + "digest-uri=\"zookeeper/zk-sasl-md5\",qop=auth,charset=utf-8,response="
        + Proof(user, password, nonce, "AUTHENTICATE:zookeeper/zk-sasl-md5");

    private static string Proof(string user, string password, string nonce, string a2)
    {
        byte[] key = Md5(Encoding.Latin1.GetBytes($"{user}:zk-sasl-md5:{password}"));
        string a1 = Convert.ToHexStringLower(Md5([.. key, .. Encoding.UTF8.GetBytes($":{nonce}:client's")]));
        string hashed = Convert.ToHexStringLower(Md5(Encoding.UTF8.GetBytes(a2)));
        return Convert.ToHexStringLower(
            Md5(Encoding.UTF8.GetBytes($"{a1}:{nonce}:00000001:client's:auth:{hashed}")));
    }

    [SuppressMessage("Security", "CA5351", Justification = "The mechanism fixes MD5.")]
    private static byte[] Md5(byte[] bytes) => MD5.HashData(bytes);

    private static CoordErrorCode Create(TestClient client, string path, string scheme, string id)
    {
        client.Add(OpCode.Create, w =>
        {
            w.WriteString(path);
            w.WriteBuffer("x"u8);
            w.WriteInt(1);
            w.WriteInt((int)Permissions.All);
            w.WriteString(scheme);
            w.WriteString(id);
            w.WriteInt(0);
        });
        client.Send();
        return client.Next().Code;
    }

    private static CoordErrorCode Get(TestClient client, string path)
    {
        client.AddGet(path);
        client.Send();
        return client.Next().Code;
    }

    private sealed class TokenProvider : IAuthenticationProvider
    {
        public string Scheme { get; init; } = "token";

        public IReadOnlyList<string>? Authenticate(IClientConnection connection, ReadOnlySpan<byte> credentials)
        {
            string text = Encoding.UTF8.GetString(credentials);
            return text.StartsWith("good:", StringComparison.Ordinal) ? [text[5..]] : null;
        }
    }
}
