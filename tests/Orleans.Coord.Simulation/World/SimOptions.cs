using Orleans.Coord.Consensus;
using Orleans.Coord.Replication;
using Orleans.Coord.Tree;
using Orleans.Coord.Wal;

namespace Orleans.Coord.Simulation;

/// <summary>Kinds of faults that a run may inject.</summary>
[Flags]
public enum Faults
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Messages between members are lost.</summary>
    Drop = 1 << 0,

    /// <summary>Some messages are late by far, hence out of order.</summary>
    Delay = 1 << 1,

    /// <summary>Messages arrive twice, the second time perhaps much later.</summary>
    Duplicate = 1 << 2,

    /// <summary>Links are cut, in one direction or both; groups are split in halves, bridges and rings.</summary>
    Partition = 1 << 3,

    /// <summary>The leader, or any one, is cut off from the others.</summary>
    Isolate = 1 << 4,

    /// <summary>Links stall and then deliver everything at once.</summary>
    Clog = 1 << 5,

    /// <summary>Clients lose members out of sight, without a word to either.</summary>
    ClientCut = 1 << 6,

    /// <summary>A process is killed; the operating system keeps what it wrote.</summary>
    Kill = 1 << 7,

    /// <summary>A machine loses power; what was not synced may be lost or torn.</summary>
    PowerLoss = 1 << 8,

    /// <summary>All machines stop at once.</summary>
    StopAll = 1 << 9,

    /// <summary>A process stands still, sometimes for longer than a session lives.</summary>
    Pause = 1 << 10,

    /// <summary>A machine stops in the middle of a disk operation.</summary>
    CrashPoint = 1 << 11,

    /// <summary>A second process of a member that is alive: on its disk, or on an empty one.</summary>
    SecondCopy = 1 << 12,

    /// <summary>Wall clocks jump and stand still.</summary>
    WallClock = 1 << 13,

    /// <summary>The members' clocks run at different speeds.</summary>
    Drift = 1 << 14,

    /// <summary>A disk becomes slow.</summary>
    SlowDisk = 1 << 15,

    /// <summary>A sync fails.</summary>
    SyncError = 1 << 16,

    /// <summary>A disk is full for a while.</summary>
    DiskFull = 1 << 17,

    /// <summary>Bits flip on a disk, synced or not.</summary>
    BitFlip = 1 << 18,

    /// <summary>A member comes back under its old id with an empty disk.</summary>
    WipedDisk = 1 << 19,

    /// <summary>Leadership is handed over.</summary>
    Transfer = 1 << 20,

    /// <summary>Clients leave their member for another one, end their sessions, or fall silent.</summary>
    Clients = 1 << 21,

    /// <summary>Members join, leave, are promoted and replaced.</summary>
    Membership = 1 << 22,
}

/// <summary>All that a seed decides beforehand about its run.</summary>
public sealed record SimOptions
{
    /// <summary>Ids there are for members, those that are added included.</summary>
    internal const int MaxIds = 12;

    /// <summary>Name and password of the operator.</summary>
    internal const string SuperUser = "super:secret";

    private const int KindsOfFault = 23;
    private const int HistoryBlockBytes = 160;
    private const int HistoryBlockRecords = 8;
    private const int LongestPath = 20;

    /// <summary>Members of the group.</summary>
    public int Members { get; init; } = 3;

    /// <summary>Simulated clients.</summary>
    public int Clients { get; init; } = 4;

    /// <summary>Length of the phase in which faults happen, milliseconds of virtual time.</summary>
    public int UnsafeMs { get; init; } = 4000;

    /// <summary>Which faults happen.</summary>
    public Faults Faults { get; init; }

    /// <summary>Mean time between two faults, milliseconds.</summary>
    public int FaultEveryMs { get; init; } = 400;

    /// <summary>Loss of messages between members, percent.</summary>
    public int DropPercent { get; init; }

    /// <summary>Longest ordinary delay of a message, microseconds.</summary>
    public int DelayUs { get; init; } = 1000;

    /// <summary>Longest ordinary duration of a disk operation, microseconds.</summary>
    public int DiskUs { get; init; } = 1000;

    /// <summary>How much a member's clock may be fast or slow, per mille.</summary>
    public int DriftPermille { get; init; }

    /// <summary>Mean time between two actions of a client, milliseconds.</summary>
    public int ThinkMs { get; init; } = 20;

    /// <summary>Requests that a client has under way at most.</summary>
    public int Pipeline { get; init; } = 4;

    /// <summary>Registers that clients share.</summary>
    public int Registers { get; init; } = 3;

    /// <summary>Clients that contend for a lock.</summary>
    public int Lockers { get; init; } = 2;

    /// <summary>Log bytes between two snapshots.</summary>
    public int SnapshotBytes { get; init; } = 6000;

    /// <summary>Znodes that a snapshot takes in one slice.</summary>
    public int SnapshotSlice { get; init; } = 200;

    /// <summary>Bytes of a log segment.</summary>
    public int SegmentBytes { get; init; } = 32 << 10;

    /// <summary>Bytes of entries in one Append.</summary>
    public int AppendBytes { get; init; } = 64 << 10;

    /// <summary>Bytes of applied entries kept in memory.</summary>
    public int WindowBytes { get; init; } = 64 << 10;

    /// <summary>Blocks of change history that a member keeps at least.</summary>
    public int HistoryBlocks { get; init; } = 1000;

    /// <summary>Changes that one answer looks at.</summary>
    public int HistoryLooks { get; init; } = 8192;

    /// <summary>Whether new sessions stay with their member until they write.</summary>
    public bool LocalSessions { get; init; }

