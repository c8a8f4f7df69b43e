using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Client.Tests;

public sealed class TlsTests
{
    [Fact]
    public async Task Requests_pass_encrypted_and_the_name_is_checked()
    {
        using X509Certificate2 certificate = NewCertificate("coord.test");
        using var server = new FakeServer();
        using var front = new TlsFront(server, certificate);
        await using CoordClient client = server.NewClient(configure: options =>
        {
            options.ConnectionString = front.Address;
            options.Tls = new SslClientAuthenticationOptions
            {
                TargetHost = "coord.test",
                RemoteCertificateValidationCallback = (_, shown, _, errors) =>
                    shown!.GetCertHashString() == certificate.GetCertHashString()
                    && (errors & SslPolicyErrors.RemoteCertificateNameMismatch) == 0,
            };
        });
        using (FakeConnection first = await server.WelcomeAsync())
        {
            byte[] large = RandomNumberGenerator.GetBytes(500_000);
            Task<Stat> set = client.SetAsync("/a", large);
            FakeRequest request = await first.ExpectAsync(OpCode.SetData);
            var reader = new JuteReader(request.Body);
            reader.ReadText();
            Assert.Equal(large, reader.ReadBuffer().ToArray());
            await first.ReplyAsync(request, 1, Bodies.OfStat());
            await set.Soon();
        }

        // The loss of the encrypted connection is noticed, and the next one is encrypted as well.
        using FakeConnection second = await server.WelcomeAsync();
        Task<Stat?> look = client.ExistsAsync("/a");
        await second.ReplyAsync(await second.ExpectAsync(OpCode.Exists), 1, Bodies.OfStat());
        Assert.NotNull(await look.Soon());
        await client.DisposeAsync();
        await second.WaitForCloseAsync();
        Assert.Equal(0, front.Plain);
    }

    [Fact]
    public async Task A_server_that_is_not_trusted_gets_no_session()
    {
        using X509Certificate2 certificate = NewCertificate("somebody.else");
        using var server = new FakeServer();
        using var front = new TlsFront(server, certificate);
        await using CoordClient client = server.NewClient(configure: options =>
        {
            options.ConnectionString = front.Address;
            options.Tls = new SslClientAuthenticationOptions();
        });
        await front.Ended.Task.Soon();
        Assert.Equal(SessionState.Connecting, client.State);
    }

    private static X509Certificate2 NewCertificate(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 made = request.CreateSelfSigned(
            DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(200));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pfx), null);
    }

    /// <summary>Takes encrypted connections and passes them on to a server that knows nothing of it.</summary>
    private sealed class TlsFront : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly string _server;
        private readonly X509Certificate2 _certificate;

        public TlsFront(FakeServer server, X509Certificate2 certificate)
        {
            _server = server.Address;
            _certificate = certificate;
            _listener.Start();
            _ = AcceptAsync();
        }

        public string Address => $"127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

        /// <summary>Connections that were passed on without being encrypted.</summary>
        public int Plain { get; private set; }

        public TaskCompletionSource Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Dispose() => _listener.Dispose();

        private async Task AcceptAsync()
        {
            try
            {
                while (true)
                {
                    _ = PassAsync(await _listener.AcceptTcpClientAsync());
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // The test is over.
            }
        }

        private async Task PassAsync(TcpClient client)
        {
            try
            {
                using var secure = new SslStream(client.GetStream());
                await secure.AuthenticateAsServerAsync(_certificate);
                Plain += secure.IsEncrypted ? 0 : 1;
                using var server = new TcpClient();
                await server.ConnectAsync(IPEndPoint.Parse(_server));
                NetworkStream plain = server.GetStream();
                await Task.WhenAny(secure.CopyToAsync(plain), plain.CopyToAsync(secure));
            }
            catch (Exception e) when (e is IOException or System.Security.Authentication.AuthenticationException)
            {
                // The client has hung up, during the handshake or after it.
            }

            Ended.TrySetResult();
        }
    }
}
