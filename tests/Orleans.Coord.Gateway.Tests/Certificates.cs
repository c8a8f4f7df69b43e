using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Orleans.Coord.Gateway.Tests;

/// <summary>Certificates made on the spot, valid for a day.</summary>
internal static class Certificates
{
    public static X500DistinguishedName NameOf(string text) => new(text, X500DistinguishedNameFlags.None);

    public static X509Certificate2 MakeAuthority(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    /// <param name="authority">Who issues it.</param>
    /// <param name="name">Its subject.</param>
    /// <param name="revocations">Where the authority's list of revoked certificates is; null for nowhere.</param>
    public static X509Certificate2 Issue(X509Certificate2 authority, string name, Uri? revocations = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(NameOf(name), key, HashAlgorithmName.SHA256);
        if (revocations is not null)
        {
            request.CertificateExtensions.Add(CertificateRevocationListBuilder.BuildCrlDistributionPointExtension(
                [revocations.ToString()]));
        }

        using X509Certificate2 bare = request.Create(
            authority, authority.NotBefore, authority.NotAfter, RandomNumberGenerator.GetBytes(8));
        return bare.CopyWithPrivateKey(key);
    }
}
