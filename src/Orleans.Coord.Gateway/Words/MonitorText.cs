using System.Globalization;
using System.Text;

namespace Orleans.Coord.Gateway;

/// <summary><c>mntr</c>: key, tab, value.</summary>
internal static class MonitorText
{
    /// <summary>The answer to <c>mntr</c>.</summary>
    public static void Append(
        StringBuilder text, GatewayCounters counters, ConnectionTable connections, ServerStatistics server)
    {
        LatencyMeter latency = counters.Latency;
        Line(text, "version", ServerVersion.Text);
        Line(text, "server_state", server.Mode);
        Line(text, "ephemerals_count", server.EphemeralCount);
        Line(text, "num_alive_connections", connections.Count);
        Line(text, "avg_latency", JavaText.Number(latency.AverageMs));
        Line(text, "outstanding_requests", connections.Outstanding);
        Line(text, "znode_count", server.ZnodeCount);
        Line(text, "global_sessions", server.SessionCount);
        Line(text, "packets_sent", counters.PacketsSent);
        Line(text, "packets_received", counters.PacketsReceived);
        Line(text, "watch_count", server.WatchCount);
        Line(text, "min_latency", latency.MinMs);
        Line(text, "max_latency", latency.MaxMs);
        Line(text, "max_file_descriptor_count", ProcessFigures.MaxFileDescriptors());
        Line(text, "open_file_descriptor_count", ProcessFigures.OpenFileDescriptors());
        Line(text, "approximate_data_size", server.ApproximateDataBytes);
        Line(text, "local_sessions", 0);
        Line(text, "uptime", ProcessFigures.UptimeMs());
        Line(text, "connection_rejected", counters.ConnectionsRefused);
        Line(text, "connection_drop_count", counters.ConnectionsMalformed);
        Line(text, "unsuccessful_handshake", counters.FailedHandshakes);
        foreach ((string key, string value) in server.Metrics)
        {
            Line(text, key, value);
        }
    }

    private static void Line(StringBuilder text, string key, long value) =>
        Line(text, key, value.ToString(CultureInfo.InvariantCulture));

    private static void Line(StringBuilder text, string key, string value) =>
        text.Append("zk_").Append(key).Append('\t').Append(value).Append('\n');
}
