using System.Net;
using System.Text.Json.Nodes;

namespace Orleans.Coord.Gateway.Tests;

/// <summary>The words over HTTP.</summary>
public sealed class AdminTests
{
    [Fact]
    public async Task All_commands_are_listed_and_answer_with_their_name_and_no_error()
    {
        await using GatewayFixture gateway = await StartAsync();
        using var http = new HttpClient { BaseAddress = AddressOf(gateway) };
        string list = await http.GetStringAsync(new Uri("/commands", UriKind.Relative));
        Assert.Equal(27, AdminCommands.Names.Count());
        foreach (string name in AdminCommands.Names)
        {
            Assert.Contains($"<a href=\"/commands/{name}\">{name}</a>", list, StringComparison.Ordinal);
            JsonNode answer = await RunAsync(http, name == "set_trace_mask" ? name + "?traceMask=7" : name);
            Assert.Equal(name, (string?)answer["command"]);
            Assert.Equal(
                name == "snapshot" ? "This silo takes no snapshots for the admin server" : null,
                (string?)answer["error"]);
        }
    }

    [Fact]
    public async Task Short_names_and_the_figures_are_those_of_the_words()
    {
        await using GatewayFixture gateway = await StartAsync();
        using TestClient client = await gateway.ConnectAsync();
        await client.RequestAsync(Wire.Request(5));
        using var http = new HttpClient { BaseAddress = AddressOf(gateway) };
        JsonNode stats = await RunAsync(http, "stat");
        Assert.Equal("stats", (string?)stats["command"]);
        Assert.Equal(1, (int?)stats["server_stats"]?["num_alive_client_connections"]);
        Assert.Equal(client.LocalEndPoint.ToString(), (string?)stats["connections"]?[0]?["remote_socket_address"]);
        JsonNode monitor = await RunAsync(http, "mntr");
        Assert.Equal("standalone", (string?)monitor["server_state"]);
        Assert.Equal(1, (int?)monitor["num_alive_connections"]);
        JsonNode cons = await RunAsync(http, "cons");
        Assert.Equal("GETD", (string?)cons["connections"]?[0]?["last_operation"]);
        Assert.Equal(gateway.Server.EndPoint.Port, (int?)(await RunAsync(http, "conf"))["client_port"]);
    }

    [Fact]
    public async Task Members_are_told_as_they_are_now()
    {
        var report = new FakeReport
        {
            Statistics = FakeReport.Sample with
            {
                LeaderId = 2,
                Members =
                [
                    new(1, "a", 2888, 3888, "a:2181", false), new(2, "b", 2888, 3888, "", false),
                    new(7, "c", 2888, 3888, "c:2181", true),
                ],
            },
        };
        await using GatewayFixture gateway = await StartAsync(report);
        using var http = new HttpClient { BaseAddress = AddressOf(gateway) };
        JsonNode view = (await RunAsync(http, "voting_view"))["current_config"]!;
        Assert.Equal(["1", "2"], view.AsObject().Select(one => one.Key));
        Assert.Equal(
            """{"server_addresses":["a:2888"],"election_addresses":["a:3888"],"client_address":"a:2181","""
            + "\"learner_type\":\"PARTICIPANT\"}",
            view["1"]!.ToJsonString());
        JsonNode observers = await RunAsync(http, "obsr");
        Assert.Equal(1, (int?)observers["synced_observers"]);
        Assert.Equal("c:2181", (string?)observers["observers"]?[0]?["client_address"]);
        JsonNode leader = await RunAsync(http, "lead");
        Assert.Equal((2, "b"), ((int?)leader["leader_id"], (string?)leader["leader_ip"]));
    }

