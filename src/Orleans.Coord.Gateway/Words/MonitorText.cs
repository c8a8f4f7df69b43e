using System.Globalization;
using System.Text;

namespace Orleans.Coord.Gateway;

/// <summary>The figures of <c>mntr</c>: keys and values.</summary>
internal static class MonitorText
{
    /// <summary>The answer to <c>mntr</c>: key, tab, value.</summary>
    public static void Append(StringBuilder text, IEnumerable<KeyValuePair<string, string>> figures)
    {
        foreach ((string key, string value) in figures)
        {
            text.Append(key).Append('\t').Append(value).Append('\n');
        }
    }

    /// <summary>The figures at this moment.</summary>
    public static List<KeyValuePair<string, string>> Figures(
        GatewayCounters counters, ConnectionTable connections, SharedIntake intake, ServerStatistics server)
    {
        var figures = new List<KeyValuePair<string, string>>();
        LatencyMeter latency = counters.Latency;
        Add(figures, "version", ServerVersion.Text);
        Add(figures, "server_state", server.Mode);
        Add(figures, "ephemerals_count", server.EphemeralCount);
        Add(figures, "num_alive_connections", connections.Count);
        Add(figures, "avg_latency", JavaText.Number(latency.AverageMs));
        Add(figures, "outstanding_requests", connections.Outstanding);
        Add(figures, "znode_count", server.ZnodeCount);
        Add(figures, "global_sessions", server.SessionCount);
        Add(figures, "packets_sent", counters.PacketsSent);
        Add(figures, "packets_received", counters.PacketsReceived);
        Add(figures, "watch_count", server.WatchCount);
        Add(figures, "min_latency", latency.MinMs);
        Add(figures, "max_latency", latency.MaxMs);
        Add(figures, "max_file_descriptor_count", ProcessFigures.MaxFileDescriptors());
        Add(figures, "open_file_descriptor_count", ProcessFigures.OpenFileDescriptors());
        Add(figures, "approximate_data_size", server.ApproximateDataBytes);
        Add(figures, "local_sessions", 0);
        Add(figures, "uptime", ProcessFigures.UptimeMs());
        Add(figures, "connection_rejected", counters.ConnectionsRefused);
        Add(figures, "connection_drop_count", counters.ConnectionsMalformed);
        Add(figures, "request_throttle_wait_count", intake.Waits);
        Add(figures, "large_requests_rejected", intake.RejectedLarge);
        Add(figures, "unsuccessful_handshake", counters.FailedHandshakes);
        foreach ((string key, string value) in server.Metrics)
        {
            Add(figures, key, value);
        }

        return figures;
    }

    private static void Add(List<KeyValuePair<string, string>> figures, string key, long value) =>
        Add(figures, key, value.ToString(CultureInfo.InvariantCulture));

    private static void Add(List<KeyValuePair<string, string>> figures, string key, string value) =>
        figures.Add(new KeyValuePair<string, string>("zk_" + key, value));
}
