using Orleans.Coord.Jute;
using Orleans.Coord.Replication;

namespace Orleans.Coord.Gateway.Tests;

public sealed class CloseTests
{
    private const int ClosedEvent = 112;

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [InlineData(6_000_000)]
    public async Task Closing_sends_everything_first(int bodyBytes)
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        gateway.Frontend.OnRequest = (connection, _) => ReplyAndClose(connection, bodyBytes);
        using TestClient client = await gateway.ConnectAsync();
        await client.SendAsync(Wire.Request(1, OpCode.CloseSession));

        Assert.Equal(20 + bodyBytes, (await client.ReadToEndAsync()).Length);
        Assert.True(gateway.Log.Has(ClosedEvent, "the session was closed"));
        client.Dispose();
        await Eventually.TrueAsync(() => gateway.Frontend.Gone.Count == 1, "the replica is told");
    }

    [Fact]
    public async Task Closing_without_output_just_closes()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        using TestClient client = await gateway.ConnectAsync();
        gateway.Frontend.Turn(() => Assert.Single(gateway.Frontend.Connections).Close("expired"));

        Assert.Empty(await client.ReadToEndAsync());
        Assert.True(gateway.Log.Has(ClosedEvent, "expired"));
    }

    [Fact]
    public async Task Requests_still_on_their_way_do_not_destroy_the_last_reply()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        int requests = 0;
        gateway.Frontend.OnRequest = (connection, _) =>
        {
            if (++requests == 1)
            {
                ReplyAndClose(connection, 1_000_000);
            }
        };
        using TestClient client = await gateway.ConnectAsync();
        await client.SendAsync(Wire.Request(1));
        Task flood = client.TrySendAsync(Wire.Requests(100_000, bodyBytes: 10).AsMemory());

        Assert.Equal(1_000_020, (await client.ReadToEndAsync()).Length);
        client.Dispose();
        await flood;
    }

    [Fact]
    public async Task A_client_that_has_closed_its_half_still_gets_the_rest()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        using TestClient client = await gateway.ConnectAsync(receiveBufferBytes: 32 * 1024);
        IClientConnection connection = Assert.Single(gateway.Frontend.Connections);
        gateway.Frontend.Turn(() => ReplyAndClose(connection, 5_000_000));
        client.EndSending();

        Assert.Equal(5_000_020, (await client.ReadToEndAsync()).Length);
    }

    [Fact]
    public async Task A_client_that_leaves_its_end_open_is_cut_off_in_time()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(
            new GatewayOptions { CloseTimeout = TimeSpan.FromMilliseconds(50) });
        using TestClient client = await gateway.ConnectAsync();
        gateway.Frontend.Turn(() => Assert.Single(gateway.Frontend.Connections).Close("expired"));

        await Eventually.TrueAsync(() => gateway.Server.Connections == 0, "the connection is gone");
        Assert.Single(gateway.Frontend.Gone);
    }

    [Fact]
    public async Task A_client_that_does_not_read_its_last_replies_is_cut_off_in_time()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(
            new GatewayOptions { CloseTimeout = TimeSpan.FromMilliseconds(50) });
        using TestClient client = await gateway.ConnectAsync();
        IClientConnection connection = Assert.Single(gateway.Frontend.Connections);
        gateway.Frontend.Turn(() => ReplyAndClose(connection, 30_000_000));

        await Eventually.TrueAsync(() => gateway.Server.Connections == 0, "the connection is gone");
    }

    [Fact]
    public async Task Only_the_first_reason_counts()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        using TestClient client = await gateway.ConnectAsync();
        IClientConnection connection = Assert.Single(gateway.Frontend.Connections);
        gateway.Frontend.Turn(() =>
        {
            connection.Close("first");
            connection.Close("second");
        });
        gateway.Frontend.Turn(() => connection.Close("third"));

        await client.ReadToEndAsync();
        Assert.Equal(1, gateway.Log.Count(ClosedEvent));
        Assert.True(gateway.Log.Has(ClosedEvent, "first"));
    }

    [Fact]
    public async Task A_replica_may_turn_a_client_away_without_an_answer()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        gateway.Frontend.OnConnect = (connection, _) => connection.Close("it has seen a newer zxid");
        using TestClient client = await gateway.OpenAsync();
        await client.SendAsync(Wire.ConnectFrame());

        Assert.Empty(await client.ReadToEndAsync());
    }

    private static void ReplyAndClose(IClientConnection connection, int bodyBytes)
    {
        JuteWriter output = connection.Output;
        output.WriteInt(16 + bodyBytes);
        output.WriteInt(1);
        output.WriteLong(1);
        output.WriteInt(0);
        output.WriteRaw(new byte[bodyBytes]);
        connection.FlushAfterTurn();
        connection.Close("the session was closed");
    }
}
