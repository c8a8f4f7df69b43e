using Orleans.Coord.Jute;
using Orleans.Coord.Replication;

namespace Orleans.Coord.Gateway.Tests;

public sealed class BackPressureTests
{
    [Fact]
    public async Task Reading_stops_while_too_many_requests_are_unexecuted_and_goes_on_after()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(
            new GatewayOptions { MaxOutstandingRequests = 100 });
        gateway.Frontend.Hold = true;
        using TestClient client = await gateway.ConnectAsync();
        const int count = 300_000;
        Task sending = client.SendAsync(Wire.Requests(count));
        await Eventually.TrueAsync(() => gateway.Frontend.Requests > 10, "requests come");

        // The rest waits in pipes and kernels.
        await Task.Delay(200);
        Assert.InRange(gateway.Frontend.Requests, 10, 100);

        gateway.Frontend.Hold = false;
        gateway.Frontend.ReleaseHeld();
        await ReadRepliesAsync(client, count);
        await sending;
    }

    [Fact]
    public async Task Reading_stops_while_too_many_bytes_are_unexecuted_and_goes_on_after()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(
            new GatewayOptions { MaxOutstandingBytes = 100_000 });
        gateway.Frontend.Hold = true;
        using TestClient client = await gateway.ConnectAsync();
        const int count = 400;
        Task sending = client.SendAsync(Wire.Requests(count, bodyBytes: 50_000));
        await Eventually.TrueAsync(() => gateway.Frontend.Requests >= 2, "the gate is reached");
        await Task.Delay(200);
        Assert.InRange(gateway.Frontend.Requests, 2, 10);

        gateway.Frontend.Hold = false;
        gateway.Frontend.ReleaseHeld();
        await ReadRepliesAsync(client, count);
        await sending;
    }

    [Fact]
    public async Task One_held_client_does_not_hold_up_another()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(
            new GatewayOptions { MaxOutstandingRequests = 1 });
        gateway.Frontend.Hold = true;
        using TestClient held = await gateway.ConnectAsync();
        await held.SendAsync(Wire.Requests(10));
        await Eventually.TrueAsync(() => gateway.Frontend.Requests == 1, "the first client is held");

        gateway.Frontend.Hold = false;
        await gateway.AssertHealthyAsync();
        gateway.Frontend.ReleaseHeld();
        await ReadRepliesAsync(held, 10);
    }

    [Fact]
    public async Task Reading_stops_while_too_many_replies_are_unread_and_goes_on_after()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(
            new GatewayOptions { UnsentBytesToPause = 100_000 });
        gateway.Frontend.OnRequest = (connection, request) => Reply(connection, request, 50_000);
        using TestClient client = await gateway.ConnectAsync(receiveBufferBytes: 64 * 1024);
        const int count = 50_000;
        Task sending = client.SendAsync(Wire.Requests(count));
        await Eventually.TrueAsync(() => gateway.Server.Counters.SocketWrites > 0, "replies are on their way");
        await Task.Delay(300);

        // Without the pause 2.5 GB of replies would have been asked for by now.
        Assert.True(gateway.Frontend.Requests < count);
        await ReadRepliesAsync(client, count);
        await sending;
        Assert.Equal(count, gateway.Frontend.Requests);
    }

    [Fact]
    public async Task A_deep_pipeline_of_small_requests_for_large_replies_is_served_in_small_helpings()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        gateway.Frontend.OnRequest = (connection, request) => Reply(connection, request, 900_000);
        using TestClient client = await gateway.ConnectAsync();
        const int count = 300;
        await client.SendAsync(Wire.Requests(count));

        // All replies together exceed what makes a client a lazy one, and it is none.
        await ReadRepliesAsync(client, count);
        Assert.True(gateway.Frontend.Batches.Max() <= 25);
        Assert.True(gateway.Frontend.Batches.Last() <= 20);
    }

    [Fact]
    public async Task Output_that_fills_and_empties_all_the_time_never_leaves_the_client_waiting()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(
            new GatewayOptions { UnsentBytesToPause = 40 });
        using TestClient client = await gateway.ConnectAsync();
        IClientConnection connection = Assert.Single(gateway.Frontend.Connections);
        const int count = 3000;
        using var signal = new SemaphoreSlim(0);
        Task events = Task.Run(async () =>
        {
            for (int i = 0; i < count; i++)
            {
                await signal.WaitAsync();
                gateway.Frontend.Turn(() => Reply(connection, Wire.Request(-1)[4..], 10));
            }
        });

        for (int xid = 1; xid <= count; xid++)
        {
            // An event and a reply race each other to the socket.
            signal.Release();
            await client.SendAsync(Wire.Request(xid));
            byte[]? reply;
            do
            {
                reply = await client.ReadFrameAsync();
                Assert.NotNull(reply);
            }
            while (Wire.Xid(reply) == -1);

            Assert.Equal(xid, Wire.Xid(reply));
        }

        await events;
    }

    [Fact]
    public async Task A_client_that_never_reads_is_closed_with_a_reason()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(
            new GatewayOptions { UnsentBytesToClose = 8 * 1024 * 1024 });
        using TestClient lazy = await gateway.ConnectAsync();
        IClientConnection connection = Assert.Single(gateway.Frontend.Connections);
        byte[] announcement = Wire.Request(-1);

        // Events come without being asked for, so no pause of the reading can stop them.
        for (int i = 0; i < 200 && gateway.Frontend.Gone.IsEmpty; i++)
        {
            gateway.Frontend.Turn(() => Reply(connection, announcement, 1_000_000));
        }

        await Eventually.TrueAsync(() => gateway.Log.Has(111, "left more than 8388608 bytes"), "a log line");
        await Eventually.TrueAsync(() => gateway.Frontend.Gone.Count == 1, "the replica is told");
        await gateway.AssertHealthyAsync();
    }

    [Fact]
    public async Task Turns_may_go_on_writing_to_a_connection_that_is_gone()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        TestClient client = await gateway.ConnectAsync();
        IClientConnection connection = Assert.Single(gateway.Frontend.Connections);
        client.Dispose();
        await Eventually.TrueAsync(() => gateway.Server.Connections == 0, "the connection is gone");

        for (int i = 0; i < 10; i++)
        {
            gateway.Frontend.Turn(() => Reply(connection, Wire.Request(i), 1000));
        }

        gateway.Frontend.Turn(() => connection.Close("late"));
        await gateway.AssertHealthyAsync();
    }

    [Fact]
    public async Task Frames_may_be_released_after_their_connection_is_gone()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(
            new GatewayOptions { MaxOutstandingRequests = 1 });
        gateway.Frontend.Hold = true;
        TestClient client = await gateway.ConnectAsync();
        await client.SendAsync(Wire.Requests(5));
        await Eventually.TrueAsync(() => gateway.Frontend.Requests == 1, "a request is held");
        client.Dispose();

        gateway.Frontend.Hold = false;
        gateway.Frontend.ReleaseHeld();
        await Eventually.TrueAsync(() => gateway.Server.Connections == 0, "the connection is gone");
        await gateway.AssertHealthyAsync();
    }

    private static void Reply(IClientConnection connection, byte[] request, int bodyBytes)
    {
        JuteWriter output = connection.Output;
        output.WriteInt(16 + bodyBytes);
        output.WriteInt(Wire.Xid(request));
        output.WriteLong(1);
        output.WriteInt(0);
        output.WriteRaw(new byte[bodyBytes]);
        connection.FlushAfterTurn();
    }

    private static async Task ReadRepliesAsync(TestClient client, int count)
    {
        for (int xid = 1; xid <= count; xid++)
        {
            byte[]? reply = await client.ReadFrameAsync();
            Assert.NotNull(reply);
            Assert.Equal(xid, Wire.Xid(reply));
        }
    }
}
