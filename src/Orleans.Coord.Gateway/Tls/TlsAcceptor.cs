using System.IO.Pipelines;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;

namespace Orleans.Coord.Gateway;

/// <summary>Shakes hands with TLS clients.</summary>
internal sealed class TlsAcceptor(ClientTlsOptions options, Action<string> complain)
{
    // The first byte of TLS's hello. As that of a frame's length it would mean hundreds of megabytes.
    private const byte HelloByte = 0x16;

    private readonly TlsMaterial _material = new(options, complain);

    /// <summary>Whether plain clients' port takes TLS too.</summary>
    public bool OnPlainPort => options.OnPlainPort;

    /// <summary>Looks at a client's first byte, and leaves it where it is.</summary>
    public static async Task<bool> IsHelloAsync(ConnectionContext connection, CancellationToken deadline)
    {
        ReadResult result = await connection.Transport.Input.ReadAsync(deadline);
        bool hello = !result.Buffer.IsEmpty && result.Buffer.FirstSpan[0] == HelloByte;
        connection.Transport.Input.AdvanceTo(result.Buffer.Start);
        return hello;
    }

    /// <summary>Shakes hands.</summary>
    /// <exception cref="AuthenticationException">The client is not trusted, or speaks something else.</exception>
    /// <exception cref="IOException">The client hung up.</exception>
    /// <exception cref="OperationCanceledException">The client took too long.</exception>
    public async Task<TlsWire> AcceptAsync(ConnectionContext connection, Socket socket, CancellationToken deadline)
    {
        TlsMaterial.State material = _material.Current;
        var stream = new SslStream(new TransportStream(connection.Transport.Input, socket), leaveInnerStreamOpen: true);
        await stream.AuthenticateAsServerAsync(
            new SslServerAuthenticationOptions
            {
                ServerCertificateContext = material.Certificate,
                ClientCertificateRequired = options.ClientCertificates != ClientCertificates.None,
                CertificateChainPolicy = material.Policy,
                RemoteCertificateValidationCallback = (_, shown, _, errors) => shown is null
                    ? options.ClientCertificates != ClientCertificates.Need
                    : errors == SslPolicyErrors.None,
            },
            deadline);
        return new TlsWire(connection, socket, stream, IdentitiesOf(stream));
    }

    private IReadOnlyList<(string Scheme, string Id)> IdentitiesOf(SslStream stream)
    {
        if (stream.RemoteCertificate is not X509Certificate2 certificate)
        {
            return [];
        }

        string subject = DistinguishedName.Format(certificate.SubjectName);
        return subject == options.SuperUser ? [("x509", subject), ("super", "")] : [("x509", subject)];
    }
}