    [Fact]
    public async Task What_is_unknown_or_not_serving_is_told_in_the_answer()
    {
        var report = new FakeReport { Statistics = null };
        await using GatewayFixture gateway = await StartAsync(report);
        using var http = new HttpClient { BaseAddress = AddressOf(gateway) };
        Assert.Equal("Unknown command: nonsense", (string?)(await RunAsync(http, "nonsense"))["error"]);
        Assert.Equal(
            "This ZooKeeper instance is not currently serving requests",
            (string?)(await RunAsync(http, "srvr"))["error"]);
        Assert.Null((await RunAsync(http, "ruok"))["error"]);
        Assert.StartsWith(
            "setTraceMask requires long traceMask",
            (string?)(await RunAsync(http, "stmk?traceMask=x"))["error"],
            StringComparison.Ordinal);
        string metrics = await http.GetStringAsync(new Uri("/metrics", UriKind.Relative));
        Assert.EndsWith("up 0\n", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Metrics_are_in_the_text_format_of_Prometheus()
    {
        await using GatewayFixture gateway = await StartAsync();
        using var http = new HttpClient { BaseAddress = AddressOf(gateway) };
        string text = await http.GetStringAsync(new Uri("/metrics", UriKind.Relative));
        Assert.Contains(
            "# TYPE zk_num_alive_connections gauge\nzk_num_alive_connections 0\n", text, StringComparison.Ordinal);
        Assert.Contains("zk_server_state{value=\"standalone\"} 1\n", text, StringComparison.Ordinal);
        Assert.EndsWith("up 1\n", text, StringComparison.Ordinal);
        Assert.All(
            text.Split('\n', StringSplitOptions.RemoveEmptyEntries),
            line => Assert.Matches(@"^(# TYPE \w+ gauge|\w+(\{value="".*""\})? -?[\d.]+)$", line));
    }

    [Theory]
    [InlineData("leader", "200 ok", "200 ok")]
    [InlineData("read-only", "200 ok", "503 read-only: this member has no leader")]
    [InlineData(null, "200 ok", "503 not serving: there is no leader, or this member has not caught up with it")]
    [InlineData("stuck", "503 the replica has not taken a turn for 5 seconds: restart the silo if that lasts",
        "503 not serving")]
    public async Task Probes_learn_whether_the_replica_takes_turns_and_whether_it_serves(
        string? mode, string live, string ready)
    {
        FakeReport report = mode == "stuck" ? new() { IsStuck = true }
            : new() { Statistics = mode is null ? null : FakeReport.Sample with { Mode = mode } };
        await using GatewayFixture gateway = await StartAsync(report);
        using var http = new HttpClient { BaseAddress = AddressOf(gateway) };
        Assert.Equal(live, await ProbeAsync(http, "/livez"));
        Assert.StartsWith(ready, await ProbeAsync(http, "/readyz"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/", HttpStatusCode.NotFound)]
    [InlineData("/commandsx", HttpStatusCode.NotFound)]
    [InlineData("/commands/", HttpStatusCode.OK)]
    public async Task Other_paths_are_not_found(string path, HttpStatusCode expected)
    {
        await using GatewayFixture gateway = await StartAsync();
        using var http = new HttpClient { BaseAddress = AddressOf(gateway) };
        using HttpResponseMessage response = await http.GetAsync(new Uri(path, UriKind.Relative));
        Assert.Equal(expected, response.StatusCode);
    }

    [Fact]
    public async Task Nothing_is_written_by_post()
    {
        await using GatewayFixture gateway = await StartAsync();
        using var http = new HttpClient { BaseAddress = AddressOf(gateway) };
        using var nothing = new StringContent("");
        using HttpResponseMessage response = await http.PostAsync(new Uri("/commands/crst", UriKind.Relative), nothing);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, response.StatusCode);
    }

    [Theory]
    [InlineData("0xff", 255, null)]
    [InlineData("-2", -2, null)]
    [InlineData("0xfffffffffffffffe", -2, null)]
    [InlineData("0", 0, "there is no session 0 here")]
    public async Task An_operator_ends_a_session_by_its_number(string text, long id, string? error)
    {
        var report = new FakeReport();
        await using GatewayFixture gateway = await StartAsync(report);
        Assert.Equal(error, await EndSessionAsync(gateway, text));
        Assert.Equal([id], report.EndedSessions);
    }

    [Theory]
    [InlineData("")]
    [InlineData("bob")]
    [InlineData("ff")]
    public async Task What_is_no_sessions_number_is_told(string text)
    {
        var report = new FakeReport();
        await using GatewayFixture gateway = await StartAsync(report);
        Assert.StartsWith(
            "close_session requires session_id", await EndSessionAsync(gateway, text), StringComparison.Ordinal);
        Assert.Empty(report.EndedSessions);
    }

    private static async Task<string?> EndSessionAsync(GatewayFixture gateway, string id)
    {
        using var http = new HttpClient { BaseAddress = AddressOf(gateway) };
        using var nothing = new StringContent("");
        var command = new Uri("/commands/close_session?session_id=" + id, UriKind.Relative);
        using HttpResponseMessage response = await http.PostAsync(command, nothing);
        return (string?)JsonNode.Parse(await response.Content.ReadAsStringAsync())!["error"];
    }

    private static Task<GatewayFixture> StartAsync(FakeReport? report = null) => GatewayFixture.StartAsync(
        new GatewayOptions { AdminEndPoint = new IPEndPoint(IPAddress.Loopback, 0), FourLetterWords = ["*"] },
        report ?? new FakeReport());

    private static Uri AddressOf(GatewayFixture gateway) => new($"http://{gateway.Server.AdminEndPoint}");

    private static async Task<string> ProbeAsync(HttpClient http, string path)
    {
        using HttpResponseMessage response = await http.GetAsync(new Uri(path, UriKind.Relative));
        return $"{(int)response.StatusCode} {(await response.Content.ReadAsStringAsync()).Trim()}";
    }

    private static async Task<JsonNode> RunAsync(HttpClient http, string command)
    {
        string text = await http.GetStringAsync(new Uri("/commands/" + command, UriKind.Relative));
        return JsonNode.Parse(text)!;
    }
}
