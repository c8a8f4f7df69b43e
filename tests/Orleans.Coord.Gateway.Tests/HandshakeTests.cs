using Orleans.Coord.Jute;

namespace Orleans.Coord.Gateway.Tests;

public sealed class HandshakeTests
{
    [Fact]
    public async Task The_first_frame_reaches_the_replica_decoded()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        using TestClient client = await gateway.OpenAsync();
        await client.SendAsync(Wire.ConnectFrame(timeoutMs: 4321, session: 0x0102030405060708));

        Assert.NotNull(await client.ReadFrameAsync());
        ConnectRequest request = Assert.Single(gateway.Frontend.Connects);
        Assert.Equal(0, request.ProtocolVersion);
        Assert.Equal(7, request.LastZxidSeen);
        Assert.Equal(4321, request.TimeoutMs);
        Assert.Equal(0x0102030405060708, request.SessionId);
        Assert.Equal(CoordLimits.PasswordBytes, request.Password.Length);
        Assert.True(request.HasReadOnlyByte && request.CanBeReadOnly);
    }

    [Fact]
    public async Task A_handshake_without_the_read_only_byte_is_told_apart()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        using TestClient client = await gateway.OpenAsync();
        await client.SendAsync(Wire.ConnectFrame(readOnlyByte: false));

        Assert.NotNull(await client.ReadFrameAsync());
        Assert.False(Assert.Single(gateway.Frontend.Connects).HasReadOnlyByte);
    }

    [Fact]
    public async Task The_connection_knows_its_client()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        using TestClient client = await gateway.ConnectAsync();

        Assert.Equal(client.LocalEndPoint, Assert.Single(gateway.Frontend.Connections).RemoteEndPoint);
    }

    [Fact]
    public async Task A_handshake_may_be_cut_at_every_byte()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        byte[] frame = Wire.ConnectFrame();
        for (int cut = 1; cut < frame.Length; cut++)
        {
            using TestClient client = await gateway.OpenAsync();
            await client.SendAsync(frame.AsMemory(0, cut));
            await Task.Delay(1);
            await client.SendAsync(frame.AsMemory(cut));
            Assert.NotNull(await client.ReadFrameAsync());
        }

        Assert.Equal(frame.Length - 1, gateway.Frontend.Connects.Count);
    }

    [Fact]
    public async Task Requests_may_come_in_the_segment_of_the_handshake()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        using TestClient client = await gateway.OpenAsync();
        await client.SendAsync((byte[])[.. Wire.ConnectFrame(), .. Wire.Requests(3)]);

        Assert.NotNull(await client.ReadFrameAsync());
        for (int xid = 1; xid <= 3; xid++)
        {
            Assert.Equal(xid, Wire.Xid((await client.ReadFrameAsync())!));
        }
    }

    [Fact]
    public async Task The_end_of_a_connection_is_reported_once()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        TestClient client = await gateway.ConnectAsync();
        client.Dispose();

        await Eventually.TrueAsync(() => gateway.Server.Connections == 0, "the connection is gone");
        Assert.Same(Assert.Single(gateway.Frontend.Connections), Assert.Single(gateway.Frontend.Gone));
    }

    [Fact]
    public async Task A_connection_without_a_handshake_is_never_reported()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        TestClient client = await gateway.OpenAsync();
        await Eventually.TrueAsync(() => gateway.Server.Connections == 1, "the connection is there");
        client.Dispose();

        await Eventually.TrueAsync(() => gateway.Server.Connections == 0, "the connection is gone");
        Assert.Empty(gateway.Frontend.Gone);
    }
}
