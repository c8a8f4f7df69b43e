using System.Net;
using System.Net.Sockets;

namespace Orleans.Coord.Gateway.Tests;

public sealed class ServerTests
{
    [Fact]
    public async Task Nothing_listens_before_the_start_and_after_the_stop()
    {
        int port = FreePort();
        await using var server = new GatewayServer(
            new GatewayOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, port) },
            new FakeFrontend(),
            new TestLog());
        await Assert.ThrowsAnyAsync<SocketException>(() => TestClient.OpenAsync(server.EndPoint));

        await server.StartAsync();
        Assert.Equal(port, server.EndPoint.Port);
        (await TestClient.ConnectAsync(server.EndPoint)).Dispose();

        await server.StopAsync();
        await Assert.ThrowsAnyAsync<SocketException>(() => TestClient.OpenAsync(server.EndPoint));
    }

    [Fact]
    public async Task Port_0_takes_a_free_port()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        Assert.NotEqual(0, gateway.Server.EndPoint.Port);
        Assert.True(gateway.Log.Has(100, $":{gateway.Server.EndPoint.Port}"));
    }

    [Fact]
    public async Task A_busy_port_is_a_sentence_with_the_remedy()
    {
        await using GatewayFixture first = await GatewayFixture.StartAsync();
        await using var second = new GatewayServer(
            new GatewayOptions { EndPoint = first.Server.EndPoint }, new FakeFrontend(), new TestLog());

        var exception = await Assert.ThrowsAsync<GatewayBindException>(() => second.StartAsync());
        int port = first.Server.EndPoint.Port;
        Assert.Equal(
            $"Cannot listen for clients on 127.0.0.1:{port}: port {port} is in use by another program: " +
            "stop it, or choose another port.",
            exception.Message);
        await first.AssertHealthyAsync();
    }

    [Fact]
    public async Task An_address_of_another_machine_is_a_sentence_with_the_remedy()
    {
        await using var server = new GatewayServer(
            new GatewayOptions { EndPoint = new IPEndPoint(IPAddress.Parse("192.0.2.1"), 0) },
            new FakeFrontend(),
            new TestLog());

        var exception = await Assert.ThrowsAsync<GatewayBindException>(() => server.StartAsync());
        Assert.Contains("this machine has no address 192.0.2.1", exception.Message);
    }

    [Fact]
    public void A_forbidden_port_is_a_sentence_with_the_remedy()
    {
        var exception = GatewayBindException.For(
            new IPEndPoint(IPAddress.Any, 80), new SocketException((int)SocketError.AccessDenied));
        Assert.Contains("choose a port above 1023", exception.Message);
    }

    [Fact]
    public async Task Stopping_closes_all_connections_and_tells_the_replica()
    {
        GatewayFixture gateway = await GatewayFixture.StartAsync();
        using TestClient busy = await gateway.ConnectAsync();
        using TestClient silent = await gateway.OpenAsync();
        await Eventually.TrueAsync(() => gateway.Server.Connections == 2, "both are there");

        await gateway.Server.StopAsync().WaitAsync(Eventually.Patience);
        Assert.Empty(await busy.ReadToEndAsync());
        Assert.Empty(await silent.ReadToEndAsync());
        Assert.Single(gateway.Frontend.Gone);
        Assert.True(gateway.Log.Has(101, "2 connections closed"));
        await gateway.Server.StopAsync();
        await gateway.DisposeAsync();
    }

    [Fact]
    public async Task Stopping_does_not_wait_for_held_requests()
    {
        GatewayFixture gateway = await GatewayFixture.StartAsync(new GatewayOptions { MaxOutstandingRequests = 1 });
        gateway.Frontend.Hold = true;
        using TestClient client = await gateway.ConnectAsync();
        await client.SendAsync(Wire.Requests(100));
        await Eventually.TrueAsync(() => gateway.Frontend.Requests > 0, "requests are held");

        await gateway.Server.StopAsync().WaitAsync(Eventually.Patience);
        gateway.Frontend.ReleaseHeld();
        await gateway.DisposeAsync();
    }

    [Fact]
    public async Task A_server_that_never_started_stops_without_ado()
    {
        var server = new GatewayServer(new GatewayOptions(), new FakeFrontend(), new TestLog());
        await server.StopAsync();
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Two_thousand_connections_are_served()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        var clients = new List<TestClient>();
        for (int i = 0; i < 2000; i++)
        {
            clients.Add(await gateway.ConnectAsync());
        }

        Assert.Equal(2000, gateway.Server.Connections);
        await Task.WhenAll(clients.Select(client => client.SendAsync(Wire.Requests(2))));
        foreach (TestClient client in clients)
        {
            Assert.Equal(1, Wire.Xid((await client.ReadFrameAsync())!));
            Assert.Equal(2, Wire.Xid((await client.ReadFrameAsync())!));
            client.Dispose();
        }

        await Eventually.TrueAsync(() => gateway.Server.Connections == 0, "all are gone");
        Assert.Equal(2000, gateway.Frontend.Gone.Count);
    }

    [Fact]
    public async Task The_limit_on_connections_turns_the_next_one_away_until_one_leaves()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(new GatewayOptions { MaxConnections = 2 });
        using TestClient first = await gateway.ConnectAsync();
        TestClient second = await gateway.ConnectAsync();
        using TestClient third = await gateway.OpenAsync();

        Assert.Empty(await third.ReadToEndAsync());
        Assert.True(gateway.Log.Has(110, "limit of 2 connections is reached"));
        Assert.Equal(1, gateway.Server.Counters.ConnectionsRefused);

        second.Dispose();
        await Eventually.TrueAsync(() => gateway.Server.Connections == 1, "the second is gone");
        await gateway.AssertHealthyAsync();
    }

    [Fact]
    public async Task The_limit_on_one_address_turns_the_next_one_away()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(
            new GatewayOptions { MaxConnectionsPerAddress = 1 });
        using TestClient first = await gateway.ConnectAsync();
        using TestClient second = await gateway.OpenAsync();

        Assert.Empty(await second.ReadToEndAsync());
        Assert.True(gateway.Log.Has(110, "limit of 1 connections from one address"));
    }

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
