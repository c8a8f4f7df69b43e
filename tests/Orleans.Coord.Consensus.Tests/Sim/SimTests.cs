using Xunit.Abstractions;

namespace Orleans.Coord.Consensus.Tests.Sim;

/// <summary>Many seeds through <see cref="SimCluster"/>: the figure 3 properties under every fault at once.</summary>
public sealed class SimTests(ITestOutputHelper output)
{
    private const int Blocks = 10;
    private const int SeedsPerBlock = 30;

    public static TheoryData<int> AllBlocks => [.. Enumerable.Range(0, Blocks)];

    [Theory]
    [MemberData(nameof(AllBlocks))]
    public void EverySeedIsSafe_AndEndsWithNothingLost(int block)
    {
        int writes = 0;
        int reads = 0;
        int elections = 0;
        for (int i = 0; i < SeedsPerBlock; i++)
        {
            SafetyChecker seen = RunSeed((ulong)((block * SeedsPerBlock) + i));
            writes += seen.AcknowledgedWrites;
            reads += seen.ServedReads;
            elections += seen.Elections;
        }

        output.WriteLine($"{SeedsPerBlock} seeds: {writes} writes, {reads} reads, {elections} elections");
        Assert.True(writes > SeedsPerBlock * 20 && reads > SeedsPerBlock && elections > SeedsPerBlock);
    }

    [Fact]
    public void SoIsAGroupWhoseReadsWaitForWrites()
    {
        int reads = Enumerable.Range(0, SeedsPerBlock)
            .Sum(i => RunSeed((ulong)(1000 + i), confirmsByWrite: true).ServedReads);
        Assert.True(reads > SeedsPerBlock);
    }

    [Fact]
    public void ASeedRunTwiceGivesTheSameTrace()
    {
        var first = new SimCluster(7);
        var second = new SimCluster(7);
        first.Run();
        second.Run();
        Assert.Equal(first.TraceHash, second.TraceHash);
        Assert.NotEqual(0UL, first.TraceHash);
    }

    private static SafetyChecker RunSeed(ulong seed, bool confirmsByWrite = false)
    {
        var cluster = new SimCluster(seed, confirmsByWrite: confirmsByWrite);
        try
        {
            cluster.Run();
            return cluster.Checker;
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"seed {seed}: {e.Message}\n{cluster.Describe()}", e);
        }
    }
}
