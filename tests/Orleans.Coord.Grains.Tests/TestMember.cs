using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Orleans.Coord.Grains.Links;
using Orleans.Coord.Replication;
using Orleans.Coord.SiloHost;
using Orleans.Coord.SiloHost.Standalone;

namespace Orleans.Coord.Grains.Tests;

/// <summary>One replica with its own data folder and client port, whose cluster runtime is a test cluster.</summary>
internal sealed class TestMember : IClusterRuntime
{
    private readonly TaskCompletionSource _joined = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<Exception> _failure = new();
    private readonly GrainPeerTransport _links;
    private readonly string _folder;
    private readonly StandaloneSilo _silo;
    private readonly Task _serving;
    private ReplicaHost? _replica;

    /// <param name="id">Its id.</param>
    /// <param name="voters">How many begin the group; whoever has a higher id waits to be added.</param>
    /// <param name="folder">Where its data are; null for a new folder.</param>
    /// <param name="address">Where it says that it is.</param>
    public TestMember(byte id, byte voters, string? folder = null, string address = "127.0.0.1")
    {
        Id = new ReplicaId(id);
        _folder = folder ?? Directory.CreateTempSubdirectory("coord-grains-").FullName;
        Voters = id <= voters ? [.. Enumerable.Range(1, voters).Select(voter => new ReplicaId((byte)voter))] : [];
        _links = new GrainPeerTransport(Id, NullLoggerFactory.Instance);
        var settings = new CoordSettings { ClientPort = 0, DataDirectory = _folder, ReplicaId = id };
        _silo = StandaloneSilo.Open(
            settings, new IPEndPoint(IPAddress.Loopback, 0), NullLoggerFactory.Instance, this);
        _serving = _silo.ServeAsync(CancellationToken.None);
        Replicas = new LocalReplicas(Id);
        Replicas.Add(new LocalReplica(Id, _replica!.Pump, _replica.Pump, (peer, data) =>
        {
            Admitted[peer] = data.Incarnation;
            return !Refused.Contains(peer);
        })
        {
            Description = $"server.{id}={address}:{1000 + id}:{2000 + id}:observer;{address}:{3000 + id}",
        });
    }

    public ReplicaId Id { get; }

    public LocalReplicas Replicas { get; }

    public Dictionary<ReplicaId, ulong> Admitted { get; } = [];

    public HashSet<ReplicaId> Refused { get; } = [];

    public ulong Incarnation => _replica!.Directory.Incarnation;

    public IPEndPoint ClientEndPoint => _silo.ClientEndPoint;

    public string Description => "a test";

    public IReadOnlyList<ReplicaId> Voters { get; }

    public IPeerTransport? Links => _links;

    public ReplicaHost Replica => _replica!;

    public Task<Exception> Failure => _failure.Task;

    public Task<ReplicaStorage?> OpenStorageAsync() => Task.FromResult<ReplicaStorage?>(null);

    public Task StartAsync(ReplicaHost replica)
    {
        _replica = replica;
        return _joined.Task;
    }

    public ValueTask StopAsync() => default;

    /// <summary>The member's silo is up: link it to the others.</summary>
    public void Join(IServiceProvider silo)
    {
        _links.Start(silo, new ReplicaData(Incarnation, _replica!.Directory.Generation), _replica.Pump);
        _joined.SetResult();
    }

    public async Task ServeAsync() => await _serving.WaitAsync(TimeSpan.FromSeconds(60));

    /// <summary>Stops it; returns the folder with its data.</summary>
    public async Task<string> StopAndKeepAsync()
    {
        await _silo.DisposeAsync();
        _links.Stop();
        return _folder;
    }

    public async ValueTask DisposeAsync() => Directory.Delete(await StopAndKeepAsync(), recursive: true);
}
