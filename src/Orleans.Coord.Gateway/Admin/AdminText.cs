using System.Globalization;
using System.Text.Json.Nodes;

namespace Orleans.Coord.Gateway;

/// <summary>Parts of the admin server's answers.</summary>
internal static class AdminText
{
    /// <summary>Lines <c>key=value</c> as entries; the first line of <c>envi</c> is none.</summary>
    public static void AddPairs(JsonObject answer, string text)
    {
        foreach (string line in text.Split('\n'))
        {
            int equals = line.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0)
            {
                answer[SnakeCase(line[..equals])] = Value(line[(equals + 1)..]);
            }
        }
    }

    /// <summary>A number where it is one.</summary>
    public static JsonNode Value(string text) =>
        long.TryParse(text, CultureInfo.InvariantCulture, out long whole) ? JsonValue.Create(whole)
        : double.TryParse(text, CultureInfo.InvariantCulture, out double number) ? JsonValue.Create(number)
        : JsonValue.Create(text);

    /// <summary>A member, as ZooKeeper's view of the quorum has it.</summary>
    public static JsonNode Member(MemberReport member) => new JsonObject
    {
        ["server_addresses"] = new JsonArray($"{member.Host}:{member.PeerPort}"),
        ["election_addresses"] = new JsonArray($"{member.Host}:{member.ElectionPort}"),
        ["client_address"] = member.ClientAddress,
        ["learner_type"] = member.IsObserver ? "OBSERVER" : "PARTICIPANT",
    };

    /// <summary>The clients, those with TLS apart.</summary>
    public static void AddConnections(JsonObject answer, IEnumerable<ClientConnection> all, bool brief)
    {
        var plain = new JsonArray();
        var secure = new JsonArray();
        foreach (ClientConnection connection in all)
        {
            (connection.IsSecure ? secure : plain).Add((JsonNode)Connection(connection, brief));
        }

        answer["connections"] = plain;
        answer["secure_connections"] = secure;
    }

    /// <summary>Sessions by when they expire, and their ephemerals.</summary>
    public static void AddSessions(JsonObject answer, IReadOnlyList<SessionReport> sessions)
    {
        answer["expiry_time_to_session_ids"] = Group(
            sessions.Where(static session => session.ExpiresAt is not null),
            static session => session.ExpiresAt!.Value.ToUnixTimeMilliseconds(),
            static session => JsonValue.Create(session.Id));
        var owners = new JsonObject();
        foreach (SessionReport session in sessions.Where(static session => session.Ephemerals.Count > 0))
        {
            owners[session.Id.ToString(CultureInfo.InvariantCulture)] =
                new JsonArray([.. session.Ephemerals.Select(static path => JsonValue.Create(path))]);
        }

        answer["session_id_to_ephemeral_paths"] = owners;
    }

    /// <summary>The digests of the tree, oldest first.</summary>
    public static void AddDigests(JsonObject answer, IReadOnlyList<KeyValuePair<long, ulong>> digests) =>
        answer["digests"] = new JsonArray([.. digests.Select(static pair => new JsonObject
        {
            ["zxid"] = pair.Key,
            ["digest"] = pair.Value,
            ["digest_version"] = 2,
        })]);

    /// <summary>The server's figures.</summary>
    public static void AddServer(
        JsonObject answer, GatewayCounters counters, ConnectionTable connections, ServerStatistics server)
    {
        answer["version"] = ServerVersion.Text;
        answer["read_only"] = server.Mode == "read-only";
        answer["server_stats"] = new JsonObject
        {
            ["packets_sent"] = counters.PacketsSent,
            ["packets_received"] = counters.PacketsReceived,
            ["max_latency"] = counters.Latency.MaxMs,
            ["min_latency"] = counters.Latency.MinMs,
            ["avg_latency"] = counters.Latency.AverageMs,
            ["server_state"] = server.Mode,
            ["outstanding_requests"] = connections.Outstanding,
            ["last_processed_zxid"] = server.LastZxid,
            ["data_dir_size"] = server.Configuration.DataDirectoryBytes,
            ["log_dir_size"] = server.Configuration.LogDirectoryBytes,
            ["num_alive_client_connections"] = connections.Count,
            ["uptime"] = ProcessFigures.UptimeMs(),
            ["provider_null"] = false,
        };
        answer["node_count"] = server.ZnodeCount;
    }

    /// <summary>Things by a key, as lists.</summary>
    public static JsonObject Group<T, TKey>(IEnumerable<T> items, Func<T, TKey> key, Func<T, JsonNode?> value)
        where TKey : notnull
    {
        var groups = new JsonObject();
        foreach (IGrouping<TKey, T> group in items.GroupBy(key))
        {
            string name = Convert.ToString(group.Key, CultureInfo.InvariantCulture)!;
            groups[name] = new JsonArray([.. group.Select(value)]);
        }

        return groups;
    }

    private static JsonObject Connection(ClientConnection connection, bool brief)
    {
        ConnectionStatistics figures = connection.Statistics;
        var info = new JsonObject
        {
            ["remote_socket_address"] = connection.RemoteEndPoint.ToString(),
            ["interest_ops"] = figures.SessionId == 0 ? 0 : 1,
            ["outstanding_requests"] = connection.Outstanding,
            ["packets_received"] = figures.Received,
            ["packets_sent"] = figures.Sent,
        };
        if (!brief)
        {
            LatencyMeter latency = figures.Latency;
            info["session_id"] = figures.SessionId;
            info["last_operation"] = OperationName.Of(figures.LastOperation);
            info["established"] = figures.Established.ToUnixTimeMilliseconds();
            info["session_timeout"] = figures.TimeoutMs;
            info["last_cxid"] = figures.LastXid;
            info["last_zxid"] = figures.LastZxid;
            info["last_response_time"] = figures.LastResponseMs;
            info["last_latency"] = latency.LastMs;
            info["min_latency"] = latency.MinMs;
            info["avg_latency"] = (long)latency.AverageMs;
            info["max_latency"] = latency.MaxMs;
        }

        return info;
    }

    // As ZooKeeper spells the keys of `conf`: clientPort becomes client_port; those with dots stay.
    private static string SnakeCase(string key) => key.Contains('.', StringComparison.Ordinal)
        ? key
        : string.Concat(key.Select(static c => char.IsUpper(c) ? "_" + char.ToLowerInvariant(c) : c.ToString()));
}
