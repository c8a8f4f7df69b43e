using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Orleans.Coord.Tcp.Tests;

/// <summary>Mutual TLS with certificates made on the spot.</summary>
public sealed class TlsTests : IDisposable
{
    private readonly X509Certificate2 _authority = MakeAuthority("CN=ours");
    private readonly X509Certificate2 _otherAuthority = MakeAuthority("CN=theirs");

    public void Dispose()
    {
        _authority.Dispose();
        _otherAuthority.Dispose();
    }

    [Fact]
    public async Task Members_with_certificates_of_their_authority_talk()
    {
        PeerTransportOptions[] options = Member.Configure(3);
        Member[] members = await Member.StartAllAsync(
            [.. options.Select(o => o with { Tls = TrustAuthority(_authority) })]);
        byte[] envelope = new byte[3_000_000];
        new Random(4).NextBytes(envelope);
        members[0].Transport.Send(new ReplicaId(3), envelope);
        members[0].Send(3, "and a short one");
        members[0].Flush();
        await Eventually.TrueAsync(() => members[2].Observer.Count == 2, "both came");
        Assert.True(members[2].Observer.All[0].Envelope.Span.SequenceEqual(envelope));
        await members[1].TalkToAsync(members[0]);
        foreach (Member member in members)
        {
            await member.DisposeAsync();
        }
    }

    [Fact]
    public async Task Thumbprints_are_trust_enough()
    {
        using X509Certificate2 first = Issue(_authority);
        using X509Certificate2 second = Issue(_otherAuthority);
        PeerTransportOptions[] options = Member.Configure(2);
        Member[] members = await Member.StartAllAsync(
            options[0] with { Tls = Trust(first, second.GetCertHashString(HashAlgorithmName.SHA256)) },
            options[1] with { Tls = Trust(second, Colons(first.GetCertHash(HashAlgorithmName.SHA256))) });
        await members[0].TalkToAsync(members[1]);
        await members[0].DisposeAsync();
        await members[1].DisposeAsync();
    }

    [Fact]
    public async Task A_certificate_of_another_authority_is_refused_both_ways()
    {
        using X509Certificate2 theirs = Issue(_otherAuthority);
        PeerTransportOptions[] options = Member.Configure(2);
        await using Member honest = new Member(options[0] with { Tls = TrustAuthority(_authority) }).Start();
        await using Member impostor = new Member(options[1] with
        {
            // It trusts the honest one; it is not trusted by it.
            Tls = new PeerTlsOptions { Certificate = theirs, TrustedAuthorities = [_authority] },
        }).Start();
        await Eventually.TrueAsync(() => honest.Log.Has(221, "TLS: "), "the impostor's call is refused");
        await Eventually.TrueAsync(() => honest.Log.Has(212, "TLS: "), "the impostor is not called");
        await Eventually.TrueAsync(() => impostor.Observer.UnreachableCount(1) >= 2, "it stays outside");
        Assert.Equal(0, honest.Registry.Calls);
        Assert.False(impostor.Transport.IsLinkedTo(new ReplicaId(1)));
        Assert.False(honest.Transport.IsLinkedTo(new ReplicaId(2)));
    }

    [Fact]
    public async Task A_member_without_TLS_is_refused_by_one_with_it()
    {
        PeerTransportOptions[] options = Member.Configure(2);
        await using Member secure = new Member(options[0] with { Tls = TrustAuthority(_authority) }).Start();
        await using Member plain = new Member(options[1]).Start();
        await Eventually.TrueAsync(() => secure.Counters.ConnectionsMalformed >= 1, "its call is refused");
        await Eventually.TrueAsync(() => secure.Observer.UnreachableCount(2) >= 1, "calling it fails");
        await Eventually.TrueAsync(() => plain.Observer.UnreachableCount(1) >= 1, "calling the secure one fails");
        Assert.Equal(0, secure.Registry.Calls + plain.Registry.Calls);
    }

    [Fact]
    public void Options_that_cannot_work_are_refused_with_a_sentence()
    {
        PeerTransportOptions options = Member.Configure(2)[0];
        using X509Certificate2 certificate = Issue(_authority);
        using X509Certificate2 publicOnly = X509CertificateLoader.LoadCertificate(certificate.RawData);
        Assert.Contains(
            "TLS needs a trusted authority",
            Assert.Throws<ArgumentException>(() => new Member(options with { Tls = Trust(certificate) })).Message);
        Assert.Contains(
            "without its private key",
            Assert.Throws<ArgumentException>(() => new Member(options with { Tls = Trust(publicOnly, "00") })).Message);
    }

    private static PeerTlsOptions Trust(X509Certificate2 own, params string[] thumbprints) =>
        new() { Certificate = own, TrustedThumbprints = thumbprints };

    private static PeerTlsOptions TrustAuthority(X509Certificate2 authority) =>
        new() { Certificate = Issue(authority), TrustedAuthorities = [authority] };

    private static string Colons(byte[] bytes) => BitConverter.ToString(bytes).Replace('-', ':').ToLowerInvariant();

    private static X509Certificate2 MakeAuthority(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(10));
    }

    private static X509Certificate2 Issue(X509Certificate2 authority)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=member", key, HashAlgorithmName.SHA256);
        using X509Certificate2 certificate = request.Create(
            authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(9), [1, 2, 3, 4]);
        return certificate.CopyWithPrivateKey(key);
    }
}