    /// <summary>A bug planted in the code under test, to prove that the checkers bite.</summary>
    public PlantedBug Bug { get; init; }

    /// <summary>Draws the options of a seed: each seed another corner of what may happen.</summary>
    internal static SimOptions Draw(SplitMix64 random)
    {
        int members = random.Pick(1, 3, 3, 3, 3, 3, 5, 5);
        Faults faults = Faults.None;
        int likely = random.Pick(10, 30, 50);
        for (int i = 0; i < KindsOfFault; i++)
        {
            faults |= random.Percent(likely) ? (Faults)(1 << i) : Faults.None;
        }

        bool focused = random.OneIn(3);
        if (focused)
        {
            // A few kinds, much more often: what needs the same thing to happen again and again.
            faults = Faults.None;
            for (int kinds = random.Between(1, 3); kinds > 0; kinds--)
            {
                faults |= (Faults)(1 << random.Below(KindsOfFault));
            }
        }

        int clients = random.Between(3, 6);
        return new SimOptions
        {
            Members = members,
            Clients = clients,
            UnsafeMs = random.Pick(2500, 4000, 6000),
            Faults = faults,
            FaultEveryMs = focused ? random.Pick(60, 150) : random.Pick(150, 300, 600),
            DropPercent = faults.HasFlag(Faults.Drop) ? random.Pick(1, 5, 20) : 0,
            DelayUs = random.Pick(500, 3000, 20_000),
            DiskUs = random.Pick(200, 2000, 15_000),
            DriftPermille = faults.HasFlag(Faults.Drift) ? random.Pick(2, 20) : 0,
            ThinkMs = random.Pick(15, 30, 60),
            Pipeline = random.Pick(1, 4, 8),
            Registers = random.Between(1, 4),
            Lockers = random.Between(0, Math.Min(3, clients - 1)),
            SnapshotBytes = random.Pick(2000, 6000, 30_000),
            SnapshotSlice = random.Pick(1, 5, 200),
            SegmentBytes = random.Pick(16 << 10, 32 << 10, 64 << 10),
            AppendBytes = random.Pick(300, 64 << 10),
            WindowBytes = random.Pick(0, 3000, 64 << 10),
            HistoryBlocks = random.Pick(2, 10, 1000),
            HistoryLooks = random.Pick(2, 10, 8192),
            LocalSessions = random.OneIn(4),
        };
    }

    /// <summary>Whether the membership changes.</summary>
    internal bool HasOperator => Faults.HasFlag(Faults.Membership);

    /// <summary>Changes that a member keeps at least.</summary>
    internal int HistoryFloor => HistoryBlocks * (HistoryBlockBytes / LongestPath);

    /// <summary>How much history a member has: small blocks, so that they are used again and again.</summary>
    internal ChangeLimits HistoryLimits => new()
    {
        BlockBytes = HistoryBlockBytes,
        BlockRecords = HistoryBlockRecords,
        MaxBytes = HistoryBlocks * (HistoryBlockBytes + (HistoryBlockRecords * ChangeHistory.RecordBytes)),
        MaxLooks = HistoryLooks,
    };

    /// <summary>A member as <c>/zookeeper/config</c> names it.</summary>
    internal static string LineOf(int id, bool observer = false) =>
        $"server.{id}=m{id}:2888:3888:{(observer ? "observer" : "participant")};m{id}:2181";

    /// <summary>The settings of one member.</summary>
    /// <param name="id">Which.</param>
    /// <param name="voters">Who voted when its disk was new; nobody for one that waits to be added.</param>
    /// <param name="secret">Another one in each life of a member, as the silo's.</param>
    internal ReplicaOptions ReplicaOptions(ReplicaId id, IReadOnlyList<ReplicaId> voters, ulong secret) => new()
    {
        Id = id,
        Voters = voters,
        FirstMembers = HasOperator && voters.Count > 0 ? string.Join(',', voters.Select(v => LineOf(v.Value))) : null,
        ReconfigEnabled = HasOperator,
        Authentication = new() { SuperDigest = CallerIdentities.DigestId(SuperUser) },
        Raft = new RaftOptions
        {
            ElectionTicks = 8,
            HeartbeatTicks = 2,
            MaxAppendBytes = AppendBytes,
            MaxWindowBytes = WindowBytes,
            Faults = Bug.InRaft(),
        },
        Faults = Bug.InReplica(),
        DigestEvery = 8,
        SnapshotSliceZnodes = SnapshotSlice,
        PasswordSecret = BitConverter.GetBytes(secret),
        LocalSessions = LocalSessions,
        LocalSessionsUpgrading = LocalSessions,
        TickTimeMs = 400,
        MinSessionTimeoutMs = SimTimes.SessionMs,
        MaxSessionTimeoutMs = 2 * SimTimes.SessionMs,
        SnapshotLogBytes = SnapshotBytes,
        LateTickMs = 500,
    };

    /// <summary>The settings of a member's data directory.</summary>
    internal WalOptions WalOptions => new()
    {
        SegmentBytes = SegmentBytes,
        QuickSegmentBytes = 16 << 10,
        ReserveBytes = 32 << 10,
        AcceptTailLoss = false,
        OwnThreads = false,
        Faults = Bug.InWal(),
    };
}

/// <summary>Durations that all runs share.</summary>
internal static class SimTimes
{
    /// <summary>Time between two ticks of a replica, milliseconds.</summary>
    public const int TickMs = 40;

    /// <summary>Shortest time-out of a session, milliseconds.</summary>
    public const int SessionMs = 1500;

    /// <summary>A healed group must serve everyone again within this time, milliseconds.</summary>
    public const int RecoverMs = 15_000;
}
