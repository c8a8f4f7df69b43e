using System.Net;
using Orleans.Coord.Gateway;

namespace Orleans.Coord.SiloHost;

/// <summary>TLS for clients, as the settings say.</summary>
internal static class ClientTls
{
    public static ClientTlsOptions? OptionsOf(ClientTlsSettings settings, IPAddress address)
    {
        if (settings.Port == 0 && !settings.OnClientPort)
        {
            return null;
        }

        return new ClientTlsOptions
        {
            EndPoint = settings.Port == 0 ? null : new IPEndPoint(address, settings.Port),
            OnPlainPort = settings.OnClientPort,
            CertificateFile = settings.Certificate,
            KeyFile = OrNull(settings.Key),
            Password = OrNull(settings.Password),
            AuthoritiesFile = OrNull(settings.Authorities),
            ClientCertificates = settings.ClientAuth switch
            {
                "none" => ClientCertificates.None,
                "want" => ClientCertificates.Want,
                _ => ClientCertificates.Need,
            },
            CheckRevocation = settings.CheckRevocation,
            SuperUser = OrNull(settings.SuperUser),
        };
    }

    private static string? OrNull(string text) => text.Length == 0 ? null : text;
}
