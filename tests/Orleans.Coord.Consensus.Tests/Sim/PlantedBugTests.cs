namespace Orleans.Coord.Consensus.Tests.Sim;

/// <summary>
/// Each of these bugs is planted in every node, and the harness must see it. The seeds were found by running seeds from
/// 0 on; should a change of the code shift what a seed does, look for another in the same way, never drop the bug.
/// </summary>
public sealed class PlantedBugTests
{
    [Theory]
    [InlineData((int)RaftFaults.CommitOldTerm, 34)]
    [InlineData((int)RaftFaults.VoteTwice, 4)]
    [InlineData((int)RaftFaults.PromiseEarly, 33)]
    [InlineData((int)RaftFaults.VoteForStaleLog, 4)]
    [InlineData((int)RaftFaults.CountLearners, 11)]
    [InlineData((int)RaftFaults.KeepConflict, 1)]
    [InlineData((int)RaftFaults.StaleRead, 260)]
    [InlineData((int)RaftFaults.SkipJoint, 0)]
    [InlineData((int)RaftFaults.IgnoreOutgoing, 82)]
    [InlineData((int)RaftFaults.ForgetVote, 6227)]
    [InlineData((int)RaftFaults.CommitUnmatched, 6)]
    [InlineData((int)RaftFaults.CountTruncatedWrite, 56)]
    [InlineData((int)RaftFaults.ReadBeforeNoOp, 4)]
    public void IsCaught_AndTheSameSeedIsCleanWithoutIt(int fault, int seed)
    {
        Exception? caught = Record.Exception(() => new SimCluster((ulong)seed, (RaftFaults)fault).Run());
        Assert.True(
            caught is SafetyViolationException or InvariantException,
            $"{(RaftFaults)fault} went unseen under seed {seed}: {caught?.Message}");
        new SimCluster((ulong)seed).Run();
    }

    [Fact]
    public void EveryPlantedBugHasASeed()
    {
        int listed = typeof(PlantedBugTests).GetMethod(nameof(IsCaught_AndTheSameSeedIsCleanWithoutIt))!
            .GetCustomAttributes(typeof(InlineDataAttribute), false).Length;
        Assert.Equal(Enum.GetValues<RaftFaults>().Length - 1, listed);
    }
}
