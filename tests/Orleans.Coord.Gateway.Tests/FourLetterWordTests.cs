using System.Globalization;
using System.Text.RegularExpressions;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Gateway.Tests;

/// <summary>The formats were taken from the answers of a real ZooKeeper 3.8.0.</summary>
public sealed partial class FourLetterWordTests
{
    private static readonly GatewayOptions _all = new() { FourLetterWords = ["*"] };

    [Fact]
    public async Task Ruok_and_isro()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(report: new FakeReport());
        Assert.Equal("imok", await gateway.AskAsync("ruok"));
        Assert.Equal("rw", await gateway.AskAsync("isro"));
    }

    [Fact]
    public async Task Isro_of_a_read_only_server()
    {
        var report = new FakeReport { Statistics = FakeReport.Sample with { Mode = "read-only" } };
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(report: report);
        Assert.Equal("ro", await gateway.AskAsync("isro"));
        Assert.Contains("\nREAD-ONLY mode; serving only read-only clients\nLatency ", await gateway.AskAsync("srvr"));
    }

    [Fact]
    public async Task Srvr()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(report: new FakeReport());
        string expected = $"""
            Zookeeper version: {ServerVersion.Text}
            Latency min/avg/max: 0/0.0/0
            Received: 1
            Sent: 0
            Connections: 1
            Outstanding: 0
            Zxid: 0x1f
            Mode: standalone
            Node count: 8

            """;
        Assert.Equal(expected, await gateway.AskAsync("srvr"));
    }

    [Fact]
    public async Task Stat_lists_the_clients_briefly()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(report: new FakeReport());
        using TestClient client = await gateway.ConnectAsync();
        await client.RequestAsync(Wire.Request(5));
        string[] lines = (await gateway.AskAsync("stat")).Split('\n');

        Assert.Equal($"Zookeeper version: {ServerVersion.Text}", lines[0]);
        Assert.Equal("Clients:", lines[1]);
        string[] clients = [.. lines[2..4].Order(StringComparer.Ordinal)];
        Assert.Contains($" /{client.LocalEndPoint}[1](queued=0,recved=2,sent=2)", clients);
        Assert.Contains(clients, line => AskerLine().IsMatch(line));
        Assert.Equal("", lines[4]);
        Assert.StartsWith("Latency min/avg/max: ", lines[5]);
        Assert.Equal("Received: 3", lines[6]);
        Assert.Equal("Sent: 2", lines[7]);
        Assert.Equal("Connections: 2", lines[8]);
    }

    [Fact]
    public async Task Cons_tells_all_about_the_clients()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(report: new FakeReport());
        using TestClient client = await gateway.ConnectAsync();
        await client.RequestAsync(Wire.Request(5));
        await client.RequestAsync(Wire.Request(26, OpCode.SetData, bodyBytes: 4));
        await client.RequestAsync(Wire.Request(-2, OpCode.Ping));
        string answer = await gateway.AskAsync("cons");

        Assert.EndsWith(")\n\n", answer);
        string line = Assert.Single(answer.Split('\n'), line => line.Contains("sid="));
        Match match = ConsLine().Match(line);
        Assert.True(match.Success, line);
        Assert.Equal($"/{client.LocalEndPoint}", match.Groups["address"].Value);
        Assert.Equal("queued=0,recved=4,sent=4,sid=0x1,lop=PING", match.Groups["head"].Value);
        Assert.Equal("10000", match.Groups["to"].Value);
        Assert.Equal("0x1a", match.Groups["lcxid"].Value);
        Assert.Equal("0x3", match.Groups["lzxid"].Value);
    }

    [Fact]
    public async Task Cons_counts_waiting_requests()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(report: new FakeReport());
        gateway.Frontend.Hold = true;
        using TestClient client = await gateway.ConnectAsync();
        await client.SendAsync(Wire.Requests(3));
        await Eventually.TrueAsync(() => gateway.Frontend.Requests == 3, "requests are held");

        Assert.Contains("(queued=3,", await gateway.AskAsync("cons"));
        Assert.Contains("\nOutstanding: 3\n", await gateway.AskAsync("srvr"));
        gateway.Frontend.ReleaseHeld();
    }

    [Fact]
    public async Task Mntr_is_key_tab_value()
    {
        var report = new FakeReport
        {
            Statistics = FakeReport.Sample with { Metrics = [new("synced_followers", "2")] },
        };
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(report: report);
        string answer = await gateway.AskAsync("mntr");
        Dictionary<string, string> values = answer.TrimEnd('\n').Split('\n')
            .Select(line => line.Split('\t')).ToDictionary(parts => parts[0], parts => parts[1]);

        Assert.Equal(ServerVersion.Text, values["zk_version"]);
        Assert.Equal("standalone", values["zk_server_state"]);
        Assert.Equal("1", values["zk_ephemerals_count"]);
        Assert.Equal("1", values["zk_num_alive_connections"]);
        Assert.Equal("0.0", values["zk_avg_latency"]);
        Assert.Equal("0", values["zk_outstanding_requests"]);
        Assert.Equal("8", values["zk_znode_count"]);
        Assert.Equal("2", values["zk_global_sessions"]);
        Assert.Equal("0", values["zk_packets_sent"]);
        Assert.Equal("1", values["zk_packets_received"]);
        Assert.Equal("3", values["zk_watch_count"]);
        Assert.Equal("53", values["zk_approximate_data_size"]);
        Assert.Equal("2", values["zk_synced_followers"]);
        foreach (string key in new[] { "max_file_descriptor_count", "open_file_descriptor_count", "uptime" })
        {
            Assert.True(long.Parse(values["zk_" + key], CultureInfo.InvariantCulture) > 0, key);
        }
    }

    [Fact]
    public async Task Conf_and_dirs()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(
            _all with { MaxConnectionsPerAddress = 60, Backlog = 50 }, new FakeReport());
        string expected = $"""
            clientPort={gateway.Server.EndPoint.Port}
            secureClientPort=-1
            dataDir=/data/version-2
            dataDirSize=67109337
            dataLogDir=/log/version-2
            dataLogSize=4096
            tickTime=2000
            maxClientCnxns=60
            minSessionTimeout=4000
            maxSessionTimeout=40000
            clientPortListenBacklog=50
            serverId=3

            """;
        Assert.Equal(expected, await gateway.AskAsync("conf"));
        Assert.Equal("datadir_size: 67109337\nlogdir_size: 4096\n", await gateway.AskAsync("dirs"));
    }

    [Fact]
    public async Task Conf_ends_with_the_lines_of_the_group()
    {
        var report = new FakeReport
        {
            Statistics = FakeReport.Sample with
            {
                Configuration = new ServerConfiguration { More = [new("initLimit", "10"), new("peerType", "0")] },
            },
        };
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(report: report);
        Assert.EndsWith("serverId=0\ninitLimit=10\npeerType=0\n", await gateway.AskAsync("conf"));
    }

    [Fact]
    public async Task Envi_is_understood_by_kazoo()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        string[] lines = (await gateway.AskAsync("envi")).TrimEnd('\n').Split('\n');
        Assert.Equal("Environment:", lines[0]);
        Dictionary<string, string> values = lines[1..]
            .Select(line => line.Split('=', 2)).ToDictionary(parts => parts[0], parts => parts[1]);

        // kazoo takes the digits and dots at the start, and reads them as a tuple of numbers.
        string version = KazooVersion().Match(values["zookeeper.version"]).Groups[1].Value;
        Assert.Equal([3, 9, 3], version.Split('.').Select(part => int.Parse(part, CultureInfo.InvariantCulture)));
        string[] expected =
        [
            "zookeeper.version", "host.name", "java.version", "java.vendor", "java.home", "java.class.path",
            "java.library.path", "java.io.tmpdir", "java.compiler", "os.name", "os.arch", "os.version", "user.name",
            "user.home", "user.dir", "os.memory.free", "os.memory.max", "os.memory.total",
        ];
        Assert.Equal(expected, values.Keys);
        Assert.Matches("^[0-9]+MB$", values["os.memory.total"]);
    }

    [Fact]
    public async Task Watches_summed_up_by_path_and_by_session()
    {
        var report = new FakeReport();
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(_all, report);
        Assert.Equal("2 connections watching 2 paths\nTotal watches:3\n", await gateway.AskAsync("wchs"));
        Assert.Equal(ReportParts.None, report.LastParts);
        Assert.Equal("/a\n\t0x10\n\t0x11\n/a/b\n\t0x10\n\n", await gateway.AskAsync("wchp"));
        Assert.Equal("0x10\n\t/a\n\t/a/b\n0x11\n\t/a\n\n", await gateway.AskAsync("wchc"));
        Assert.Equal(ReportParts.Watches, report.LastParts);
    }

    [Fact]
    public async Task Dump()
    {
        var report = new FakeReport();
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(report: report);
        string answer = await gateway.AskAsync("dump");

        Assert.Equal(ReportParts.Sessions, report.LastParts);
        const string expected = """
            SessionTracker dump:
            Session Sets (2)/(3):
            1 expire at Sat Nov 21 03:10:20 UTC 2026:
            	0x1000018d0b70002
            2 expire at Sat Nov 21 03:10:40 UTC 2026:
            	0x1000018d0b70000
            	0x1000018d0b70001
            ephemeral nodes dump:
            Sessions with Ephemerals (1):
            0x1000018d0b70000:
            	/e
            	/f
            Connections dump:
            Connections Sets (1)/(1):
            1 expire at 
            """;
        Assert.StartsWith(expected, answer);
        Assert.Matches("\n\tip: /127\\.0\\.0\\.1:[0-9]+ sessionId: 0x0\n$", answer);
    }

    [Fact]
    public async Task Dump_of_a_follower_lists_time_outs()
    {
        var report = new FakeReport
        {
            Statistics = FakeReport.Sample with
            {
                Sessions = [new(0x20, 10_000, null, []), new(0x10, 4_000, null, [])],
            },
        };
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(report: report);
        Assert.StartsWith(
            "SessionTracker dump:\nGlobal Sessions(2):\n0x10\t4000ms\n0x20\t10000ms\nephemeral nodes dump:\n",
            await gateway.AskAsync("dump"));
    }

    [Fact]
    public async Task Dump_tells_local_sessions_from_those_that_all_know()
    {
        var report = new FakeReport
        {
            Statistics = FakeReport.Sample with
            {
                LocalSessions = [FakeReport.Sample.Sessions[2] with { Id = 0x33 }],
                Sessions = [new(0x20, 10_000, null, [])],
            },
        };
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(report: report);
        const string local =
            "SessionTracker dump:\nLocal Session Sets (1)/(1):\n1 expire at Sat Nov 21 03:10:20 UTC 2026:\n\t0x33\n";
        Assert.StartsWith(
            local + "Global Sessions(1):\n0x20\t10000ms\nephemeral nodes dump:\n", await gateway.AskAsync("dump"));
        report.Statistics = report.Statistics with { LocalSessions = [], Sessions = [] };
        Assert.StartsWith(
            "SessionTracker dump:\nLocal Session Sets (0)/(0):\nGlobal Session Sets (0)/(0):\nephemeral nodes dump:\n",
            await gateway.AskAsync("dump"));
    }

    [Fact]
    public async Task Resets()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(_all, new FakeReport());
        using TestClient client = await gateway.ConnectAsync();
        await client.RequestAsync(Wire.Request(1));
        Assert.Equal("Server stats reset.\n", await gateway.AskAsync("srst"));
        Assert.Equal("Connection stats reset.\n", await gateway.AskAsync("crst"));

        string stat = await gateway.AskAsync("stat");
        Assert.Contains($" /{client.LocalEndPoint}[1](queued=0,recved=0,sent=0)\n", stat);
        Assert.Contains("\nReceived: 2\n", stat);
        Assert.Contains(",lop=NA,", await gateway.AskAsync("cons"));
    }

    [Theory]
    [InlineData("wchc")]
    [InlineData("wchp")]
    [InlineData("crst")]
    [InlineData("hash")]
    public async Task A_word_that_is_not_allowed_says_so(string word)
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(report: new FakeReport());
        Assert.Equal($"{word} is not executed because it is not in the whitelist.", await gateway.AskAsync(word));
    }

    [Fact]
    public async Task The_trace_mask_is_the_one_that_was_set()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(_all, new FakeReport());
        Assert.Equal("306", await gateway.AskAsync("gtmk"));
        Assert.Equal("258", await gateway.AskAsync("stmk\0\0\0\0\0\0\u0001\u0002"));
        Assert.Equal("258", await gateway.AskAsync("gtmk"));
    }

    [Fact]
    public async Task A_mask_that_comes_in_pieces_is_waited_for_and_one_that_is_cut_is_padded()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(_all, new FakeReport());
        using TestClient client = await gateway.OpenAsync();
        await client.SendAsync("stmk\0\0\0");
        await Task.Yield();
        await client.SendAsync("\0\0\0\0\u0007");
        Assert.Equal("7", System.Text.Encoding.UTF8.GetString(await client.ReadToEndAsync()));
        using TestClient cut = await gateway.OpenAsync();
        await cut.SendAsync("stmk");
        cut.EndSending();
        Assert.Equal("0", System.Text.Encoding.UTF8.GetString(await cut.ReadToEndAsync()));
    }

    [Fact]
    public async Task Digests_are_listed_with_their_zxids()
    {
        var report = new FakeReport
        {
            Statistics = FakeReport.Sample with { Digests = [new(0x80, 5), new(0x100, ulong.MaxValue)] },
        };
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(_all, report);
        Assert.Equal("80: 5\n100: 18446744073709551615\n", await gateway.AskAsync("hash"));
        Assert.Equal(ReportParts.Digests, report.LastParts);
    }

    [Theory]
    [InlineData("srvr")]
    [InlineData("mntr")]
    [InlineData("conf")]
    public async Task A_replica_that_cannot_serve_is_told(string word)
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(
            report: new FakeReport { Statistics = null });
        Assert.Equal(
            "This ZooKeeper instance is not currently serving requests\n", await gateway.AskAsync(word));
        Assert.Equal("null", await gateway.AskAsync("isro"));
        Assert.Equal("imok", await gateway.AskAsync("ruok"));
    }

    [Fact]
    public async Task Letters_may_come_one_by_one_and_with_a_newline()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        using TestClient client = await gateway.OpenAsync();
        foreach (string letter in new[] { "r", "u", "o", "k", "\r\n" })
        {
            await client.SendAsync(letter);
        }

        Assert.Equal("imok"u8.ToArray(), await client.ReadToEndAsync());
    }

    [Fact]
    public async Task A_client_that_closes_its_half_at_once_is_answered()
    {
        // This is what netcat does.
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        using TestClient client = await gateway.OpenAsync();
        await client.SendAsync("ruok");
        client.EndSending();
        Assert.Equal("imok"u8.ToArray(), await client.ReadToEndAsync());
        await Eventually.TrueAsync(() => gateway.Server.Connections == 0, "the connection is gone");
        Assert.Empty(gateway.Frontend.Connects);
    }

    [Fact]
    public void A_word_that_does_not_exist_is_refused_in_the_settings()
    {
        var exception = Assert.Throws<ArgumentException>(() => FourLetterWord.Parse(["ruok", "abcd"]));
        Assert.Contains("there is no word 'abcd'", exception.Message);
        Assert.Equal(18, FourLetterWord.Parse(["*"]).Count);
    }

    [GeneratedRegex(@"^ /127\.0\.0\.1:[0-9]+\[0\]\(queued=0,recved=1,sent=0\)$")]
    private static partial Regex AskerLine();

    [GeneratedRegex(
        @"^ (?<address>/[^[]+)\[1\]\((?<head>.*),est=[0-9]{13},to=(?<to>[0-9]+),lcxid=(?<lcxid>0x[0-9a-f]+)," +
        @"lzxid=(?<lzxid>0x[0-9a-f]+),lresp=[0-9]+,llat=[0-9]+,minlat=[0-9]+,avglat=[0-9]+,maxlat=[0-9]+\)$")]
    private static partial Regex ConsLine();

    [GeneratedRegex(@"([\d\.]*).*")]
    private static partial Regex KazooVersion();
}
