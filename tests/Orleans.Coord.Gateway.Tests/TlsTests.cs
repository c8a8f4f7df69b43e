using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Orleans.Coord.Replication;

namespace Orleans.Coord.Gateway.Tests;

/// <summary>TLS clients, with certificates made on the spot.</summary>
public sealed class TlsTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("coord-tls-");
    private readonly X509Certificate2 _authority = Certificates.MakeAuthority("CN=ours");
    private readonly X509Certificate2 _otherAuthority = Certificates.MakeAuthority("CN=theirs");

    public TlsTests()
    {
        WriteServerCertificate(_authority);
        File.WriteAllText(InFolder("authorities.pem"), _authority.ExportCertificatePem());
    }

    private ClientTlsOptions Options => new()
    {
        EndPoint = new IPEndPoint(IPAddress.Loopback, 0),
        CertificateFile = InFolder("server.pem"),
        KeyFile = InFolder("server.key"),
        AuthoritiesFile = InFolder("authorities.pem"),
    };

    public void Dispose()
    {
        _authority.Dispose();
        _otherAuthority.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task A_client_with_a_trusted_certificate_is_served_and_known_by_its_subject()
    {
        await using GatewayFixture gateway = await StartAsync(Options);
        using X509Certificate2 certificate =
            Certificates.Issue(_authority, "C=DE, O=\"Example, Inc.\", OU=teams, CN=bob");
        await using SslStream client = await DialAsync(gateway.Server.TlsEndPoint!, certificate);
        await ShakeHandsAsync(client);
        byte[] request = Wire.Request(7, bodyBytes: 300_000);
        Task sending = client.WriteAsync(request).AsTask();
        byte[] reply = await ReadFrameAsync(client);
        await sending;
        Assert.Equal(7, Wire.Xid(reply));
        Assert.True(reply.Length > 300_000);
        Assert.True(gateway.Frontend.Connections.TryPeek(out IClientConnection? connection));
        Assert.Equal([("x509", "CN=bob,OU=teams,O=Example\\, Inc.,C=DE")], connection.TransportIdentities);
    }

    [Fact]
    public async Task The_super_user_is_known_by_its_subject()
    {
        await using GatewayFixture gateway = await StartAsync(Options with { SuperUser = "CN=chief" });
        using X509Certificate2 certificate = Certificates.Issue(_authority, "CN=chief");
        await using SslStream client = await DialAsync(gateway.Server.TlsEndPoint!, certificate);
        await ShakeHandsAsync(client);
        Assert.True(gateway.Frontend.Connections.TryPeek(out IClientConnection? connection));
        Assert.Equal([("x509", "CN=chief"), ("super", "")], connection.TransportIdentities);
    }

    [Theory]
    [InlineData(ClientCertificates.Need, "theirs", false)]
    [InlineData(ClientCertificates.Need, "none", false)]
    [InlineData(ClientCertificates.Want, "theirs", false)]
    [InlineData(ClientCertificates.Want, "none", true)]
    [InlineData(ClientCertificates.None, "none", true)]
    public async Task Certificates_are_asked_for_as_set(ClientCertificates wanted, string shown, bool served)
    {
        await using GatewayFixture gateway = await StartAsync(Options with { ClientCertificates = wanted });
        using X509Certificate2? certificate = shown == "none" ? null : Certificates.Issue(_otherAuthority, "CN=bob");
        Exception? refusal = await Record.ExceptionAsync(async () =>
        {
            await using SslStream client = await DialAsync(gateway.Server.TlsEndPoint!, certificate);
            await ShakeHandsAsync(client);
        });
        Assert.Equal(served, refusal is null);
        Assert.Equal(served ? 0 : 1, gateway.Server.Counters.FailedHandshakes);
        await gateway.AssertHealthyAsync();
    }

    [Fact]
    public async Task One_port_takes_both()
    {
        ClientTlsOptions options = Options with
        {
            EndPoint = null, OnPlainPort = true, ClientCertificates = ClientCertificates.None,
        };
        await using GatewayFixture gateway = await StartAsync(options);
        await using SslStream client = await DialAsync(gateway.Server.EndPoint, null);
        await ShakeHandsAsync(client);
        await gateway.AssertHealthyAsync();
        Assert.Equal("imok", await gateway.AskAsync("ruok"));
        Assert.Null(gateway.Server.TlsEndPoint);
    }

    [Fact]
    public async Task The_last_reply_arrives_before_the_close()
    {
        ClientTlsOptions options = Options with { ClientCertificates = ClientCertificates.None };
        await using GatewayFixture gateway = await StartAsync(options);
        await using SslStream client = await DialAsync(gateway.Server.TlsEndPoint!, null);
        await client.WriteAsync("ruok"u8.ToArray());
        using var answer = new StreamReader(client);
        Assert.Equal("imok", await answer.ReadToEndAsync().WaitAsync(Eventually.Patience));
    }

    [Fact]
    public async Task Who_does_not_speak_TLS_is_refused_and_a_silent_one_does_not_delay_the_stop()
    {
        await using GatewayFixture gateway = await StartAsync(Options);
        using TestClient plain = await TestClient.OpenAsync(gateway.Server.TlsEndPoint!);
        await plain.TrySendAsync(Wire.ConnectFrame());
        await plain.ReadToEndAsync();
        using TestClient silent = await TestClient.OpenAsync(gateway.Server.TlsEndPoint!);
        await Eventually.TrueAsync(() => gateway.Server.Counters.FailedHandshakes == 1, "the plain one was refused");
        Assert.Empty(gateway.Frontend.Connects);
        await gateway.Server.StopAsync().WaitAsync(Eventually.Patience);
    }

    [Theory]
    [InlineData("server.pem", "ClientTls:Certificate")]
    [InlineData("authorities.pem", "ClientTls:Authorities")]
    public void A_file_that_cannot_be_used_is_named_with_its_setting(string file, string setting)
    {
        File.WriteAllText(InFolder(file), "no certificate");
        ArgumentException refusal = Assert.Throws<ArgumentException>(() => new TlsMaterial(Options, _ => { }));
        Assert.StartsWith(setting, refusal.Message, StringComparison.Ordinal);
        Assert.Contains(file, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Clients_that_show_certificates_need_authorities()
    {
        ArgumentException refusal = Assert.Throws<ArgumentException>(
            () => new TlsMaterial(Options with { AuthoritiesFile = null }, _ => { }));
        Assert.StartsWith("ClientTls:Authorities", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("CN=a", "CN=a")]
    [InlineData("DC=com, DC=example, CN=a b", "CN=a b,DC=example,DC=com")]
    [InlineData("CN=\" lead + trail \"", "CN=\\ lead \\+ trail\\ ")]
    [InlineData("CN=\"<#;=>\"", "CN=\\<\\#\\;\\=\\>")]
    [InlineData("SERIALNUMBER=7, CN=a", "CN=a,2.5.4.5=#130137")]
    public void Subjects_are_written_as_Java_writes_them(string name, string expected) =>
        Assert.Equal(expected, DistinguishedName.Format(Certificates.NameOf(name)));

    private string InFolder(string file) => Path.Combine(_folder.FullName, file);

    private static Task<GatewayFixture> StartAsync(ClientTlsOptions tls) =>
        GatewayFixture.StartAsync(new GatewayOptions { Tls = tls });

    private static async Task<SslStream> DialAsync(IPEndPoint server, X509Certificate2? certificate)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(server);
        var stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            RemoteCertificateValidationCallback = (_, shown, _, _) => shown is { Subject: "CN=localhost" },
        };
        if (certificate is not null)
        {
            options.ClientCertificateContext = SslStreamCertificateContext.Create(certificate, null, offline: true);
        }

        try
        {
            await stream.AuthenticateAsClientAsync(options).WaitAsync(Eventually.Patience);
            return stream;
        }
        catch (Exception exception) when (exception is AuthenticationException or IOException)
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    private static async Task ShakeHandsAsync(SslStream client)
    {
        await client.WriteAsync(Wire.ConnectFrame());
        Assert.NotEmpty(await ReadFrameAsync(client));
    }

    private static async Task<byte[]> ReadFrameAsync(SslStream client)
    {
        byte[] length = new byte[4];
        await client.ReadExactlyAsync(length).AsTask().WaitAsync(Eventually.Patience);
        byte[] frame = new byte[System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(length)];
        await client.ReadExactlyAsync(frame).AsTask().WaitAsync(Eventually.Patience);
        return frame;
    }

    private void WriteServerCertificate(X509Certificate2 authority)
    {
        using X509Certificate2 certificate = Certificates.Issue(authority, "CN=localhost");
        File.WriteAllText(InFolder("server.pem"), certificate.ExportCertificatePem());
        using ECDsa key = certificate.GetECDsaPrivateKey()!;
        File.WriteAllText(InFolder("server.key"), key.ExportPkcs8PrivateKeyPem());
    }
}
