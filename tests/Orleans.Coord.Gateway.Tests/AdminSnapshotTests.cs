using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace Orleans.Coord.Gateway.Tests;

/// <summary>The admin server's <c>snapshot</c> and <c>restore</c>.</summary>
public sealed class AdminSnapshotTests
{
    private readonly FakeSnapshots _snapshots = new();

    [Theory]
    [InlineData("snapshot")]
    [InlineData("snap?streaming=true")]
    public async Task A_snapshot_is_streamed_with_its_zxid_and_size(string command)
    {
        using HttpResponseMessage response = await GetAsync(command, "digest super:secret");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("0x1f", Assert.Single(response.Headers.GetValues("last_zxid")));
        Assert.Equal("8", Assert.Single(response.Headers.GetValues("snapshot_size")));
        Assert.Equal("a file's", await response.Content.ReadAsStringAsync());
        Assert.Equal((IPAddress.Loopback, "digest", "super:secret"), _snapshots.Asked);
        Assert.Equal(1, _snapshots.Closed);
    }

    [Fact]
    public async Task Without_streaming_only_the_headers_tell_of_it()
    {
        using HttpResponseMessage response = await GetAsync("snapshot?streaming=false", "digest super:secret");
        Assert.Equal("0x1f", Assert.Single(response.Headers.GetValues("last_zxid")));
        JsonNode answer = JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
        Assert.Equal("snapshot", (string?)answer["command"]);
        Assert.Null(answer["error"]);
        Assert.Equal(1, _snapshots.Closed);
    }

    [Theory]
    [InlineData(null, AdminRight.Granted, HttpStatusCode.Unauthorized)]
    [InlineData("digest", AdminRight.NotAuthenticated, HttpStatusCode.Unauthorized)]
    [InlineData("digest a:b", AdminRight.NotAuthorized, HttpStatusCode.Forbidden)]
    public async Task Who_may_not_is_told_so(string? authorization, AdminRight right, HttpStatusCode expected)
    {
        _snapshots.Right = right;
        using HttpResponseMessage response = await GetAsync("snapshot", authorization);
        Assert.Equal(expected, response.StatusCode);
        Assert.StartsWith(
            expected == HttpStatusCode.Forbidden ? "Not authorized" : right == AdminRight.Granted ? "Auth info" : "Not",
            await ErrorAsync(response), StringComparison.Ordinal);
        Assert.Equal(0, _snapshots.Closed);
    }

    [Fact]
    public async Task A_restore_is_given_the_body_and_answers_with_the_zxid()
    {
        await using GatewayFixture gateway = await StartAsync(TimeSpan.Zero);
        byte[] file = new byte[40_000_000];
        file[^1] = 7;
        using HttpResponseMessage response = await PostAsync(gateway, file);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        JsonNode answer = JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
        Assert.Equal(("restore", 77), ((string?)answer["command"], (long?)answer["last_zxid"]));
        Assert.Null(answer["error"]);
        Assert.Equal(file, _snapshots.Restored);
    }

    [Fact]
    public async Task What_is_not_restored_is_told()
    {
        _snapshots.Refusal = "send it elsewhere";
        await using GatewayFixture gateway = await StartAsync(TimeSpan.Zero);
        using HttpResponseMessage response = await PostAsync(gateway, [1]);
        Assert.Equal(HttpStatusCode.Conflict, response.StatusCode);
        Assert.Equal("send it elsewhere", await ErrorAsync(response));
    }

    [Fact]
    public async Task Each_command_is_allowed_only_so_often()
    {
        await using GatewayFixture gateway = await StartAsync(TimeSpan.FromMinutes(5));
        using HttpResponseMessage first = await PostAsync(gateway, [1]);
        using HttpResponseMessage second = await PostAsync(gateway, [2]);
        using HttpResponseMessage other = await GetAsync(gateway, "snapshot", "digest super:secret");
        Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        Assert.Equal(HttpStatusCode.TooManyRequests, second.StatusCode);
        Assert.Equal(HttpStatusCode.OK, other.StatusCode);
        Assert.Equal([1], _snapshots.Restored);
        Assert.StartsWith("Only one restore is allowed in 300 s", await ErrorAsync(second), StringComparison.Ordinal);
    }

    private async Task<HttpResponseMessage> GetAsync(string command, string? authorization)
    {
        await using GatewayFixture gateway = await StartAsync(TimeSpan.FromMinutes(5));
        return await GetAsync(gateway, command, authorization);
    }

    private static async Task<HttpResponseMessage> GetAsync(
        GatewayFixture gateway, string command, string? authorization)
    {
        using HttpClient http = Client(gateway, authorization);
        return await http.GetAsync(new Uri("/commands/" + command, UriKind.Relative));
    }

    private static async Task<HttpResponseMessage> PostAsync(GatewayFixture gateway, byte[] body)
    {
        using HttpClient http = Client(gateway, "digest super:secret");
        using var content = new ByteArrayContent(body);
        return await http.PostAsync(new Uri("/commands/restore", UriKind.Relative), content);
    }

    private static HttpClient Client(GatewayFixture gateway, string? authorization)
    {
        var http = new HttpClient { BaseAddress = new Uri($"http://{gateway.Server.AdminEndPoint}") };
        http.DefaultRequestHeaders.Authorization =
            authorization is null ? null : AuthenticationHeaderValue.Parse(authorization);
        return http;
    }

    private static async Task<string> ErrorAsync(HttpResponseMessage response) =>
        (string?)JsonNode.Parse(await response.Content.ReadAsStringAsync())!["error"] ?? "";

    private Task<GatewayFixture> StartAsync(TimeSpan interval) => GatewayFixture.StartAsync(
        new GatewayOptions
        {
            AdminEndPoint = new IPEndPoint(IPAddress.Loopback, 0),
            AdminSnapshotInterval = interval,
        },
        new FakeReport(),
        _snapshots);

    private sealed class FakeSnapshots : ISnapshotAdmin
    {
        public AdminRight Right { get; set; }

        public string? Refusal { get; set; }

        public (IPAddress Client, string Scheme, string Credentials) Asked { get; private set; }

        public byte[] Restored { get; private set; } = [];

        public int Closed { get; private set; }

        public Task<AdminRight> RightOfAsync(
            IPAddress client, string scheme, string credentials, CancellationToken cancellationToken)
        {
            Asked = (client, scheme, credentials);
            return Task.FromResult(Right);
        }

        public Task<SnapshotDownload?> TakeAsync(CancellationToken cancellationToken) =>
            Task.FromResult<SnapshotDownload?>(new SnapshotDownload(0x1f, new CountedStream(this)));

        public async Task<RestoreResult> RestoreAsync(Stream snapshot, CancellationToken cancellationToken)
        {
            var copy = new MemoryStream();
            await snapshot.CopyToAsync(copy, cancellationToken);
            Restored = copy.ToArray();
            return new RestoreResult(77, Refusal);
        }

        private sealed class CountedStream(FakeSnapshots owner) : MemoryStream(Encoding.ASCII.GetBytes("a file's"))
        {
            protected override void Dispose(bool disposing)
            {
                owner.Closed++;
                base.Dispose(disposing);
            }
        }
    }
}
