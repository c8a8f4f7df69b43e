using System.Net;
using Microsoft.Extensions.Logging;
using Orleans.Coord.Gateway;
using Orleans.Coord.Replication;
using Orleans.Coord.Tcp;
using Orleans.Coord.Wal;

namespace Orleans.Coord.SiloHost.Standalone;

/// <summary>
/// One silo's replica and gateway, wired together; linked to the others over TCP, or by a cluster runtime.
/// </summary>
internal sealed class StandaloneSilo : IAsyncDisposable
{
    private readonly ReplicaHost _replica;
    private readonly GatewayServer _gateway;
    private readonly TcpPeerTransport? _peers;
    private readonly IClusterRuntime? _cluster;
    private readonly string _pidFile;

    private StandaloneSilo(
        ReplicaHost replica, GatewayServer gateway, TcpPeerTransport? peers, IClusterRuntime? cluster, string folder)
    {
        _cluster = cluster;
        _replica = replica;
        _peers = peers;
        _gateway = gateway;
        _pidFile = Path.Combine(folder, "silo.pid");
    }

    /// <summary>Where clients connect, once served.</summary>
    public IPEndPoint ClientEndPoint => _gateway.EndPoint;

    /// <summary>Completes when the replica has to stop by itself.</summary>
    public Task<Exception> Failure => _replica.Pump.Failure;

    /// <summary>What recovery found and did; empty after a clean start.</summary>
    public IReadOnlyList<string> Notes => _replica.Directory.Notes;

    /// <summary>Completes when this member was removed from its ensemble, and serves nobody for that.</summary>
    public Task Removed => _replica.Pump.Removed;

    /// <summary>Owns the replica's data and recovers it from them.</summary>
    /// <param name="settings">Checked settings.</param>
    /// <param name="listenOn">Where clients connect.</param>
    /// <param name="loggers">For gateway, links and disk.</param>
    /// <param name="cluster">The cluster runtime; null for the standalone host.</param>
    /// <param name="storage">Where the data are; null for the data directory on this machine.</param>
    /// <exception cref="StorageException">The data cannot be used or trusted.</exception>
    public static StandaloneSilo Open(
        CoordSettings settings, IPEndPoint listenOn, ILoggerFactory loggers, IClusterRuntime? cluster,
        ReplicaStorage? storage = null)
    {
        string folder = Path.GetFullPath(settings.DataDirectory);
        Members? members = Members.Parse(settings);
        storage ??= new ReplicaStorage(new NativeDisk(), folder);
        ReplicaHost replica = ReplicaHost.Open(settings, storage, loggers);
        // The pid file is there even where nothing else is.
        Directory.CreateDirectory(folder);
        try
        {
            TcpPeerTransport? peers = members is null
                ? null
                : new PeerLinks(settings, members, replica.Directory, storage.Disk).Create(loggers);
            var report = new ReplicaReport(replica.Pump, settings, folder);
            // It hands out files, and takes room for them: only where there are any.
            SnapshotAdmin? snapshots = storage.Disk is NativeDisk
                ? new SnapshotAdmin(replica.Pump, replica.Directory, storage.Disk, settings.DiskReserveBytes)
                : null;
            var gateway = new GatewayServer(
                GatewayOptionsOf(settings, listenOn), replica.Pump, loggers, report, snapshots);
            var silo = new StandaloneSilo(replica, gateway, peers, cluster, folder);
            IReadOnlyList<ReplicaId> voters = FirstVoters.Settle(
                storage.Path, storage.Disk, AskedVoters(settings, members, cluster));
            replica.Start(
                ReplicaHost.OptionsOf(settings, settings.Replica, voters) with
                {
                    FirstMembers = voters.Count == 0 ? null : members?.TextOf(voters),
                    Peers = members?.Others(settings.Replica) ?? [],
                },
                cluster is null ? peers : cluster.Links);
            silo.StartPeers();
            return silo;
        }
        catch
        {
            replica.Directory.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Whether the group knows this member; if not, it waits until the others add it. One that has failed is not asked.
    /// </summary>
    public async Task<bool> IsMemberAsync()
    {
        try
        {
            return await _replica.AskAsync(replica => replica.IsMember);
        }
        catch (StorageException)
        {
            return true;
        }
    }

    /// <summary>Waits until the replica serves, then opens the port. Returns the replica's newest zxid.</summary>
    /// <exception cref="StartupException">The port cannot be had.</exception>
    /// <exception cref="OperationCanceledException">It was stopped before it could serve.</exception>
    public async Task<(long Zxid, int Znodes)> ServeAsync(CancellationToken cancelled)
    {
        await BindAsync(_gateway.StartAdminAsync(cancelled));
        await (_cluster?.StartAsync(_replica) ?? Task.CompletedTask);
        Task<(long, int)> serving = _replica.Pump.Serving;
        if (await Task.WhenAny(serving, Failure).WaitAsync(cancelled) == Failure)
        {
            throw new StartupException("The replica stopped while it recovered. " + (await Failure).Message);
        }

        // Recovery leaves as much garbage as data; give it back before anyone waits for an answer.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        await BindAsync(_gateway.StartAsync(cancelled));
        await File.WriteAllTextAsync(_pidFile, Environment.ProcessId + "\n", cancelled);
        if (_replica.IsLinked)
        {
            WarmUp.Start();
        }

        return await serving;
    }

    /// <summary>Lets the clients go, then the data.</summary>
    public async ValueTask DisposeAsync()
    {
        await _replica.HandOverAsync();
        await (_cluster?.StopAsync() ?? default);
        await _gateway.DisposeAsync();
        await (_peers?.DisposeAsync() ?? default);
        await _replica.DisposeAsync();
        if (File.Exists(_pidFile))
        {
            File.Delete(_pidFile);
        }
    }

    private static async Task BindAsync(Task binding)
    {
        try
        {
            await binding;
        }
        catch (GatewayBindException e)
        {
            throw new StartupException(e.Message, e);
        }
    }

    private void StartPeers()
    {
        try
        {
            _peers?.Start(_replica.Pump);
        }
        catch (PeerBindException e)
        {
            throw new StartupException(e.Message, e);
        }
    }

    // What an empty directory is told at its first start counts for good: see FirstVoters.
    private static IReadOnlyList<ReplicaId> AskedVoters(
        CoordSettings settings, Members? members, IClusterRuntime? cluster) =>
        settings.Join ? []
        : cluster is not null ? cluster.Voters
        : members is null ? [settings.Replica] : [.. members.ById.Keys];

    private static GatewayOptions GatewayOptionsOf(CoordSettings settings, IPEndPoint listenOn) => new()
    {
        EndPoint = listenOn,
        AdminSnapshotInterval = TimeSpan.FromMilliseconds(settings.AdminSnapshotIntervalMs),
        AdminEndPoint = settings.AdminPort == 0 ? null : new IPEndPoint(listenOn.Address, settings.AdminPort),
        Tls = ClientTls.OptionsOf(settings.ClientTls, listenOn.Address),
        AlsoOnIPv6Loopback = settings.ClientAddress == "localhost",
        MaxFrameBytes = settings.MaxFrameBytes,
        MaxOutstandingRequestsOfAll = settings.MaxOutstandingRequests,
        LargeRequestBytes = settings.LargeRequestBytes,
        MaxLargeRequestsBytes = settings.MaxLargeRequestsBytes,
        MaxConnectsPerSecond = settings.MaxConnectsPerSecond,
        MaxConnectionsPerAddress = settings.MaxClientConnections,
        FourLetterWords = settings.FourLetterWords.Split(
            ',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
    };
}
