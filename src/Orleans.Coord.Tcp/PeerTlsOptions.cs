using System.Security.Cryptography.X509Certificates;

namespace Orleans.Coord.Tcp;

/// <summary>
/// Mutual TLS between the members: both sides show a certificate, and both check it. Names in certificates do not
/// matter: trust only what is issued for this ensemble.
/// </summary>
public sealed record PeerTlsOptions
{
    /// <summary>This member's certificate, with its private key.</summary>
    public required X509Certificate2 Certificate { get; init; }

    /// <summary>Authorities of the ensemble: a certificate is trusted if one of them issued it.</summary>
    public IReadOnlyList<X509Certificate2> TrustedAuthorities { get; init; } = [];

    /// <summary>
    /// Certificates trusted by themselves, whoever issued them: the SHA-256 of each, in hexadecimal digits
    /// with or without colons.
    /// </summary>
    public IReadOnlyList<string> TrustedThumbprints { get; init; } = [];
}
