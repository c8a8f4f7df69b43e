using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Orleans.Coord.Gateway;

/// <summary>
/// What the admin server's commands answer, in the shape of ZooKeeper's: the command's own entries, then
/// <c>command</c> with its name and <c>error</c>, null if all went well.
/// </summary>
internal sealed class AdminCommands(
    GatewayOptions options,
    GatewayCounters counters,
    ConnectionTable connections,
    SharedIntake intake,
    TraceMask traceMask,
    IServerReport? report,
    Func<(int Plain, int Tls)> ports)
{
    private static readonly string[][] _names =
    [
        ["configuration", "conf", "config"], ["connection_stat_reset", "crst"], ["connections", "cons"], ["dirs"],
        ["dump"], ["environment", "env", "envi"], ["get_trace_mask", "gtmk"], ["hash"],
        ["initial_configuration", "icfg"], ["is_read_only", "isro"], ["last_snapshot", "lsnp"], ["leader", "lead"],
        ["monitor", "mntr"], ["observer_connection_stat_reset", "orst"], ["observers", "obsr"], ["ruok"],
        ["server_stats", "srvr"], ["set_trace_mask", "stmk"], ["snapshot", "snap"], ["stat_reset", "srst"],
        ["stats", "stat"], ["system_properties", "sysp"], ["voting_view"], ["watch_summary", "wchs"],
        ["watches", "wchc"], ["watches_by_path", "wchp"], ["zabstate"],
    ];

    /// <summary>The commands' names.</summary>
    public static IEnumerable<string> Names => _names.Select(static names => names[0]);

    /// <summary>Runs a command.</summary>
    /// <param name="name">Its name, or a short one.</param>
    /// <param name="query">Its arguments.</param>
    public async Task<JsonObject> RunAsync(string name, IQueryCollection query)
    {
        string? command = _names.FirstOrDefault(names => names.Contains(name))?[0];
        var answer = new JsonObject();
        string? error = command is null
            ? "Unknown command: " + name
            : await FillAsync(command, query, answer);
        answer["command"] = command ?? name;
        answer["error"] = error;
        return answer;
    }

    /// <summary>Ends the session named by <c>session_id</c>, decimal or with 0x. Ours, for what JMX did.</summary>
    public async Task<JsonObject> EndSessionAsync(IQueryCollection query)
    {
        string text = query["session_id"].ToString();
        bool isHex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        bool readable = long.TryParse(
            isHex ? text[2..] : text, isHex ? NumberStyles.HexNumber : NumberStyles.AllowLeadingSign,
            CultureInfo.InvariantCulture, out long id);
        string? error = !readable ? "close_session requires session_id, a number, or hexadecimal after 0x"
            : !await report.TryEndSessionAsync(id) ? $"there is no session {text} here"
            : null;
        return new JsonObject { ["command"] = "close_session", ["error"] = error };
    }

    /// <summary>Why the process had better be restarted; null while its replica takes turns.</summary>
    public async Task<string?> WhyNotLiveAsync() =>
        await report.TakesTurnsAsync()
            ? null
            : "the replica has not taken a turn for 5 seconds: restart the silo if that lasts";

    /// <summary>Why clients had better go elsewhere; null while this member is of a group with a quorum.</summary>
    public async Task<string?> WhyNotReadyAsync() => await report.TryReadAsync(ReportParts.None) switch
    {
        null => "not serving: there is no leader, or this member has not caught up with it",
        { Mode: "read-only" } => "read-only: this member has no leader",
        _ => null,
    };

    /// <summary>The figures of <c>mntr</c>, as Prometheus reads them.</summary>
    public async Task<string> MetricsAsync()
    {
        var text = new StringBuilder();
        if (await report.TryReadAsync(ReportParts.None) is { } server)
        {
            foreach ((string key, string value) in MonitorText.Figures(counters, connections, intake, server))
            {
                bool isNumber = double.TryParse(value, CultureInfo.InvariantCulture, out _);
                string line = isNumber ? $"{key} {value}\n" : $"{key}{{value=\"{Escape(value)}\"}} 1\n";
                text.Append($"# TYPE {key} gauge\n").Append(line);
            }
        }

        bool isServing = text.Length > 0;
        return text.Append("# TYPE up gauge\nup ").Append(isServing ? "1\n" : "0\n").ToString();
    }

    private static string Escape(string label) => label
        .Replace("\\", "\\\\", StringComparison.Ordinal)
        .Replace("\"", "\\\"", StringComparison.Ordinal)
        .Replace("\n", "\\n", StringComparison.Ordinal);

    // Returns what went wrong.
    private async Task<string?> FillAsync(string command, IQueryCollection query, JsonObject answer)
    {
        switch (command)
        {
            case "ruok":
                return null;
            case "environment":
                AdminText.AddPairs(answer, EnvironmentText.Compose());
                return null;
            case "system_properties":
                answer["coord.version"] = ServerVersion.Text;
                return null;
            case "get_trace_mask":
                answer["tracemask"] = traceMask.Value;
                return null;
            case "snapshot":
                return "This silo takes no snapshots for the admin server";
            case "set_trace_mask":
                return SetTraceMask(query["traceMask"].ToString(), answer);
        }

        ReportParts parts = command switch
        {
            "dump" => ReportParts.Sessions,
            "watches" or "watches_by_path" => ReportParts.Watches,
            "hash" => ReportParts.Digests,
            _ => ReportParts.None,
        };
        if (await report.TryReadAsync(parts) is not { } server)
        {
            return "This ZooKeeper instance is not currently serving requests";
        }

        Fill(command, server, answer);
        return null;
    }

    private string? SetTraceMask(string text, JsonObject answer)
    {
        if (!long.TryParse(text, CultureInfo.InvariantCulture, out long mask))
        {
            return "setTraceMask requires long traceMask argument" + (text.Length > 0 ? ", got " + text : "");
        }

        traceMask.Value = mask;
        answer["tracemask"] = mask;
        return null;
    }

    private void Fill(string command, ServerStatistics server, JsonObject answer)
    {
        switch (command)
        {
            case "configuration":
                var text = new StringBuilder();
                ConfigurationText.Append(text, options, server.Configuration, ports().Plain, ports().Tls);
                AdminText.AddPairs(answer, text.ToString());
                break;
            case "connection_stat_reset":
                connections.ResetStatistics();
                break;
            case "stat_reset":
                counters.Reset();
                break;
            case "connections":
                AdminText.AddConnections(answer, connections.All, brief: false);
                break;
            case "dirs":
                answer["datadir_size"] = server.Configuration.DataDirectoryBytes;
                answer["logdir_size"] = server.Configuration.LogDirectoryBytes;
                break;
            case "dump":
                AdminText.AddSessions(answer, [.. server.LocalSessions ?? [], .. server.Sessions]);
                break;
            case "hash":
                AdminText.AddDigests(answer, server.Digests);
                break;
            case "initial_configuration":
                answer["initial_configuration"] = server.Configuration.Members;
                break;
            case "is_read_only":
                answer["read_only"] = server.Mode == "read-only";
                break;
            case "last_snapshot":
                answer["zxid"] = server.LastSnapshot is { } snapshot
                    ? snapshot.Zxid.ToString("x", CultureInfo.InvariantCulture)
                    : "ffffffffffffffff";
                answer["timestamp"] = server.LastSnapshot?.TimestampMs ?? -1;
                break;
            case "leader":
                answer["is_leader"] = server.Mode is "leader" or "standalone";
                answer["leader_id"] = server.LeaderId;
                answer["leader_ip"] = server.Members.FirstOrDefault(one => one.Id == server.LeaderId)?.Host ?? "";
                break;
            case "monitor":
                foreach ((string key, string value) in MonitorText.Figures(counters, connections, intake, server))
                {
                    answer[key["zk_".Length..]] = AdminText.Value(value);
                }

                break;
            case "observers":
                JsonNode?[] observers =
                    [.. server.Members.Where(static one => one.IsObserver).Select(AdminText.Member)];
                answer["synced_observers"] = observers.Length;
                answer["observers"] = new JsonArray(observers);
                break;
            case "server_stats":
                AdminText.AddServer(answer, counters, connections, server);
                break;
            case "stats":
                AdminText.AddServer(answer, counters, connections, server);
                AdminText.AddConnections(answer, connections.All, brief: true);
                break;
            case "voting_view":
                answer["current_config"] = new JsonObject(server.Members
                    .Where(static one => !one.IsObserver)
                    .Select(static one => KeyValuePair.Create(
                        one.Id.ToString(CultureInfo.InvariantCulture), (JsonNode?)AdminText.Member(one))));
                break;
            case "watch_summary":
                answer["num_connections"] = server.WatchingSessions;
                answer["num_paths"] = server.WatchedPaths;
                answer["num_total_watches"] = server.WatchCount;
                break;
            case "watches":
                answer["session_id_to_watched_paths"] = AdminText.Group(
                    server.Watches, static watch => watch.SessionId, static watch => JsonValue.Create(watch.Path));
                break;
            case "watches_by_path":
                answer["path_to_session_ids"] = AdminText.Group(
                    server.Watches, static watch => watch.Path, static watch => JsonValue.Create(watch.SessionId));
                break;
            case "zabstate":
                answer["voting"] = server.Mode is "leader" or "follower";
                answer["zabstate"] =
                    server.Mode switch { "standalone" => "", "read-only" => "election", _ => "broadcast" };
                break;
        }
    }
}
