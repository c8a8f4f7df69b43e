using System.Buffers.Binary;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Orleans.Coord.Consensus;
using Orleans.Coord.Replication;
using Orleans.Coord.Tree;
using Orleans.Coord.Wal;

namespace Orleans.Coord.SiloHost.Standalone;

/// <summary>Where a replica's data are.</summary>
/// <param name="Disk">The disk.</param>
/// <param name="Path">The folder on it.</param>
internal sealed record ReplicaStorage(IDisk Disk, string Path);

/// <summary>One replica that this process runs: its data, its mailbox and its clock.</summary>
internal sealed class ReplicaHost : IAsyncDisposable
{
    // Elections want a finer clock than one silo alone, which only expires sessions by it.
    private const int TickMsAlone = 50;
    private const int TickMs = 20;
    private const int SecretBytes = 32;
    private static readonly TimeSpan _handOver = TimeSpan.FromSeconds(1);

    private readonly Timer _ticker;

    private ReplicaHost(DataDirectory directory, ILoggerFactory loggers)
    {
        Directory = directory;
        Pump = new ReplicaPump(loggers.CreateLogger("Orleans.Coord.Storage"), directory.Path);
        _ticker = new Timer(_ => Pump.Tick(), null, Timeout.Infinite, Timeout.Infinite);
    }

    /// <summary>Its data, which this process owns.</summary>
    public DataDirectory Directory { get; }

    /// <summary>Whether its group may have other members.</summary>
    public bool IsLinked { get; private set; }

    /// <summary>Its mailbox.</summary>
    public ReplicaPump Pump { get; }

    /// <summary>Owns the data and recovers what they hold. The replica runs after <see cref="Start"/>.</summary>
    /// <exception cref="StorageException">They cannot be used or trusted.</exception>
    public static ReplicaHost Open(CoordSettings settings, ReplicaStorage storage, ILoggerFactory loggers) => new(
        DataDirectory.Open(storage.Path, WalOptionsOf(settings), storage.Disk), loggers);

    /// <summary>Starts the replica.</summary>
    /// <param name="options">See <see cref="OptionsOf"/>.</param>
    /// <param name="links">The way to the other members; null for a group of one.</param>
    public void Start(ReplicaOptions options, IPeerTransport? links)
    {
        byte[] seed = RandomNumberGenerator.GetBytes(sizeof(ulong));
        Replica replica = Replica.Open(
            options, Directory.Log, Directory.Snapshots, links,
            new SplitMix64(BinaryPrimitives.ReadUInt64LittleEndian(seed)), ReplicaPump.Now());
        Directory.Start(Pump);
        Pump.Start(replica);
        IsLinked = links is not null;
        int tick = links is null ? TickMsAlone : TickMs;
        _ticker.Change(tick, tick);
    }

    /// <summary>Asks the replica something in one of its turns.</summary>
    /// <exception cref="StorageException">It has stopped, for the reason in the message.</exception>
    public async Task<T> AskAsync<T>(Func<Replica, T> question)
    {
        Task<T> answer = Pump.AskAsync(question);
        return await Task.WhenAny(answer, Pump.Failure) == answer
            ? await answer
            : throw new StorageException((await Pump.Failure).Message, await Pump.Failure);
    }

    /// <summary>
    /// A leader that leaves names its successor first, so that writers wait for a round trip and not for an election.
    /// </summary>
    public async Task HandOverAsync()
    {
        if (!IsLinked || Pump.Failure.IsCompleted)
        {
            return;
        }

        try
        {
            DateTime deadline = DateTime.UtcNow + _handOver;
            bool leads = await AskAsync(replica => replica.HandOver()).WaitAsync(_handOver);
            while (leads && DateTime.UtcNow < deadline)
            {
                leads = await AskAsync(replica => replica.Raft.Role == RaftRole.Leader).WaitAsync(_handOver);
                await Task.Delay(leads ? 5 : 0);
            }
        }
        catch (Exception e) when (e is TimeoutException or StorageException)
        {
            // The replica has failed meanwhile, or is busy beyond hope; the others elect a leader.
        }
    }

    /// <summary>Ends the replica and gives its data free.</summary>
    public async ValueTask DisposeAsync()
    {
        await _ticker.DisposeAsync();
        Pump.Stop();
        Directory.Dispose();
    }

    /// <summary>What the settings say about a replica.</summary>
    /// <param name="settings">Checked settings.</param>
    /// <param name="id">The member.</param>
    /// <param name="firstVoters">What its data began with; see <see cref="FirstVoters"/>.</param>
    public static ReplicaOptions OptionsOf(
        CoordSettings settings, ReplicaId id, IReadOnlyList<ReplicaId> firstVoters) => new()
    {
        Id = id,
        Voters = firstVoters,
        ReconfigEnabled = settings.ReconfigEnabled,
        Raft = new RaftOptions
        {
            ElectionTicks = 20,
            HeartbeatTicks = 3,
            // Records can get another owner at any time.
            ConfirmReadsByWrite = settings.IsInGrainStorage,
        },
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

    private static WalOptions WalOptionsOf(CoordSettings settings) => new()
    {
        SegmentBytes = settings.SegmentBytes,
        ReserveBytes = settings.DiskReserveBytes,
        AcceptTailLoss = settings.AcceptTailLoss,
    };
}
