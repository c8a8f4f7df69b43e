using Orleans.Coord.Replication;

namespace Orleans.Coord.Gateway.Tests;

public sealed class OutputTests
{
    [Fact]
    public async Task All_that_a_turn_writes_leaves_in_one_socket_write()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        using TestClient client = await gateway.ConnectAsync();
        IClientConnection connection = Assert.Single(gateway.Frontend.Connections);
        long before = gateway.Server.Counters.SocketWrites;
        gateway.Frontend.Turn(() =>
        {
            for (int xid = 1; xid <= 500; xid++)
            {
                gateway.Frontend.Reply(connection, Wire.Request(xid)[4..]);
            }
        });

        for (int xid = 1; xid <= 500; xid++)
        {
            Assert.Equal(xid, Wire.Xid((await client.ReadFrameAsync())!));
        }

        Assert.Equal(1, gateway.Server.Counters.SocketWrites - before);
    }

    [Fact]
    public async Task A_turn_that_asks_for_a_flush_without_output_writes_nothing()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        using TestClient client = await gateway.ConnectAsync();
        IClientConnection connection = Assert.Single(gateway.Frontend.Connections);
        long before = gateway.Server.Counters.SocketWrites;
        gateway.Frontend.Turn(connection.FlushAfterTurn);
        gateway.Frontend.Turn(() =>
        {
            Assert.Equal(0, connection.Output.Length);
            connection.FlushAfterTurn();
        });

        Assert.Equal(before, gateway.Server.Counters.SocketWrites);
    }

    [Fact]
    public async Task Output_begins_empty_in_every_turn()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        using TestClient client = await gateway.ConnectAsync();
        IClientConnection connection = Assert.Single(gateway.Frontend.Connections);
        for (int xid = 1; xid <= 20; xid++)
        {
            gateway.Frontend.Turn(() =>
            {
                Assert.Equal(0, connection.Output.Length);
                gateway.Frontend.Reply(connection, Wire.Request(xid)[4..]);
            });
        }
    }

    [Fact]
    public async Task Turns_of_several_threads_leave_in_their_order()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        using TestClient client = await gateway.ConnectAsync();
        IClientConnection connection = Assert.Single(gateway.Frontend.Connections);
        const int count = 20_000;
        int next = 0;
        Task[] threads = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            bool more = true;
            while (more)
            {
                gateway.Frontend.Turn(() =>
                {
                    more = next < count;
                    if (more)
                    {
                        gateway.Frontend.Reply(connection, Wire.Request(++next, bodyBytes: 40)[4..]);
                    }
                });
            }
        }))];

        for (int xid = 1; xid <= count; xid++)
        {
            Assert.Equal(xid, Wire.Xid((await client.ReadFrameAsync())!));
        }

        await Task.WhenAll(threads);
    }

    [Fact]
    public async Task A_connection_keeps_what_the_replica_attaches()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        using TestClient client = await gateway.ConnectAsync();
        IClientConnection connection = Assert.Single(gateway.Frontend.Connections);
        Assert.Null(connection.Attachment);
        connection.Attachment = "session";
        Assert.Equal("session", connection.Attachment);
    }

    [Fact]
    public async Task Half_a_frame_of_the_replica_is_a_broken_invariant()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        using TestClient client = await gateway.ConnectAsync();
        IClientConnection connection = Assert.Single(gateway.Frontend.Connections);

        Assert.Throws<InvariantException>(() => gateway.Frontend.Turn(() =>
        {
            connection.Output.WriteInt(100);
            connection.FlushAfterTurn();
        }));
    }
}
