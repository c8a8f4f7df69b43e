namespace Orleans.Coord.Simulation.Tests;

/// <summary>
/// Each bug is planted in every member, and a checker must see it under its seed; the same seed is clean without it.
/// `./coord sim --hunt` finds the seeds again, should a change of the code shift what they do. Never drop a bug.
/// </summary>
public sealed class PlantedBugTests
{
    public static TheoryData<PlantedBug, ulong> Known => new()
    {
        { PlantedBug.VoteTwice, 159 },
        { PlantedBug.PromiseEarly, 27 },
        { PlantedBug.VoteForStaleLog, 34 },
        { PlantedBug.KeepConflict, 4 },
        { PlantedBug.CommitUnmatched, 34 },
        { PlantedBug.ReadEarly, 1 },
        { PlantedBug.SyncAtOnce, 23 },
        { PlantedBug.GrantNothing, 8 },
        { PlantedBug.GrantLittle, 1 },
        { PlantedBug.EventsLate, 1 },
        { PlantedBug.KeepClients, 218 },
        { PlantedBug.IgnoreTouches, 113 },
        { PlantedBug.NeverResend, 12 },
        { PlantedBug.AdmitOldGeneration, 790 },
        { PlantedBug.AdmitOutOfOrder, 12 },
        { PlantedBug.ExpireMoved, 387 },
        { PlantedBug.KeepEphemeral, 14 },
        { PlantedBug.ReuseSequence, 1 },
        { PlantedBug.KeepFailedMulti, 2 },
        { PlantedBug.ForgetMissed, 1 },
        { PlantedBug.Diverge, 2 },
        { PlantedBug.SkipSync, 2 },
        { PlantedBug.CutDamagedTail, 6 },
        { PlantedBug.RenameBeforeSync, 3 },
        { PlantedBug.SkipDirectorySync, 39 },
        { PlantedBug.DropHardState, 242 },
        { PlantedBug.TrimUncovered, 130 },
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
