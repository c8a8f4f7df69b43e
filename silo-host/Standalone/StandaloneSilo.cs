using System.Buffers.Binary;
using System.Net;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Orleans.Coord.Consensus;
using Orleans.Coord.Gateway;
using Orleans.Coord.Replication;
using Orleans.Coord.Tcp;
using Orleans.Coord.Tree;
using Orleans.Coord.Wal;

namespace Orleans.Coord.SiloHost.Standalone;

/// <summary>
/// One silo's data directory, replica, mailbox and gateway, wired together; linked to the others over TCP, or by a
/// cluster runtime.
/// </summary>
internal sealed class StandaloneSilo : IAsyncDisposable
{
    // Elections want a finer clock than one silo alone, which only expires sessions by it.
    private const int TickMsAlone = 50;
    private const int TickMs = 20;
    private static readonly TimeSpan _handOver = TimeSpan.FromSeconds(1);
    private const int SecretBytes = 32;

    private readonly DataDirectory _directory;
    private readonly ReplicaPump _pump;
    private readonly GatewayServer _gateway;
    private readonly TcpPeerTransport? _peers;
    private readonly IClusterRuntime? _cluster;
    private readonly Timer _ticker;
    private readonly string _pidFile;

    private StandaloneSilo(
        DataDirectory directory, ReplicaPump pump, GatewayServer gateway, TcpPeerTransport? peers,
        IClusterRuntime? cluster)
    {
        _cluster = cluster;
        _directory = directory;
        _peers = peers;
        _pump = pump;
        _gateway = gateway;
        _pidFile = Path.Combine(directory.Path, "silo.pid");
        _ticker = new Timer(_ => _pump.Tick(), null, Timeout.Infinite, Timeout.Infinite);
    }

    /// <summary>Where clients connect, once served.</summary>
    public IPEndPoint ClientEndPoint => _gateway.EndPoint;

    /// <summary>Completes when the replica has to stop by itself.</summary>
    public Task<Exception> Failure => _pump.Failure;

    /// <summary>What recovery found and did; empty after a clean start.</summary>
    public IReadOnlyList<string> Notes => _directory.Notes;

    /// <summary>Owns the data directory and recovers the replica from it.</summary>
    /// <exception cref="StorageException">The directory cannot be used or trusted.</exception>
    public static StandaloneSilo Open(
        CoordSettings settings, IPEndPoint listenOn, ILoggerFactory loggers, IClusterRuntime? cluster)
    {
        string path = Path.GetFullPath(settings.DataDirectory);
        Members? members = Members.Parse(settings);
        var disk = new NativeDisk();
        DataDirectory directory = DataDirectory.Open(path, WalOptionsOf(settings), disk);
        try
        {
            TcpPeerTransport? peers = members is null
                ? null
                : new PeerLinks(settings, members, directory, disk).Create(loggers);
            var pump = new ReplicaPump();
            var report = new ReplicaReport(pump, settings, path);
            var snapshots = new SnapshotAdmin(pump, directory, disk, settings.DiskReserveBytes);
            var gateway = new GatewayServer(GatewayOptionsOf(settings, listenOn), pump, loggers, report, snapshots);
            var silo = new StandaloneSilo(directory, pump, gateway, peers, cluster);
            IReadOnlyList<ReplicaId> firstVoters = FirstVotersOf(settings, members, cluster, directory, disk);
            silo.StartReplica(ReplicaOptionsOf(settings, members, firstVoters));
            return silo;
        }
        catch
        {
            directory.Dispose();
            throw;
        }
    }

    /// <summary>Completes when this member was removed from its ensemble, and serves nobody for that.</summary>
    public Task Removed => _pump.Removed;

    /// <summary>
    /// Whether the group knows this member; if not, it waits until the others add it. One that has failed is not asked.
    /// </summary>
    public async Task<bool> IsMemberAsync()
    {
        Task<bool> answer = _pump.AskAsync(replica => replica.IsMember);
        return await Task.WhenAny(answer, Failure) == Failure || await answer;
    }

    /// <summary>Waits until the replica serves, then opens the port. Returns the replica's newest zxid.</summary>
    /// <exception cref="StartupException">The port cannot be had.</exception>
    /// <exception cref="OperationCanceledException">It was stopped before it could serve.</exception>
    public async Task<(long Zxid, int Znodes)> ServeAsync(CancellationToken cancelled)
    {
        await (_cluster?.StartAsync(_pump, _directory) ?? Task.CompletedTask);
        Task<(long, int)> serving = _pump.Serving;
        if (await Task.WhenAny(serving, Failure).WaitAsync(cancelled) == Failure)
        {
            throw new StartupException("The replica stopped while it recovered. " + (await Failure).Message);
        }

        // Recovery leaves as much garbage as data; give it back before anyone waits for an answer.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        try
        {
            await _gateway.StartAsync(cancelled);
        }
        catch (GatewayBindException e)
        {
            throw new StartupException(e.Message, e);
        }

        await File.WriteAllTextAsync(_pidFile, Environment.ProcessId + "\n", cancelled);
        return await serving;
    }

