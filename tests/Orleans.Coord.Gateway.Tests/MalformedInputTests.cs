namespace Orleans.Coord.Gateway.Tests;

public sealed class MalformedInputTests
{
    private const int MalformedEvent = 111;

    [Theory]
    [InlineData(-1)]
    [InlineData(int.MinValue)]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(CoordLimits.DefaultMaxFrameBytes)]
    [InlineData(int.MaxValue)]
    public async Task A_bad_length_closes_the_connection_with_a_reason(int length)
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        using TestClient victim = await gateway.ConnectAsync();
        using TestClient client = await gateway.ConnectAsync();
        await client.SendAsync(Wire.Length(length));

        Assert.Empty(await client.ReadToEndAsync());
        await Eventually.TrueAsync(() => gateway.Log.Has(MalformedEvent, $"length {length};"), "a log line");
        Assert.Equal(4, Wire.Xid(await victim.RequestAsync(Wire.Request(4))));
        await Eventually.TrueAsync(() => gateway.Frontend.Gone.Count == 1, "the replica is told");
    }

    [Fact]
    public async Task Good_frames_before_a_bad_one_are_executed()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        using TestClient client = await gateway.ConnectAsync();
        await client.SendAsync((byte[])[.. Wire.Requests(3), .. Wire.Length(-5)]);

        await client.ReadToEndAsync();
        Assert.Equal(3, gateway.Frontend.Requests);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(27)]
    [InlineData(1024)]
    [InlineData(0x47455420)]
    public async Task A_first_frame_of_a_strange_length_closes_the_connection(int length)
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        using TestClient client = await gateway.OpenAsync();
        await client.SendAsync(Wire.Length(length));

        Assert.Empty(await client.ReadToEndAsync());
        await Eventually.TrueAsync(
            () => gateway.Log.Has(MalformedEvent, $"its first frame has a length of {length}"), "a log line");
        Assert.Empty(gateway.Frontend.Connects);
    }

    [Fact]
    public async Task A_first_frame_that_is_no_connect_request_closes_the_connection()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        using TestClient client = await gateway.OpenAsync();
        await client.SendAsync((byte[])[.. Wire.Length(40), .. Enumerable.Repeat((byte)0x7f, 40)]);

        Assert.Empty(await client.ReadToEndAsync());
        await Eventually.TrueAsync(() => gateway.Log.Has(MalformedEvent, "is no connect request"), "a log line");
        Assert.Empty(gateway.Frontend.Connects);
    }

    [Fact]
    public async Task An_http_request_closes_the_connection()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        using TestClient client = await gateway.OpenAsync();
        await client.SendAsync("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");

        Assert.Empty(await client.ReadToEndAsync());
        await gateway.AssertHealthyAsync();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(20)]
    public async Task A_handshake_that_ends_in_the_middle_is_logged(int bytes)
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        using TestClient client = await gateway.OpenAsync();
        await client.SendAsync(Wire.ConnectFrame().AsMemory(0, bytes));
        client.EndSending();

        Assert.Empty(await client.ReadToEndAsync());
        await Eventually.TrueAsync(() => gateway.Log.Has(MalformedEvent, "within its first frame"), "a log line");
    }

    [Theory]
    [InlineData(2)]
    [InlineData(9)]
    public async Task A_frame_that_ends_in_the_middle_is_logged(int bytes)
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        using TestClient client = await gateway.ConnectAsync();
        await client.SendAsync(Wire.Request(1).AsMemory(0, bytes));
        client.EndSending();

        Assert.Empty(await client.ReadToEndAsync());
        await Eventually.TrueAsync(() => gateway.Log.Has(MalformedEvent, $"after {bytes} bytes"), "a log line");
    }

    [Fact]
    public async Task A_client_that_closes_its_half_is_let_go_quietly()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        using TestClient client = await gateway.ConnectAsync();
        client.EndSending();

        Assert.Empty(await client.ReadToEndAsync());
        Assert.Equal(0, gateway.Log.Count(MalformedEvent));
        await Eventually.TrueAsync(() => gateway.Frontend.Gone.Count == 1, "the replica is told");
    }

    [Fact]
    public async Task A_client_that_says_nothing_is_closed_in_time()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(
            new GatewayOptions { HandshakeTimeout = TimeSpan.FromMilliseconds(100) });
        using TestClient silent = await gateway.OpenAsync();
        using TestClient halfway = await gateway.OpenAsync();
        await halfway.SendAsync(Wire.ConnectFrame().AsMemory(0, 10));
        using TestClient idle = await gateway.ConnectAsync();

        Assert.Empty(await silent.ReadToEndAsync());
        Assert.Empty(await halfway.ReadToEndAsync());
        await Eventually.TrueAsync(() => gateway.Log.Has(MalformedEvent, "no whole first frame"), "a log line");

        // Silence after the handshake is the session's business, not the gateway's.
        Assert.Equal(1, Wire.Xid(await idle.RequestAsync(Wire.Request(1))));
    }

    [Fact]
    public async Task Random_bytes_harm_nobody_else()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        using TestClient victim = await gateway.ConnectAsync();
        var random = new Random(20261121);
        for (int round = 0; round < 300; round++)
        {
            using TestClient client = round % 2 == 0 ? await gateway.OpenAsync() : await gateway.ConnectAsync();
            byte[] noise = new byte[random.Next(1, 3000)];
            random.NextBytes(noise);
            await client.TrySendAsync(noise);
            if (round % 10 == 0)
            {
                Assert.Equal(round, Wire.Xid(await victim.RequestAsync(Wire.Request(round))));
            }
        }

        await gateway.AssertHealthyAsync();
        await Eventually.TrueAsync(() => gateway.Server.Connections == 1, "only the victim is left");
        Assert.Equal(0, gateway.Log.Count(114));
    }

    [Fact]
    public async Task An_exception_in_the_replica_s_port_ends_only_its_own_connection()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        gateway.Frontend.OnRequest = (connection, request) =>
        {
            if (Wire.Xid(request) == 13)
            {
                throw new InvalidOperationException("planted");
            }

            gateway.Frontend.Reply(connection, request);
        };
        using TestClient client = await gateway.ConnectAsync();
        await client.SendAsync(Wire.Request(13));

        Assert.Empty(await client.ReadToEndAsync());
        await Eventually.TrueAsync(() => gateway.Log.Has(114, "planted"), "the fault is logged");
        await gateway.AssertHealthyAsync();
    }

    [Fact]
    public async Task The_log_cannot_be_flooded()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(
            new GatewayOptions { MaxLogLinesPerSecond = 5 });
        for (int round = 0; round < 100; round++)
        {
            using TestClient client = await gateway.OpenAsync();
            await client.TrySendAsync(Wire.Length(-1));
            await client.ReadToEndAsync();
        }

        await Eventually.TrueAsync(() => gateway.Log.Count(115) > 0, "the lines left out are reported");
        Assert.Equal(100, gateway.Server.Counters.ConnectionsMalformed);
        Assert.True(gateway.Log.Count(MalformedEvent) < 100);
    }
}
