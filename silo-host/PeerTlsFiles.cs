using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Orleans.Coord.Tcp;

namespace Orleans.Coord.SiloHost;

/// <summary>The certificates of the links between members, from the files that <c>Coord:PeerTls</c> names.</summary>
internal static class PeerTlsFiles
{
    /// <summary>Reads the files; null when none is named: links without TLS.</summary>
    /// <exception cref="StartupException">One is missing or holds something else; the sentence names it.</exception>
    public static PeerTlsOptions? Load(PeerTlsSettings settings)
    {
        if (settings.CertificateFile.Length + settings.KeyFile.Length + settings.CaFile.Length == 0)
        {
            return null;
        }

        if (settings.CertificateFile.Length == 0 || settings.CaFile.Length == 0)
        {
            throw new StartupException(
                "TLS between members needs both Coord:PeerTls:CertificateFile, this silo's own certificate, and "
                + "Coord:PeerTls:CaFile, the authorities that issued the members' certificates; one is not set.");
        }

        string authorities = settings.CaFile;
        var trusted = new X509Certificate2Collection();
        Read(nameof(settings.CaFile), authorities, trusted.ImportFromPemFile);
        if (trusted.Count == 0)
        {
            throw new StartupException(
                $"Setting Coord:PeerTls:CaFile is '{authorities}', which holds no certificate in PEM form.");
        }

        Read(nameof(settings.CertificateFile), settings.CertificateFile, file => new X509Certificate2Collection()
            .ImportFromPemFile(file));
        bool apart = settings.KeyFile.Length > 0;
        X509Certificate2? own = null;
        Read(
            apart ? nameof(settings.KeyFile) : nameof(settings.CertificateFile),
            apart ? settings.KeyFile : settings.CertificateFile,
            file => own = X509Certificate2.CreateFromPemFile(settings.CertificateFile, file));
        return new PeerTlsOptions { Certificate = own!, TrustedAuthorities = [.. trusted] };
    }

    private static void Read(string setting, string file, Action<string> read)
    {
        try
        {
            read(file);
        }
        catch (Exception e) when (
            e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            throw new StartupException(
                $"Setting Coord:PeerTls:{setting} is '{file}', which cannot be used: {e.Message}", e);
        }
    }
}
