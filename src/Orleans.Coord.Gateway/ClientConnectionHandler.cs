using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Orleans.Coord.Gateway;

/// <summary>Takes connections from Kestrel's socket transport and serves each to its end.</summary>
internal sealed class ClientConnectionHandler(GatewayContext gateway) : ConnectionHandler
{
    /// <inheritdoc/>
    public override async Task OnConnectedAsync(ConnectionContext connection)
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

        var socket = connection.Features.Get<IConnectionSocketFeature>()!.Socket;
        var served = new ClientConnection(gateway, connection, socket, client);
        gateway.Connections.Add(served);
        try
        {
            await served.RunAsync();
        }
        finally
        {
            gateway.Connections.Remove(served);
            gateway.Connections.Leave(client.Address);
        }
    }
}
