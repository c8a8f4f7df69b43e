using System.Globalization;
using System.Text;

namespace Orleans.Coord.Gateway;

/// <summary><c>srvr</c>, <c>stat</c> and <c>cons</c>.</summary>
internal static class ServerText
{
    /// <summary>The answer to <c>srvr</c> or, with the list of clients, <c>stat</c>.</summary>
    public static void Append(
        StringBuilder text,
        GatewayCounters counters,
        ConnectionTable connections,
        ServerStatistics server,
        bool withClients)
    {
        CultureInfo plain = CultureInfo.InvariantCulture;
        LatencyMeter latency = counters.Latency;
        text.Append(plain, $"Zookeeper version: {ServerVersion.Text}\n");
        if (server.Mode == "read-only")
        {
            text.Append("READ-ONLY mode; serving only read-only clients\n");
        }

        if (withClients)
        {
            text.Append("Clients:\n");
            AppendConnections(text, connections.All, brief: true);
        }

        text.Append(
            plain, $"Latency min/avg/max: {latency.MinMs}/{JavaText.Number(latency.AverageMs)}/{latency.MaxMs}\n");
        text.Append(plain, $"Received: {counters.PacketsReceived}\n");
        text.Append(plain, $"Sent: {counters.PacketsSent}\n");
        text.Append(plain, $"Connections: {connections.Count}\n");
        text.Append(plain, $"Outstanding: {connections.Outstanding}\n");
        text.Append(plain, $"Zxid: {JavaText.Hex(server.LastZxid)}\n");
        text.Append(plain, $"Mode: {server.Mode}\n");
        text.Append(plain, $"Node count: {server.ZnodeCount}\n");
    }

    /// <summary>A line for each connection, then an empty one.</summary>
    public static void AppendConnections(StringBuilder text, IEnumerable<ClientConnection> connections, bool brief)
    {
        foreach (ClientConnection connection in connections)
        {
            AppendConnection(text, connection, brief);
        }

        text.Append('\n');
    }

    private static void AppendConnection(StringBuilder text, ClientConnection connection, bool brief)
    {
        CultureInfo plain = CultureInfo.InvariantCulture;
        ConnectionStatistics figures = connection.Statistics;

        // In brackets ZooKeeper shows its selector's interest: 1 when it waits for requests.
        int interest = figures.SessionId == 0 ? 0 : 1;
        text.Append(plain, $" {JavaText.Address(connection.RemoteEndPoint)}[{interest}]");
        text.Append(plain, $"(queued={connection.Outstanding},recved={figures.Received},sent={figures.Sent}");
        if (!brief && figures.SessionId != 0)
        {
            LatencyMeter latency = figures.Latency;
            text.Append(plain, $",sid={JavaText.Hex(figures.SessionId)},lop={OperationName.Of(figures.LastOperation)}");
            text.Append(plain, $",est={figures.Established.ToUnixTimeMilliseconds()},to={figures.TimeoutMs}");
            if (figures.LastXid >= 0)
            {
                text.Append(plain, $",lcxid={JavaText.Hex(figures.LastXid)}");
            }

            text.Append(plain, $",lzxid={JavaText.Hex(figures.LastZxid)},lresp={figures.LastResponseMs}");
            text.Append(plain, $",llat={latency.LastMs},minlat={latency.MinMs}");
            text.Append(plain, $",avglat={(long)latency.AverageMs},maxlat={latency.MaxMs}");
        }

        text.Append(")\n");
    }
}
