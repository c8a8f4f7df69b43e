using System.Net;

namespace Orleans.Coord.Gateway.Tests;

/// <summary>A gateway on a free port, in front of a fake replica.</summary>
internal sealed class GatewayFixture : IAsyncDisposable
{
    private GatewayFixture(GatewayOptions options, FakeReport? report, ISnapshotAdmin? snapshots)
    {
        Server = new GatewayServer(
            options with { EndPoint = new IPEndPoint(IPAddress.Loopback, 0) }, Frontend, Log, report, snapshots);
    }

    public FakeFrontend Frontend { get; } = new();

    public TestLog Log { get; } = new();

    public GatewayServer Server { get; }

    public static async Task<GatewayFixture> StartAsync(
        GatewayOptions? options = null, FakeReport? report = null, ISnapshotAdmin? snapshots = null)
    {
        var fixture = new GatewayFixture(options ?? new GatewayOptions(), report, snapshots);
        await fixture.Server.StartAsync();
        return fixture;
    }

    public Task<TestClient> OpenAsync(int receiveBufferBytes = 0) =>
        TestClient.OpenAsync(Server.EndPoint, receiveBufferBytes);

    public Task<TestClient> ConnectAsync(int receiveBufferBytes = 0) =>
        TestClient.ConnectAsync(Server.EndPoint, receiveBufferBytes);

    /// <summary>Sends a four-letter word and reads the answer.</summary>
    public async Task<string> AskAsync(string word)
    {
        using TestClient client = await OpenAsync();
        await client.SendAsync(word);
        return System.Text.Encoding.UTF8.GetString(await client.ReadToEndAsync());
    }

    /// <summary>The server still serves a newcomer.</summary>
    public async Task AssertHealthyAsync()
    {
        using TestClient client = await ConnectAsync();
        byte[] reply = await client.RequestAsync(Wire.Request(99));
        Assert.Equal(99, Wire.Xid(reply));
    }

    public ValueTask DisposeAsync() => Server.DisposeAsync();
}
