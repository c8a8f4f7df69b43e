using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using Orleans.Coord.Grains;
using Orleans.Coord.Grains.Clustering;
using Orleans.Coord.Grains.Links;
using Orleans.Coord.Replication;
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

    private IHost? _host;
    private bool _stopping;

    public OrleansSilo(CoordSettings settings, ILoggerFactory loggers)
    {
        _settings = settings;
        _loggers = loggers;
        Voters = settings.VoterIds;
        _links = Voters.Count > 1 ? new GrainPeerTransport(settings.Replica, loggers) : null;
    }

    public string Description => Voters.Count == 1
        ? "one silo, Orleans host"
        : $"silo {_settings.ReplicaId} of a group with voters {string.Join(", ", Voters)}, Orleans host";

    public IReadOnlyList<ReplicaId> Voters { get; }

    public IPeerTransport? Links => _links;

    public Task<Exception> Failure => _failure.Task;

    public async Task StartAsync(IReplicaMailbox mailbox, DataDirectory directory)
    {
        var registry = new PeerRegistry(directory.Path, new NativeDisk());
        var gate = new Lock();
        var replica = new LocalReplica(_settings.Replica, mailbox, mailbox, (peer, incarnation) =>
        {
            lock (gate)
            {
                return registry.Admit(peer, incarnation);
            }
        })
        {
            MaxFrameBytes = _settings.MaxFrameBytes,
        };
        if (_settings.Database.Length > 0)
        {
            await Database.CheckAsync(_settings.Database);
        }

        _host = Build(replica);
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

        _links?.Start(_host.Services, directory.Incarnation, mailbox);
    }

    public async ValueTask DisposeAsync()
    {
        _stopping = true;
        _links?.Stop();
        if (_host is not null)
        {
            await _host.StopAsync();
            _host.Dispose();
        }
    }

    private IHost Build(LocalReplica replica)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings
        {
            DisableDefaults = true,
        });
        builder.Services.AddSingleton(_loggers);
        // The silo is this program's, and ends with it: signals are not Orleans' to handle.
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.UseOrleans(silo => silo
            .Configure<ClusterOptions>(options =>
            {
                options.ClusterId = _settings.ClusterId;
                options.ServiceId = _settings.ClusterId;
            })
            .Configure<EndpointOptions>(ConfigureEndpoints)
            .UseCoordMembershipTimings()
            .AddCoordGrains(replica));
        builder.UseOrleans(UseClustering);
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

    private void ConfigureEndpoints(EndpointOptions options)
    {
        int[] free = FreePorts.Find(2);
        options.AdvertisedIPAddress = IPAddress.Parse(_settings.SiloAddress);
        options.SiloPort = _settings.SiloPort == 0 ? free[0] : _settings.SiloPort;
        options.GatewayPort = _settings.GrainClientPort == 0 ? free[1] : _settings.GrainClientPort;
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
