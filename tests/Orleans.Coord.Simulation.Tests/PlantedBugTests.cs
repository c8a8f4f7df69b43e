namespace Orleans.Coord.Simulation.Tests;

/// <summary>
/// Each bug is planted in every member, and a checker must see it under its seed; the same seed is clean without it.
/// `./coord sim --hunt` finds the seeds again, should a change of the code shift what they do. Never drop a bug.
/// </summary>
public sealed class PlantedBugTests
{
    public static TheoryData<PlantedBug, ulong> Known => new()
    {
        { PlantedBug.VoteTwice, 77 },
        { PlantedBug.PromiseEarly, 1 },
        { PlantedBug.VoteForStaleLog, 37 },
        { PlantedBug.KeepConflict, 24 },
        { PlantedBug.CommitUnmatched, 46 },
        { PlantedBug.CountLearners, 537 },
        { PlantedBug.SkipJoint, 245 },
        { PlantedBug.ReadEarly, 1 },
        { PlantedBug.SyncAtOnce, 7 },
        { PlantedBug.GrantNothing, 14 },
        { PlantedBug.GrantLittle, 3 },
        { PlantedBug.EventsLate, 1 },
        { PlantedBug.KeepClients, 288 },
        { PlantedBug.IgnoreTouches, 14 },
        { PlantedBug.NeverResend, 4 },
        { PlantedBug.ReadLocally, 4 },
        { PlantedBug.AdmitOldGeneration, 649 },
        { PlantedBug.AdmitOutOfOrder, 1 },
        { PlantedBug.ExpireMoved, 330 },
        { PlantedBug.KeepEphemeral, 14 },
        { PlantedBug.ReuseSequence, 1 },
        { PlantedBug.KeepFailedMulti, 1 },
        { PlantedBug.ForgetMissed, 1 },
        { PlantedBug.Diverge, 3 },
        { PlantedBug.RunRepeat, 1 },
        { PlantedBug.ForgetResults, 1 },
        { PlantedBug.DropUnseen, 1 },
        { PlantedBug.DivideWrite, 1 },
        { PlantedBug.HideLoss, 2 },
        { PlantedBug.SkipSync, 1 },
        { PlantedBug.CutDamagedTail, 5 },
        { PlantedBug.RenameBeforeSync, 2 },
        { PlantedBug.SkipDirectorySync, 86 },
        { PlantedBug.DropHardState, 864 },
        { PlantedBug.TrimUncovered, 1 },
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
        SimOutcome outcome = SimRun.Once(3, PlantedBug.Diverge);
        Assert.StartsWith(
            "divergence guard: member 2: This replica (2) has diverged: after entry", outcome.Error?.Message);
    }

    [Fact]
    public void Every_planted_bug_has_a_seed() =>
        Assert.Equal(Enum.GetValues<PlantedBug>().Length - 1, Known.Count);
}
