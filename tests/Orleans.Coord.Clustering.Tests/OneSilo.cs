using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Orleans.Coord.Client;
using Orleans.Coord.SiloHost;
using Orleans.Coord.SiloHost.Standalone;

namespace Orleans.Coord.Clustering.Tests;

/// <summary>A coordination service for all tests, in this process.</summary>
public sealed class OneSilo : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("coord-clustering-").FullName;
    private StandaloneSilo? _silo;

    internal CoordClientSource Clients { get; private set; } = null!;

    public string ConnectionString => _silo!.ClientEndPoint.ToString();

    public async Task InitializeAsync()
    {
        var settings = new CoordSettings { ClientPort = 0, DataDirectory = _folder, Host = Hosts.Standalone };
        _silo = StandaloneSilo.Open(
            settings, new IPEndPoint(IPAddress.Loopback, 0), NullLoggerFactory.Instance, cluster: null);
        await _silo.ServeAsync(CancellationToken.None);
        Clients = new CoordClientSource(new CoordClientOptions { ConnectionString = ConnectionString });
    }

    public async Task DisposeAsync()
    {
        await Clients.DisposeAsync();
        await _silo!.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
