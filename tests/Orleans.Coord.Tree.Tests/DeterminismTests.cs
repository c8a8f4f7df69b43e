namespace Orleans.Coord.Tree.Tests;

public sealed class DeterminismTests
{
    [Theory]
    [InlineData(21)]
    [InlineData(22)]
    [InlineData(23)]
    [InlineData(24)]
    public void The_same_entries_give_the_same_replies_events_and_digests(ulong seed)
    {
        var script = new Script(seed, withQuotas: true) { WithNumbers = true };
        var grid = new Harness();
        var other = new CoordStateMachine();
        var otherResult = new ApplyResult();
        foreach (CoordStateMachine machine in (CoordStateMachine[])[grid.Machine, other])
        {
            machine.WatchOperation(
                Jute.OpCode.AddWatch, Body.PathInt("/", 1), 99, grid.Who, grid.Reply, grid.Result.Events);
        }

        for (int i = 0; i < 1_500; i++)
        {
            script.Step(grid);
            other.Apply(other.LastApplied + 1, grid.Log[^1], otherResult);
            Assert.Equal(grid.Result.Code, otherResult.Code);
            Assert.Equal(grid.Result.Body.Written.ToArray(), otherResult.Body.Written.ToArray());
            Assert.Equal(grid.Events, otherResult.Events.Select(Harness.Describe));
            Assert.Equal(grid.Machine.Digest, other.Digest);
        }

        Assert.Equal(TreeDump.Of(grid.Machine), TreeDump.Of(other));
    }

    [Fact]
    public void Equal_states_by_different_histories_of_data_have_equal_digests_and_others_do_not()
    {
        var one = new Harness();
        one.Create("/a", data: "x");
        ulong created = one.Machine.Digest;
        var two = new Harness();
        two.Create("/a", data: "y");
        Assert.NotEqual(created, two.Machine.Digest);
        var three = new Harness();
        three.Create("/a", data: "x", acl: Acl.ReadOnly);
        Assert.NotEqual(created, three.Machine.Digest);
        var four = new Harness();
        four.Create("/b", data: "x");
        Assert.NotEqual(created, four.Machine.Digest);
        Assert.Equal(created, one.Replay().Digest);
    }

    [Fact]
    public void The_digest_tells_null_from_empty_data()
    {
        var one = new Harness();
        one.Create("/a", data: null);
        var two = new Harness();
        two.Create("/a", data: "");
        Assert.NotEqual(one.Machine.Digest, two.Machine.Digest);
    }

    [Fact]
    public void The_digest_is_the_same_in_every_process_and_release()
    {
        // Changing the hash is a change of the replicated state: it needs a feature level, not a new number here.
        var grid = new Harness { Level = FeatureLevels.Extensions };
        Assert.Equal(PinnedDigests.Empty, grid.Machine.Digest);
        grid.Open(7);
        grid.Create("/a", data: "some data that is longer than sixteen bytes");
        grid.Create("/a/e", flags: 1, session: 7);
        Assert.Equal(PinnedDigests.Small, grid.Machine.Digest);
    }

    private static class PinnedDigests
    {
        public const ulong Empty = 6547684732345523508;
        public const ulong Small = 7312863411370118893;
    }
}
