using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Orleans.Coord.Gateway;

/// <summary>Takes connections from Kestrel's socket transport and serves each to its end.</summary>
internal sealed class ClientConnectionHandler(GatewayContext gateway)
{
    /// <summary>Serves a client until either side ends it.</summary>
    /// <param name="connection">Its connection.</param>
    /// <param name="tls">Whether it came to the port for TLS.</param>
    /// <param name="stopping">Cancelled when the gateway stops.</param>
    public async Task ServeAsync(ConnectionContext connection, bool tls, CancellationToken stopping)
    {
        var client = (IPEndPoint)connection.RemoteEndPoint!;
        if (client.Address.IsIPv4MappedToIPv6)
        {
            client = new IPEndPoint(client.Address.MapToIPv4(), client.Port);
        }

        if (gateway.Connections.TryAdmit(client.Address) is { } refusal)
        {
            gateway.Counters.AddRefused();
            gateway.Log.Refused(client, refusal);
            return;
        }

        try
        {
            using ClientWire? wire = await OpenWireAsync(connection, client, tls, stopping);
            if (wire is not null)
            {
                await ServeAsync(wire, client);
            }
        }
        finally
        {
            gateway.Connections.Leave(client.Address);
        }
    }

    private async Task ServeAsync(ClientWire wire, IPEndPoint client)
    {
        var served = new ClientConnection(gateway, wire, client);
        gateway.Connections.Add(served);
        try
        {
            await served.RunAsync();
        }
        finally
        {
            gateway.Connections.Remove(served);
        }
    }

    private async Task<ClientWire?> OpenWireAsync(
        ConnectionContext connection, IPEndPoint client, bool tls, CancellationToken stopping)
    {
        Socket socket = connection.Features.Get<IConnectionSocketFeature>()!.Socket;
        if (gateway.Tls is not { } acceptor || !(tls || acceptor.OnPlainPort))
        {
            return new SocketWire(connection, socket);
        }

        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        deadline.CancelAfter(gateway.Options.HandshakeTimeout);
        try
        {
            return tls || await TlsAcceptor.IsHelloAsync(connection, deadline.Token)
                ? await acceptor.AcceptAsync(connection, socket, deadline.Token)
                : new SocketWire(connection, socket);
        }
        catch (Exception exception) when (exception is AuthenticationException or IOException or SocketException
            or OperationCanceledException or ObjectDisposedException)
        {
            gateway.Counters.AddFailedHandshake();
            gateway.Log.Refused(client, "the TLS handshake failed: " + exception.Message);
            return null;
        }
    }
}
