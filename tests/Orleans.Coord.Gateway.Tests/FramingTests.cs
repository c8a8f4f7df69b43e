namespace Orleans.Coord.Gateway.Tests;

public sealed class FramingTests
{
    [Fact]
    public async Task Frames_may_be_cut_at_every_byte()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        using TestClient client = await gateway.ConnectAsync();
        byte[] bytes = [.. Wire.Request(1, bodyBytes: 5), .. Wire.Request(2), .. Wire.Request(3, bodyBytes: 9)];
        for (int cut = 1; cut < bytes.Length; cut++)
        {
            await client.SendAsync(bytes.AsMemory(0, cut));
            await Task.Delay(1);
            await client.SendAsync(bytes.AsMemory(cut));
            await ReadRepliesAsync(client, [1, 2, 3]);
        }
    }

    [Fact]
    public async Task Frames_may_come_byte_by_byte()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        using TestClient client = await gateway.ConnectAsync();
        foreach (byte value in Wire.Requests(3, bodyBytes: 4))
        {
            await client.SendAsync(new[] { value });
        }

        await ReadRepliesAsync(client, [1, 2, 3]);
    }

    [Fact]
    public async Task All_frames_of_a_read_are_one_batch()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        using TestClient client = await gateway.ConnectAsync();
        for (int xid = 1; xid <= 30; xid++)
        {
            // The gateway learns that this client's replies are small.
            await client.RequestAsync(Wire.Request(xid));
        }

        gateway.Frontend.Batches.Clear();
        await client.SendAsync(Wire.Requests(50));
        await ReadRepliesAsync(client, [.. Enumerable.Range(1, 50)]);

        // The kernel gives a segment of 600 bytes on loopback as it was sent.
        Assert.Equal([50], gateway.Frontend.Batches);
    }

    [Fact]
    public async Task Thousands_of_requests_are_answered_in_their_order()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        using TestClient client = await gateway.ConnectAsync();
        const int count = 20_000;
        Task sending = client.SendAsync(Wire.Requests(count, bodyBytes: 30));
        await ReadRepliesAsync(client, [.. Enumerable.Range(1, count)]);
        await sending;
        Assert.Equal(count, gateway.Frontend.Requests);
    }

    [Fact]
    public async Task Many_clients_at_once_each_get_their_own_replies_in_order()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        await Task.WhenAll(Enumerable.Range(0, 16).Select(async _ =>
        {
            using TestClient client = await gateway.ConnectAsync();
            Task sending = client.SendAsync(Wire.Requests(1000, bodyBytes: 20));
            await ReadRepliesAsync(client, [.. Enumerable.Range(1, 1000)]);
            await sending;
        }));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4096)]
    [InlineData(200_000)]
    [InlineData(CoordLimits.DefaultMaxFrameBytes - 1 - 8)]
    public async Task Bodies_of_any_size_below_the_limit_pass_unharmed(int bodyBytes)
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        using TestClient client = await gateway.ConnectAsync();
        byte[] request = Wire.Request(5, bodyBytes: bodyBytes);
        Task sending = client.SendAsync(request);
        byte[]? reply = await client.ReadFrameAsync();
        await sending;

        Assert.NotNull(reply);
        Assert.Equal(request.AsSpan(12), reply.AsSpan(16));
    }

    [Fact]
    public async Task Small_requests_around_a_large_one_keep_their_order()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        using TestClient client = await gateway.ConnectAsync();
        byte[] bytes = [.. Wire.Request(1), .. Wire.Request(2, bodyBytes: 700_000), .. Wire.Request(3)];
        Task sending = client.SendAsync(bytes);
        await ReadRepliesAsync(client, [1, 2, 3]);
        await sending;
    }

    [Fact]
    public async Task Counters_count_frames()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        using TestClient client = await gateway.ConnectAsync();
        await client.SendAsync(Wire.Requests(10));
        await ReadRepliesAsync(client, [.. Enumerable.Range(1, 10)]);

        Assert.Equal(11, gateway.Server.Counters.PacketsReceived);
        Assert.Equal(11, gateway.Server.Counters.PacketsSent);
    }

    private static async Task ReadRepliesAsync(TestClient client, int[] xids)
    {
        foreach (int xid in xids)
        {
            byte[]? reply = await client.ReadFrameAsync();
            Assert.NotNull(reply);
            Assert.Equal(xid, Wire.Xid(reply));
        }
    }
}
