using System.Globalization;
using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using Orleans.Coord.Grains;
using Orleans.Coord.Grains.Clustering;
using Orleans.Coord.Grains.Links;
using Orleans.Coord.Grains.Placement;
using Orleans.Coord.Replication;
using Orleans.Coord.SiloHost.Standalone;
using Orleans.Coord.Wal;

namespace Orleans.Coord.SiloHost.Clustered;

/// <summary>One silo of an Orleans cluster: its replica, its sessions and its znodes are grains.</summary>
internal sealed class OrleansSilo : IClusterRuntime
{
    private readonly CoordSettings _settings;
    private readonly ILoggerFactory _loggers;
    private readonly GrainPeerTransport? _links;
    private readonly TaskCompletionSource<Exception> _failure =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly LocalReplicas _replicas;

    // For other silos, and for Orleans clients.
    private readonly int[] _ports;
    private ReplicaStore? _store;
    private ReplicaStorage? _storage;
    private StandIns? _standIns;
    private Roster? _roster;
    private IHost? _host;
    private bool _stopping;

    public OrleansSilo(CoordSettings settings, ILoggerFactory loggers)
    {
        _settings = settings;
        _loggers = loggers;
        _links = settings.IsGrouped ? new GrainPeerTransport(settings.Replica, loggers) : null;
        int[] free = FreePorts.Find(2);
        _ports =
        [
            settings.SiloPort == 0 ? free[0] : settings.SiloPort,
            settings.GrainClientPort == 0 ? free[1] : settings.GrainClientPort,
        ];
        _replicas = new LocalReplicas(settings.Replica) { MaxFrameBytes = settings.MaxFrameBytes };
    }

    public string Description =>
        (_settings.IsGrouped
            ? $"silo {_settings.ReplicaId} of a group, Orleans host"
            : "one silo, Orleans host")
        + (_settings.IsInGrainStorage ? ", replicas in grain storage" : "");

    // A silo that is none of them waits until the leader adds it.
    public IReadOnlyList<ReplicaId> Voters =>
        _settings.VoterIds.Contains(_settings.Replica) ? _settings.VoterIds : [];

    public IPeerTransport? Links => _links;

    public Task<Exception> Failure => _failure.Task;

    public async Task<ReplicaStorage?> OpenStorageAsync()
    {
        if (!_settings.IsInGrainStorage)
        {
            return null;
        }

        await JoinAsync();
        _store = new ReplicaStore(_host!.Services, _settings, _loggers);
        (_, _storage) = _store.Of(_settings.Replica);
        return _storage;
    }

    public async Task StartAsync(ReplicaHost replica)
    {
        DataDirectory directory = replica.Directory;
        var admission = new PeerAdmission(_storage ?? new ReplicaStorage(new NativeDisk(), directory.Path), _links);
        _replicas.Add(new LocalReplica(_settings.Replica, replica.Pump, replica.Pump, admission.Admit)
        {
            Description = Describe(),
        });
        if (_host is null)
        {
            await JoinAsync();
        }

        _links?.Start(
            _host!.Services, new ReplicaData(directory.Incarnation, directory.Generation), replica.Pump);
        if (_links is null)
        {
            return;
        }

        _roster = Roster.Start(_host!.Services, replica, _settings.LongestAbsence, _loggers);
        if (_store is not null)
        {
            _standIns = StandIns.Start(_settings, _host!.Services, _store, replica, _loggers);
        }
    }

    public async ValueTask StopAsync()
    {
        await (_roster?.DisposeAsync() ?? default);
        await (_standIns?.DisposeAsync() ?? default);
        // One try more for what is not written yet; a database that is away must not keep the process.
        _store?.StopWaiting();
    }

    public async ValueTask DisposeAsync()
    {
        _stopping = true;
        _links?.Stop();
        _store?.Dispose();
        if (_host is not null)
        {
            await _host.StopAsync();
            _host.Dispose();
        }
    }

    private async Task JoinAsync()
    {
        if (_settings.Database.Length > 0)
        {
            await Database.CheckAsync(_settings.Database);
        }

        _host = Build();
        _host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopped.Register(Stopped);
        try
        {
            await _host.StartAsync();
        }
#pragma warning disable CA1031 // Orleans throws what its parts throw; each ends the start.
        catch (Exception e)
#pragma warning restore CA1031
        {
            throw new StartupException(
                $"The Orleans cluster {_settings.ClusterId} could not be joined: {e.Message}", e);
        }
    }

    private IHost Build()
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings
        {
            DisableDefaults = true,
        });
        builder.Services.AddSingleton(_loggers);
        // The silo is this program's, and ends with it: signals are not Orleans' to handle.
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        ReplicaHomes homes = _settings.IsInGrainStorage ? ReplicaHomes.AnySilo : ReplicaHomes.OwnSilo;
        builder.UseOrleans(silo => silo
            .Configure<ClusterOptions>(options =>
            {
                options.ClusterId = _settings.ClusterId;
                options.ServiceId = _settings.ClusterId;
            })
            .Configure<EndpointOptions>(ConfigureEndpoints)
            .UseCoordMembershipTimings(homes)
            .AddCoordGrains(_replicas, homes));
        builder.UseOrleans(UseClustering);
        if (_settings.IsInGrainStorage)
        {
            builder.UseOrleans(silo => ReplicaStore.Configure(silo, _settings));
        }

        return builder.Build();
    }

    private void UseClustering(ISiloBuilder silo)
    {
        if (_settings.Database.Length == 0)
        {
            silo.UseFileClustering(_settings.ClusterFolder);
            return;
        }

        silo.UseAdoNetClustering(options =>
        {
            options.Invariant = Database.Invariant;
            options.ConnectionString = _settings.Database;
        });
    }

    // Others reach this replica by its id alone, so the silo's port is only where an operator may look.
    private string Describe()
    {
        string clients = _settings.ClientAddress switch
        {
            "localhost" => "127.0.0.1",
            "*" => "0.0.0.0",
            string address => address.Contains(':', StringComparison.Ordinal) ? $"[{address}]" : address,
        };
        string silo = _settings.SiloAddress.Contains(':', StringComparison.Ordinal)
            ? $"[{_settings.SiloAddress}]" : _settings.SiloAddress;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"server.{_settings.ReplicaId}={silo}:{_ports[0]}:{_ports[1]}:observer;{clients}:{_settings.ClientPort}");
    }

    private void ConfigureEndpoints(EndpointOptions options)
    {
        options.AdvertisedIPAddress = IPAddress.Parse(_settings.SiloAddress);
        options.SiloPort = _ports[0];
        options.GatewayPort = _ports[1];
    }

    private void Stopped()
    {
        if (!_stopping)
        {
            _failure.TrySetResult(new StorageException("Orleans has stopped this silo; its log says why."));
        }
    }

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
