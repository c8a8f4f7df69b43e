namespace Orleans.Coord.Recipes.Tests;

public sealed class PartitionTests
{
    [Theory]
    [InlineData(1, 8)]
    [InlineData(3, 8)]
    [InlineData(5, 3)]
    public void Every_partition_is_one_workers_and_shares_differ_by_one_at_most(int workers, int partitions)
    {
        string[] names = [.. Enumerable.Range(0, workers).Select(i => $"w{i}").Reverse()];
        int[][] shares = [.. names.Select(name => CoordPartitioner.ShareOf(name, names, partitions).ToArray())];
        Assert.Equal(Enumerable.Range(0, partitions), shares.SelectMany(share => share).Order());
        Assert.InRange(shares.Max(share => share.Length) - shares.Min(share => share.Length), 0, 1);
    }

    [Fact]
    public void Who_is_not_there_has_no_share() => Assert.Empty(CoordPartitioner.ShareOf("x", ["a"], 4));
}
