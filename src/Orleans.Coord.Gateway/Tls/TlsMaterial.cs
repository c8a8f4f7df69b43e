using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Orleans.Coord.Gateway;

/// <summary>The certificates of a gateway, as their files are now.</summary>
internal sealed class TlsMaterial
{
    private const int LookAgainMs = 5000;

    // Well below the time that a client has for its handshake.
    private static readonly TimeSpan _retrievalTimeout = TimeSpan.FromSeconds(5);

    private readonly ClientTlsOptions _options;
    private readonly Action<string> _complain;
    private readonly Lock _lock = new();
    private State _state;
    private long _nextLookMs;

    /// <param name="options">The files.</param>
    /// <param name="complain">Told why changed files cannot be used; the old ones serve on.</param>
    /// <exception cref="ArgumentException">The files cannot be used; names the setting.</exception>
    public TlsMaterial(ClientTlsOptions options, Action<string> complain)
    {
        _options = options;
        _complain = complain;
        if (options.ClientCertificates != ClientCertificates.None && options.AuthoritiesFile is null)
        {
            throw new ArgumentException(
                "ClientTls:Authorities: clients are to show certificates, so it must name the file of the authorities "
                + "that are trusted; or set ClientTls:ClientAuth to none.");
        }

        _state = Load();
        _nextLookMs = Environment.TickCount64 + LookAgainMs;
    }

    /// <summary>What the next handshake uses.</summary>
    public State Current
    {
        get
        {
            lock (_lock)
            {
                long now = Environment.TickCount64;
                if (now >= _nextLookMs)
                {
                    _nextLookMs = now + LookAgainMs;
                    Reload();
                }

                return _state;
            }
        }
    }

    private void Reload()
    {
        try
        {
            if (Stamp() != _state.Stamp)
            {
                _state = Load();
            }
        }
        catch (Exception exception) when (exception is ArgumentException or IOException)
        {
            _complain(exception.Message);
        }
    }

    private State Load()
    {
        DateTime stamp = Stamp();
        (X509Certificate2 certificate, X509Certificate2Collection chain) =
            Read("ClientTls:Certificate", _options.CertificateFile, ReadCertificate);
        X509Certificate2Collection authorities = _options.AuthoritiesFile is { } file
            ? Read("ClientTls:Authorities", file, ReadAuthorities)
            : [];
        if (!certificate.HasPrivateKey)
        {
            throw new ArgumentException(
                $"ClientTls:Certificate: {_options.CertificateFile} has no private key; "
                + "name its file in ClientTls:Key.");
        }

        return new State(
            stamp, SslStreamCertificateContext.Create(certificate, chain, offline: true), authorities,
            _options.CheckRevocation);
    }

    private static T Read<T>(string setting, string file, Func<string, T> read)
    {
        try
        {
            return read(file);
        }
        catch (Exception exception) when (exception is IOException or CryptographicException
            or UnauthorizedAccessException)
        {
            throw new ArgumentException($"{setting}: {file} cannot be read: {exception.Message}", exception);
        }
    }

    private (X509Certificate2 Certificate, X509Certificate2Collection Chain) ReadCertificate(string file)
    {
        if (Path.GetExtension(file) is ".p12" or ".pfx")
        {
            X509Certificate2Collection all =
                X509CertificateLoader.LoadPkcs12CollectionFromFile(file, _options.Password);
            X509Certificate2 own = all.FirstOrDefault(one => one.HasPrivateKey) ?? all[0];
            return (own, [.. all.Where(one => one != own)]);
        }

        X509Certificate2 certificate = _options.Password is { } password
            ? X509Certificate2.CreateFromEncryptedPemFile(file, password, _options.KeyFile)
            : X509Certificate2.CreateFromPemFile(file, _options.KeyFile);
        var chain = new X509Certificate2Collection();
        chain.ImportFromPemFile(file);
        return (certificate, [.. chain.Where(one => !one.Equals(certificate))]);
    }

    private static X509Certificate2Collection ReadAuthorities(string file)
    {
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(file);
        return authorities.Count > 0 ? authorities : throw new CryptographicException("it holds no certificate");
    }

    private DateTime Stamp() => new[] { _options.CertificateFile, _options.KeyFile, _options.AuthoritiesFile }
        .OfType<string>()
        .Max(File.GetLastWriteTimeUtc);

    /// <summary>Files as they were read at one moment.</summary>
    public sealed record State(
        DateTime Stamp, SslStreamCertificateContext Certificate, X509Certificate2Collection Authorities,
        bool CheckRevocation)
    {
        /// <summary>
        /// How clients' certificates are judged: by these authorities alone; nothing is fetched but, where that is
        /// asked for, whether they are revoked.
        /// </summary>
        public X509ChainPolicy Policy
        {
            get
            {
                var policy = new X509ChainPolicy
                {
                    TrustMode = X509ChainTrustMode.CustomRootTrust,
                    RevocationMode = CheckRevocation ? X509RevocationMode.Online : X509RevocationMode.NoCheck,
                    RevocationFlag = X509RevocationFlag.ExcludeRoot,
                    UrlRetrievalTimeout = _retrievalTimeout,
                    DisableCertificateDownloads = true,
                };
                policy.CustomTrustStore.AddRange(Authorities);
                return policy;
            }
        }
    }
}
