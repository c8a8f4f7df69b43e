using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Orleans.Coord.Gateway.Tests;

/// <summary>Clients' certificates that their authority has revoked.</summary>
public sealed class RevocationTests : IDisposable
{
    private readonly TcpListener _server = new(IPAddress.Loopback, 0);
    private readonly X509Certificate2 _authority = Certificates.MakeAuthority("CN=ours");
    private readonly CertificateRevocationListBuilder _revoked = new();
    private readonly Uri _list;

    public RevocationTests()
    {
        _server.Start();
        _list = new Uri($"http://{_server.LocalEndpoint}/{Guid.NewGuid():N}.crl");
        _ = ServeListAsync();
    }

    public void Dispose()
    {
        _server.Dispose();
        _authority.Dispose();
    }

    [Theory]
    [InlineData(true, false, true)]
    [InlineData(true, true, false)]
    [InlineData(false, true, true)]
    public void What_is_revoked_is_refused_where_that_is_asked_for(bool check, bool revoked, bool trusted)
    {
        using X509Certificate2 certificate = Certificates.Issue(_authority, "CN=bob", _list);
        if (revoked)
        {
            _revoked.AddEntry(certificate);
        }

        Assert.Equal(trusted, IsTrusted(certificate, check));
    }

    [Fact]
    public void What_cannot_be_found_out_counts_as_revoked()
    {
        using X509Certificate2 certificate = Certificates.Issue(_authority, "CN=bob");
        Assert.True(IsTrusted(certificate, check: false));
        Assert.False(IsTrusted(certificate, check: true));
    }

    private bool IsTrusted(X509Certificate2 certificate, bool check)
    {
        var state = new TlsMaterial.State(default, null!, [_authority], check);
        using var chain = new X509Chain { ChainPolicy = state.Policy };
        return chain.Build(certificate);
    }

    private async Task ServeListAsync()
    {
        try
        {
            while (true)
            {
                using TcpClient client = await _server.AcceptTcpClientAsync();
                NetworkStream stream = client.GetStream();
                using var request = new StreamReader(stream, leaveOpen: true);
                while (await request.ReadLineAsync() is { Length: > 0 })
                {
                }

                byte[] list = _revoked.Build(
                    _authority, 1, DateTimeOffset.UtcNow.AddDays(1), HashAlgorithmName.SHA256);
                await stream.WriteAsync(Encoding.ASCII.GetBytes(
                    $"HTTP/1.1 200 OK\r\nContent-Length: {list.Length}\r\nConnection: close\r\n\r\n"));
                await stream.WriteAsync(list);
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException or IOException)
        {
            // The test has ended.
        }
    }
}
