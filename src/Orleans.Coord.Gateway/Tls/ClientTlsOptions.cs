using System.Net;

namespace Orleans.Coord.Gateway;

/// <summary>Whether clients show a certificate (ZooKeeper's <c>ssl.clientAuth</c>).</summary>
public enum ClientCertificates
{
    /// <summary>They are not asked for one.</summary>
    None,

    /// <summary>They may; one that is not trusted is refused.</summary>
    Want,

    /// <summary>They must.</summary>
    Need,
}

/// <summary>TLS for clients. Certificates are read again when their files change.</summary>
public sealed record ClientTlsOptions
{
    /// <summary>Where TLS clients connect; null when they share the plain port.</summary>
    public IPEndPoint? EndPoint { get; init; }

    /// <summary>Whether the plain port takes TLS clients too (port unification).</summary>
    public bool OnPlainPort { get; init; }

    /// <summary>
    /// File of the server's certificate and its chain: PEM, or PKCS #12 if the name ends in .p12 or .pfx.
    /// </summary>
    public required string CertificateFile { get; init; }

    /// <summary>PEM file of the private key; null when it is in the certificate's file.</summary>
    public string? KeyFile { get; init; }

    /// <summary>Password of the private key or the PKCS #12 file; null for none.</summary>
    public string? Password { get; init; }

    /// <summary>PEM file of the authorities whose clients are trusted; needed unless clients show nothing.</summary>
    public string? AuthoritiesFile { get; init; }

    /// <summary>Whether clients show a certificate.</summary>
    public ClientCertificates ClientCertificates { get; init; } = ClientCertificates.Need;

    /// <summary>
    /// Whether clients' certificates are looked up at their authorities (CRL or OCSP, as they name it) and refused if
    /// revoked, or if that cannot be found out (ZooKeeper's <c>ssl.crl</c> and <c>ssl.ocsp</c>).
    /// </summary>
    public bool CheckRevocation { get; init; }

    /// <summary>The subject who may do anything (ZooKeeper's <c>X509AuthenticationProvider.superUser</c>).</summary>
    public string? SuperUser { get; init; }
}
