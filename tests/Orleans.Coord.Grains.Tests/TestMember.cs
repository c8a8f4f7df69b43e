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
    private readonly string _folder = Directory.CreateTempSubdirectory("coord-grains-").FullName;
    private readonly StandaloneSilo _silo;
    private readonly Task _serving;
    private ReplicaHost? _replica;

    public TestMember(byte id, byte voters)
    {
        Id = new ReplicaId(id);
        Voters = [.. Enumerable.Range(1, voters).Select(voter => new ReplicaId((byte)voter))];
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
        }));
    }

    public ReplicaId Id { get; }

    public LocalReplicas Replicas { get; }

    public Dictionary<ReplicaId, ulong> Admitted { get; } = [];

    public HashSet<ReplicaId> Refused { get; } = [];

    public ulong Incarnation => _replica!.Directory.Incarnation;

    public IPEndPoint ClientEndPoint => _silo.ClientEndPoint;

    public string Description => "a test";

    public IReadOnlyList<ReplicaId> Voters { get; }

    public IPeerTransport? Links => Voters.Count > 1 ? _links : null;

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

    public async ValueTask DisposeAsync()
    {
        await _silo.DisposeAsync();
        _links.Stop();
        Directory.Delete(_folder, recursive: true);
    }
}
