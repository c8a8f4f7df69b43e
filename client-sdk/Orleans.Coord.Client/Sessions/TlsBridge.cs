using System.Net;
using System.Net.Security;
using System.Net.Sockets;

namespace Orleans.Coord.Client;

/// <summary>
/// Encrypts a connection between two sockets: the connection itself keeps its plain socket, which leads to this bridge.
/// Its two threads are its own, so that a starved thread pool does not hold heartbeats up.
/// </summary>
internal static class TlsBridge
{
    private const int BufferBytes = 32 * 1024;

    /// <summary>Shakes hands over the server's socket and returns the plain end.</summary>
    /// <param name="server">Connected; owned by the bridge from here on.</param>
    /// <param name="host">What the server's certificate must be for, unless the options say otherwise.</param>
    /// <param name="options">How.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="System.Security.Authentication.AuthenticationException">A side refused the other.</exception>
    public static async Task<Socket> OpenAsync(
        Socket server, string host, SslClientAuthenticationOptions options, CancellationToken cancellation)
    {
        var secure = new SslStream(new NetworkStream(server, ownsSocket: true));
        try
        {
            await secure.AuthenticateAsClientAsync(For(host, options), cancellation).ConfigureAwait(false);
            (Socket inner, Socket outer) = await NewPairAsync(cancellation).ConfigureAwait(false);
            var plain = new NetworkStream(outer, ownsSocket: true);
            Start("Orleans.Coord TLS out", plain, secure);
            Start("Orleans.Coord TLS in", secure, plain);
            return inner;
        }
        catch
        {
            await secure.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    // The caller's options are for all servers; the name to check is each one's own.
    private static SslClientAuthenticationOptions For(string host, SslClientAuthenticationOptions options) => new()
    {
        TargetHost = options.TargetHost ?? host,
        AllowRenegotiation = options.AllowRenegotiation,
        CertificateChainPolicy = options.CertificateChainPolicy,
        CertificateRevocationCheckMode = options.CertificateRevocationCheckMode,
        CipherSuitesPolicy = options.CipherSuitesPolicy,
        ClientCertificateContext = options.ClientCertificateContext,
        ClientCertificates = options.ClientCertificates,
        EnabledSslProtocols = options.EnabledSslProtocols,
        EncryptionPolicy = options.EncryptionPolicy,
        LocalCertificateSelectionCallback = options.LocalCertificateSelectionCallback,
        RemoteCertificateValidationCallback = options.RemoteCertificateValidationCallback,
    };

    private static async Task<(Socket Inner, Socket Outer)> NewPairAsync(CancellationToken cancellation)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        var inner = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await inner.ConnectAsync(listener.LocalEndPoint!, cancellation).ConfigureAwait(false);
            Socket outer = await listener.AcceptAsync(cancellation).ConfigureAwait(false);
            outer.NoDelay = true;
            if (!Equals(outer.RemoteEndPoint, inner.LocalEndPoint))
            {
                outer.Dispose();
                throw new IOException("Another program has connected to the inside of an encrypted connection");
            }

            return (inner, outer);
        }
        catch
        {
            inner.Dispose();
            throw;
        }
    }

    private static void Start(string name, Stream from, Stream to) =>
        new Thread(() => Copy(from, to)) { Name = name, IsBackground = true }.Start();

    // Whichever direction ends takes the other along.
    private static void Copy(Stream from, Stream to)
    {
        byte[] buffer = new byte[BufferBytes];
        try
        {
            for (int read = from.Read(buffer); read > 0; read = from.Read(buffer))
            {
                to.Write(buffer, 0, read);
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The connection is gone; its owner learns it from its own socket.
        }

        from.Dispose();
        to.Dispose();
    }
}
