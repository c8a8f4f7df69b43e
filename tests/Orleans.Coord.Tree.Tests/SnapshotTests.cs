using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree.Tests;

public sealed class SnapshotTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void A_snapshot_is_exact_at_its_beginning_whatever_happens_meanwhile(ulong seed)
    {
        var script = new Script(seed, withQuotas: true) { WithNumbers = true };
        var grid = new Harness();
        for (int round = 0; round < 8; round++)
        {
            Run(script, grid, 100 + script.Below(200));
            string content = TreeDump.Of(grid.Machine);
            ulong digest = grid.Machine.Digest;
            (long applied, long time) = (grid.Machine.LastApplied, grid.Machine.LastTime);
            TreeSnapshot snapshot = grid.Machine.BeginSnapshot();
            Assert.Same(snapshot, grid.Machine.RunningSnapshot);
            List<ReadOnlyMemory<byte>> chunks = WriteWhileChanging(script, grid, snapshot);
            CoordStateMachine restored = CoordStateMachine.Restore(chunks);
            Assert.Equal(content, TreeDump.Of(restored));
            Assert.Equal(digest, restored.Digest);
            Assert.Equal(digest, snapshot.Digest);
            Assert.Equal((applied, time), (restored.LastApplied, restored.LastTime));
            Assert.Equal(applied, snapshot.LastApplied);
            Assert.Null(grid.Machine.RunningSnapshot);
        }
    }

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    public void A_restored_replica_goes_on_like_one_that_never_stopped(ulong seed)
    {
        var script = new Script(seed, withQuotas: true) { WithNumbers = true };
        var first = new Harness();
        Run(script, first, 400);
        int applied = first.Log.Count;
        CoordStateMachine second = CoordStateMachine.Restore(Harness.Finish(first.Machine.BeginSnapshot(), 7));
        Run(script, first, 400);
        var result = new ApplyResult();
        foreach (byte[] payload in first.Log.Skip(applied))
        {
            second.Apply(second.LastApplied + 1, payload, result);
        }

        Assert.Equal(TreeDump.Of(first.Machine), TreeDump.Of(second));
        Assert.Equal(first.Machine.Digest, second.Digest);
        Assert.Equal(first.Machine.ApproximateDataSize, second.ApproximateDataSize);
        Assert.Equal(first.Machine.EphemeralCount, second.EphemeralCount);
        Assert.Equal(first.Machine.Tree.Acls.Count, second.Tree.Acls.Count);
    }

    [Fact]
    public void Sessions_come_back_with_all_they_have()
    {
        var grid = new Harness();
        grid.Open(7, timeout: 1_234);
        grid.Attach(7, timeout: 4_321);
        grid.Create("/e", flags: 1, session: 7);
        var restored = new Harness(CoordStateMachine.Restore(Harness.Finish(grid.Machine.BeginSnapshot())));
        Assert.True(restored.Machine.Sessions.TryGet(7, out Session? session));
        Assert.Equal((2, 4_321, 1L), (session.Generation, session.TimeoutMs, session.LastPosition));
        Assert.Equal(CoordErrorCode.Ok, restored.Attach(7));
        Assert.Equal(CoordErrorCode.Ok, restored.Expire(7, 3));
        Assert.Equal(CoordErrorCode.NoNode, restored.Exists("/e"));
    }

    [Fact]
    public void Only_one_snapshot_at_a_time_and_an_abandoned_one_makes_room()
    {
        var grid = new Harness();
        TreeSnapshot first = grid.Machine.BeginSnapshot();
        Assert.Throws<InvariantException>(() => grid.Machine.BeginSnapshot());
        first.Abandon();
        first.Abandon();
        Assert.True(first.IsFinished);
        Assert.Throws<InvariantException>(() => first.NextSlice(new JuteWriter(), 1));
        grid.Create("/a");
        CoordStateMachine restored = CoordStateMachine.Restore(Harness.Finish(grid.Machine.BeginSnapshot()));
        Assert.Equal(grid.Machine.Digest, restored.Digest);
    }

    [Fact]
    public void A_slice_is_bounded_in_records_and_bytes()
    {
        var grid = new Harness();
        byte[] large = new byte[400_000];
        for (int i = 0; i < 20; i++)
        {
            grid.Write(OpCode.Create, Body.Create($"/n{i}", large, 0));
        }

        List<ReadOnlyMemory<byte>> chunks = Harness.Finish(grid.Machine.BeginSnapshot());
        Assert.All(chunks, chunk => Assert.InRange(chunk.Length, 1, 1_048_576 + 400_200));
        Assert.InRange(chunks.Count, 5, 20);
        Assert.Equal(grid.Machine.Digest, CoordStateMachine.Restore(chunks).Digest);
        TreeSnapshot slow = grid.Machine.BeginSnapshot();
        for (int i = 0; i < 20; i++)
        {
            grid.Delete($"/n{i}");
        }

        chunks = Harness.Finish(slow, maxZnodes: 4);
        Assert.InRange(chunks.Count, 6, 30);
        Assert.Equal(slow.Digest, CoordStateMachine.Restore(chunks).Digest);
    }

    [Fact]
    public void Many_lists_come_before_the_first_znode()
    {
        var grid = new Harness();
        for (int i = 0; i < 60; i++)
        {
            grid.Create($"/n{i}", acl: new Acl(Permissions.All, "digest", $"user{i}:x"));
        }

        TreeSnapshot snapshot = grid.Machine.BeginSnapshot();
        grid.Delete("/n0");
        List<ReadOnlyMemory<byte>> chunks = Harness.Finish(snapshot, maxZnodes: 1);
        Assert.Equal(snapshot.Digest, CoordStateMachine.Restore(chunks).Digest);
    }

    [Fact]
    public void Bytes_that_are_cut_or_changed_anywhere_are_refused_and_never_crash()
    {
        var grid = new Harness();
        grid.Open(7);
        grid.Create("/a", data: null, acl: Acl.ReadOnly);
        grid.Create("/e", flags: 1, session: 7);
        byte[] whole = [.. Harness.Finish(grid.Machine.BeginSnapshot()).SelectMany(c => c.ToArray())];
        Assert.Equal(grid.Machine.Digest, Restore(whole).Digest);
        for (int length = 0; length < whole.Length; length++)
        {
            Assert.Throws<SnapshotFormatException>(() => Restore(whole[..length]));
        }

        string content = TreeDump.Of(grid.Machine);
        for (int bit = 0; bit < whole.Length * 8; bit++)
        {
            byte[] changed = (byte[])whole.Clone();
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            if (TryRestore(changed) is { } survivor)
            {
                // Only numbers that link records (slots, ids of lists) can differ and mean the same.
                Assert.Equal(content, TreeDump.Of(survivor));
                Assert.Equal(grid.Machine.Digest, survivor.Digest);
            }
        }
    }

    [Fact]
    public void What_is_wrong_is_named()
    {
        var grid = new Harness();
        List<ReadOnlyMemory<byte>> chunks = Harness.Finish(grid.Machine.BeginSnapshot());
        Assert.Contains("end is missing", Error([chunks[0][..^13]]), StringComparison.Ordinal);
        Assert.Contains("after the end", Error([.. chunks, chunks[0]]), StringComparison.Ordinal);
        Assert.Contains("not the first", Error([new byte[] { 4, 0, 0, 0, 1 }]), StringComparison.Ordinal);
        Assert.Contains("no header", Assert.Throws<SnapshotFormatException>(
            () => new SnapshotReader().Header).Message, StringComparison.Ordinal);
        byte[] otherVersion = chunks[0].ToArray();
        otherVersion[12] = 99;
        Assert.Contains("version is 99", Error([otherVersion]), StringComparison.Ordinal);
        byte[] otherDigest = chunks[0].ToArray();
        otherDigest[32] ^= 1;
        Assert.Contains("digest", Error([otherDigest]), StringComparison.Ordinal);
    }

    [Fact]
    public void The_exception_can_be_made_in_the_usual_ways()
    {
        Assert.NotNull(new SnapshotFormatException());
        var inner = new InvalidOperationException();
        Assert.Same(inner, new SnapshotFormatException("x", inner).InnerException);
    }

    private static List<ReadOnlyMemory<byte>> WriteWhileChanging(Script script, Harness grid, TreeSnapshot snapshot)
    {
        var chunks = new List<ReadOnlyMemory<byte>>();
        var chunk = new JuteWriter();
        bool more;
        do
        {
            Run(script, grid, script.Below(20));
            chunk.Clear();
            more = snapshot.NextSlice(chunk, 1 + script.Below(5));
            chunks.Add(chunk.Written.ToArray());
        }
        while (more);
        return chunks;
    }

    private static void Run(Script script, Harness grid, int steps)
    {
        for (int i = 0; i < steps; i++)
        {
            script.Step(grid);
        }
    }

    private static string Error(IEnumerable<ReadOnlyMemory<byte>> chunks) =>
        Assert.Throws<SnapshotFormatException>(() => CoordStateMachine.Restore(chunks)).Message;

    private static CoordStateMachine Restore(byte[] whole) => CoordStateMachine.Restore([whole]);

    private static CoordStateMachine? TryRestore(byte[] whole)
    {
        try
        {
            return Restore(whole);
        }
        catch (Exception e) when (e is SnapshotFormatException or FeatureLevelException)
        {
            return null;
        }
    }
}
