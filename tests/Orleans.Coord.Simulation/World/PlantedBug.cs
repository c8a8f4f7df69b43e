using Orleans.Coord.Consensus;
using Orleans.Coord.Replication;
using Orleans.Coord.Tree;
using Orleans.Coord.Wal;

namespace Orleans.Coord.Simulation;

/// <summary>
/// Bugs that can be planted in the code under test, each by a switch of the project that has it; there it says what it
/// does. The checkers must find every one.
/// </summary>
public enum PlantedBug
{
    /// <summary>None: the code as it is shipped.</summary>
    None,
#pragma warning disable CS1591 // RaftFaults, ReplicaFaults, TreeFaults and WalFaults describe them.
    VoteTwice,
    PromiseEarly,
    VoteForStaleLog,
    KeepConflict,
    CommitUnmatched,
    CountLearners,
    SkipJoint,
    ReadEarly,
    SyncAtOnce,
    GrantNothing,
    GrantLittle,
    EventsLate,
    KeepClients,
    IgnoreTouches,
    NeverResend,
    ReadLocally,
    AdmitOldGeneration,
    AdmitOutOfOrder,
    ExpireMoved,
    KeepEphemeral,
    ReuseSequence,
    KeepFailedMulti,
    ForgetMissed,
    Diverge,
    RunRepeat,
    ForgetResults,
    DropUnseen,
    DivideWrite,
    HideLoss,
    SkipSync,
    CutDamagedTail,
    RenameBeforeSync,
    SkipDirectorySync,
    DropHardState,
    TrimUncovered,
#pragma warning restore CS1591
}

/// <summary>Where a planted bug goes: the switch of the same name.</summary>
internal static class PlantedBugs
{
    public static RaftFaults InRaft(this PlantedBug bug) => Named<RaftFaults>(bug);

    public static ReplicaFaults InReplica(this PlantedBug bug) => Named<ReplicaFaults>(bug);

    public static TreeFaults InTree(this PlantedBug bug) => Named<TreeFaults>(bug);

    public static WalFaults InWal(this PlantedBug bug) => Named<WalFaults>(bug);

    private static T Named<T>(PlantedBug bug)
        where T : struct, Enum =>
        Enum.TryParse(bug.ToString(), out T fault) ? fault : default;
}