    /// <summary>Lets the clients go, then the data directory.</summary>
    public async ValueTask DisposeAsync()
    {
        await HandOverAsync();
        await _gateway.DisposeAsync();
        await (_peers?.DisposeAsync() ?? default);
        await _ticker.DisposeAsync();
        _pump.Stop();
        _directory.Dispose();
        File.Delete(_pidFile);
    }

    // A leader that leaves names its successor first, so that writers wait for a round trip and not for an election.
    private async Task HandOverAsync()
    {
        if (Links is null || Failure.IsCompleted)
        {
            return;
        }

        DateTime deadline = DateTime.UtcNow + _handOver;
        bool leads = await _pump.AskAsync(replica => replica.HandOver());
        while (leads && DateTime.UtcNow < deadline)
        {
            leads = await _pump.AskAsync(replica => replica.Raft.Role == RaftRole.Leader);
            await Task.Delay(leads ? 5 : 0);
        }
    }

    private IPeerTransport? Links => _cluster is null ? _peers : _cluster.Links;

    private void StartReplica(ReplicaOptions options)
    {
        byte[] seed = RandomNumberGenerator.GetBytes(sizeof(ulong));
        Replica replica = Replica.Open(
            options, _directory.Log, _directory.Snapshots, Links,
            new SplitMix64(BinaryPrimitives.ReadUInt64LittleEndian(seed)), ReplicaPump.Now());
        _directory.Start(_pump);
        _pump.Start(replica);
        StartPeers();
        int tick = Links is null ? TickMsAlone : TickMs;
        _ticker.Change(tick, tick);
    }

    private void StartPeers()
    {
        try
        {
            _peers?.Start(_pump);
        }
        catch (PeerBindException e)
        {
            throw new StartupException(e.Message, e);
        }
    }

    private static WalOptions WalOptionsOf(CoordSettings settings) => new()
    {
        SegmentBytes = settings.SegmentBytes,
        ReserveBytes = settings.DiskReserveBytes,
        AcceptTailLoss = settings.AcceptTailLoss,
    };

    // What an empty directory is told at its first start counts for good: see FirstVoters.
    private static IReadOnlyList<ReplicaId> FirstVotersOf(
        CoordSettings settings, Members? members, IClusterRuntime? cluster, DataDirectory directory, IDisk disk)
    {
        IReadOnlyList<ReplicaId> asked = settings.Join ? []
            : cluster is not null ? cluster.Voters
            : members is null ? [settings.Replica] : [.. members.ById.Keys];
        return FirstVoters.Settle(directory.Path, disk, asked);
    }

    private static ReplicaOptions ReplicaOptionsOf(
        CoordSettings settings, Members? members, IReadOnlyList<ReplicaId> firstVoters) => new()
    {
        Id = settings.Replica,
        Voters = firstVoters,
        FirstMembers = firstVoters.Count == 0 ? null : members?.TextOf(firstVoters),
        Peers = members?.Others(settings.Replica) ?? [],
        ReconfigEnabled = settings.ReconfigEnabled,
        Raft = new RaftOptions { ElectionTicks = 20, HeartbeatTicks = 3 },
        PasswordSecret = RandomNumberGenerator.GetBytes(SecretBytes),
        TickTimeMs = settings.TickTimeMs,
        MinSessionTimeoutMs = settings.MinTimeout,
        MaxSessionTimeoutMs = settings.MaxTimeout,
        ReadOnlyMode = settings.ReadOnlyMode,
        LocalSessions = settings.LocalSessions,
        LocalSessionsUpgrading = settings.LocalSessionsUpgrading,
        Authentication = Authentication.OptionsOf(settings),
        ExtendedTypes = settings.ExtendedTypes,
        EnforceQuota = settings.EnforceQuota,
        ContainerCheckMs = settings.ContainerCheckMs,
        SnapshotLogBytes = settings.SnapshotLogBytes,
        FeatureLevel = settings.FeatureLevel == 0 ? FeatureLevels.Newest : (byte)settings.FeatureLevel,
    };

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
