using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Orleans.Coord.Tcp;

/// <summary>Mutual TLS on a connection between members.</summary>
internal sealed class PeerTls
{
    private readonly SslStreamCertificateContext _certificate;
    private readonly X509Certificate2Collection _authorities;
    private readonly HashSet<string> _thumbprints;

    public PeerTls(PeerTlsOptions options)
    {
        if (!options.Certificate.HasPrivateKey)
        {
            throw new ArgumentException("Cannot link the members: the TLS certificate comes without its private key.");
        }

        if (options.TrustedAuthorities.Count + options.TrustedThumbprints.Count == 0)
        {
            throw new ArgumentException(
                "Cannot link the members: TLS needs a trusted authority or the thumbprints of trusted certificates.");
        }

        _certificate = SslStreamCertificateContext.Create(options.Certificate, null, offline: true);
        _authorities = [.. options.TrustedAuthorities];
        _thumbprints = options.TrustedThumbprints
            .Select(print => print.Replace(":", "", StringComparison.Ordinal))
            .ToHashSet(StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>The dialling side.</summary>
    public async Task<Stream> DialAsync(Stream inner, string host, CancellationToken cancellationToken)
    {
        var stream = new SslStream(inner, leaveInnerStreamOpen: false);
        await stream.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = host,
                ClientCertificateContext = _certificate,
                RemoteCertificateValidationCallback = (_, certificate, _, _) => IsTrusted(certificate),
            },
            cancellationToken);
        return stream;
    }

    /// <summary>The accepting side.</summary>
    public async Task<Stream> AcceptAsync(Stream inner, CancellationToken cancellationToken)
    {
        var stream = new SslStream(inner, leaveInnerStreamOpen: false);
        await stream.AuthenticateAsServerAsync(
            new SslServerAuthenticationOptions
            {
                ServerCertificateContext = _certificate,
                ClientCertificateRequired = true,
                RemoteCertificateValidationCallback = (_, certificate, _, _) => IsTrusted(certificate),
            },
            cancellationToken);
        return stream;
    }

    // The machine's own store of authorities counts for nothing here, nor do names: only the ensemble's own trust.
    private bool IsTrusted(X509Certificate? certificate)
    {
        if (certificate is not X509Certificate2 shown)
        {
            return false;
        }

        if (_thumbprints.Contains(shown.GetCertHashString(HashAlgorithmName.SHA256)))
        {
            return true;
        }

        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(_authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        return _authorities.Count > 0 && chain.Build(shown);
    }
}
