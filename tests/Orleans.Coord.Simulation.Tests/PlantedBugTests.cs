namespace Orleans.Coord.Simulation.Tests;

/// <summary>
/// Each bug is planted in every member, and a checker must see it under its seed; the same seed is clean without it.
/// `./coord sim --hunt` finds the seeds again, should a change of the code shift what they do. Never drop a bug.
/// </summary>
public sealed class PlantedBugTests
{
    public static TheoryData<PlantedBug, ulong> Known => new()
    {
        { PlantedBug.VoteTwice, 2 },
        { PlantedBug.PromiseEarly, 1 },
        { PlantedBug.VoteForStaleLog, 3 },
        { PlantedBug.KeepConflict, 5 },
        { PlantedBug.CommitUnmatched, 64 },
        { PlantedBug.CountLearners, 364 },
        { PlantedBug.SkipJoint, 192 },
        { PlantedBug.ReadEarly, 1 },
        { PlantedBug.SyncAtOnce, 1 },
        { PlantedBug.GrantNothing, 14 },
        { PlantedBug.GrantLittle, 2 },
        { PlantedBug.EventsLate, 1 },
        { PlantedBug.KeepClients, 236 },
        { PlantedBug.IgnoreTouches, 14 },
        { PlantedBug.NeverResend, 1 },
        { PlantedBug.AdmitOldGeneration, 48 },
        { PlantedBug.AdmitOutOfOrder, 1 },
        { PlantedBug.ExpireMoved, 192 },
        { PlantedBug.KeepEphemeral, 14 },
        { PlantedBug.ReuseSequence, 1 },
        { PlantedBug.KeepFailedMulti, 1 },
        { PlantedBug.ForgetMissed, 5 },
        { PlantedBug.Diverge, 2 },
        { PlantedBug.SkipSync, 1 },
        { PlantedBug.CutDamagedTail, 56 },
        { PlantedBug.RenameBeforeSync, 14 },
        { PlantedBug.SkipDirectorySync, 288 },
        { PlantedBug.DropHardState, 864 },
        { PlantedBug.TrimUncovered, 5 },
    };

    [Theory]
    [MemberData(nameof(Known))]
    public void Is_caught_under_its_seed_which_is_clean_without_it(PlantedBug bug, ulong seed)
    {
        SimOutcome planted = SimRun.Once(seed, bug);
        Assert.True(
            planted.Error is SimViolationException or InvariantException,
            $"{bug} went unseen under seed {seed}: {planted.Summary}");
        SimOutcome clean = SimRun.Once(seed);
        Assert.True(clean.Failure is null, clean.Failure);
    }

    [Fact]
    public void A_replica_that_diverges_is_stopped_by_its_own_guard()
    {
        SimOutcome outcome = SimRun.Once(2, PlantedBug.Diverge);
        Assert.StartsWith(
            "divergence guard: member 2: This replica (2) has diverged: after entry", outcome.Error?.Message);
    }

    [Fact]
    public void Every_planted_bug_has_a_seed() =>
        Assert.Equal(Enum.GetValues<PlantedBug>().Length - 1, Known.Count);
}
