using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree.Tests;

/// <summary>A snapshot that comes through the log and takes the tree's place.</summary>
public sealed class RestoreTests
{
    private readonly Harness _grid = new();
    private readonly List<byte[]> _parts;
    private readonly string _saved;

    public RestoreTests()
    {
        _grid.Open(7);
        _grid.Create("/kept", data: "old");
        _grid.Create("/kept/child");
        _grid.Create("/kept/mine", flags: 1, session: 7);
        _grid.Create("/zookeeper/quota/kept", data: "");
        _grid.Create("/zookeeper/quota/kept/zookeeper_limits", data: "count=100,bytes=1000");
        _grid.Create("/zookeeper/quota/kept/zookeeper_stats", data: "");
        _saved = _grid.Data("/kept") + _grid.Stat("/kept/child");
        _parts = Parts(_grid.Machine);
        _grid.SetData("/kept", "new");
        _grid.Delete("/kept/child");
        _grid.Create("/later");
        _grid.Open(8);
        _grid.Create("/later-mine", flags: 1, session: 8);
    }

    [Fact]
    public void With_the_last_part_the_tree_is_as_it_was_and_no_session_is_left()
    {
        long before = _grid.Machine.LastApplied;
        for (int i = 1; i < _parts.Count; i++)
        {
            Assert.Equal(CoordErrorCode.Ok, Offer(i));
            Assert.True(_grid.Machine.IsRestoring);
            Assert.Null(_grid.Machine.Successor);
        }

        Assert.Equal(CoordErrorCode.Ok, Offer(_parts.Count));
        Assert.False(_grid.Machine.IsRestoring);
        var restored = new Harness(_grid.Machine.Successor);
        Assert.Equal(before + _parts.Count, restored.Machine.LastApplied);
        Assert.Equal(_saved, restored.Data("/kept") + restored.Stat("/kept/child"));
        Assert.Equal(["child"], restored.Children("/kept"));
        Assert.Equal(CoordErrorCode.NoNode, restored.Exists("/later"));
        Assert.Equal((0, 0), (restored.Machine.Sessions.Count, restored.Machine.EphemeralCount));
        Assert.Equal("count=2,bytes=4", restored.Data("/zookeeper/quota/kept/zookeeper_stats"));
        Assert.Equal(restored.Machine.LastApplied, restored.Machine.HistoryHorizon);
        Assert.Equal(CoordErrorCode.Ok, restored.Create("/next"));
        Assert.Equal(restored.Machine.LastApplied, restored.Stat("/next").Czxid);
    }

    [Fact]
    public void Every_replica_that_applies_the_same_parts_has_the_same_digest()
    {
        OfferAll();
        CoordStateMachine other = _grid.Replay();
        Assert.Equal(TreeDump.Of(_grid.Machine.Successor!), TreeDump.Of(other.Successor!));
        Assert.Equal(_grid.Machine.Successor!.Digest, other.Successor!.Digest);
        CoordStateMachine again = CoordStateMachine.Restore(Harness.Finish(other.Successor.BeginSnapshot()));
        Assert.Equal(other.Successor.Digest, again.Digest);
    }

    [Fact]
    public void A_missing_part_gives_it_up_and_the_next_first_part_begins_anew()
    {
        ulong before = _grid.Machine.Digest;
        Assert.Equal(CoordErrorCode.Ok, Offer(1));
        Assert.Equal(CoordErrorCode.BadArguments, Offer(3));
        Assert.False(_grid.Machine.IsRestoring);
        Assert.Equal(CoordErrorCode.BadArguments, Offer(2));
        Assert.Equal(before, _grid.Machine.Digest);
        OfferAll();
        Assert.NotNull(_grid.Machine.Successor);
    }

    [Fact]
    public void Part_0_and_anothers_part_give_it_up()
    {
        Assert.Equal(CoordErrorCode.Ok, Offer(1));
        Assert.Equal(CoordErrorCode.BadArguments, Offer(0));
        Assert.False(_grid.Machine.IsRestoring);
        Assert.Equal(CoordErrorCode.Ok, Offer(1));
        Assert.Equal(CoordErrorCode.BadArguments, Offer(2, id: 2));
        Assert.False(_grid.Machine.IsRestoring);
    }

    [Fact]
    public void Damaged_parts_change_nothing()
    {
        ulong before = _grid.Machine.Digest;
        for (int at = 0; at < _parts[0].Length; at += 7)
        {
            _parts[0][at] ^= 0x40;
            for (int i = 1; i < _parts.Count; i++)
            {
                Offer(i);
            }

            Assert.NotEqual(CoordErrorCode.Ok, Offer(_parts.Count));
            Assert.Null(_grid.Machine.Successor);
            _parts[0][at] ^= 0x40;
        }

        Assert.Equal(before, _grid.Machine.Digest);
    }

    [Fact]
    public void A_snapshot_of_the_future_is_refused()
    {
        var young = new Harness();
        young.Create("/young");
        byte[] whole = [.. _parts.SelectMany(part => part)];
        young.Apply(Body.Of(w => CommandCodec.WriteRestorePart(w, 0, 1, 1, 1, whole)));
        Assert.Equal(CoordErrorCode.BadArguments, young.Result.Code);
        Assert.Null(young.Machine.Successor);
    }

    [Fact]
    public void Members_of_the_group_stay_who_they_are()
    {
        var grid = new Harness();
        byte[] old = [.. Parts(grid.Machine).SelectMany(part => part)];
        grid.Options = CommandOptions.ReconfigAllowed;
        Assert.Equal(CoordErrorCode.Ok, grid.Write(OpCode.Reconfig, Body.Of(w => new ReconfigRequest(
            null, null, "server.1=a:1:2:participant;a:3", -1).Write(w))));
        EnsembleConfig members = grid.Machine.Ensemble;
        string config = grid.Data("/zookeeper/config")!;
        grid.Apply(Body.Of(w => CommandCodec.WriteRestorePart(w, 0, 1, 1, 1, old)));
        Assert.Same(members, grid.Machine.Successor!.Ensemble);
        Assert.Equal(config, new Harness(grid.Machine.Successor).Data("/zookeeper/config"));
    }

    [Fact]
    public void Before_the_level_is_agreed_it_is_unknown()
    {
        byte[] payload = Body.Of(w => CommandCodec.WriteRestorePart(w, 0, 1, 1, 2, _parts[0]));
        CommandCodec.SetLevel(payload, FeatureLevels.Extensions);
        Assert.Equal(CoordErrorCode.Unimplemented, new Harness().Apply(payload));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(SnapshotParts.PartBytes - 4)]
    [InlineData(SnapshotParts.PartBytes)]
    [InlineData((3 * SnapshotParts.PartBytes) + 17)]
    public void What_is_cut_into_parts_comes_together_again(int bytes)
    {
        byte[] chunk = [.. Enumerable.Range(0, bytes).Select(i => (byte)(i * 31))];
        byte[][] parts = [.. SnapshotParts.Cut([chunk, new byte[] { 1 }, chunk]).Select(part => part.ToArray())];
        Assert.All(parts[..^1], part => Assert.Equal(SnapshotParts.PartBytes, part.Length));
        Assert.Equal([chunk, [1], chunk], SnapshotParts.Join(parts).Select(joined => joined.ToArray()));
        Assert.Throws<SnapshotFormatException>(() => SnapshotParts.Join([parts[0][..3]]).Count());
    }

    // A snapshot this small is one part: cut finer, it is many.
    private static List<byte[]> Parts(CoordStateMachine machine)
    {
        byte[] whole = [.. SnapshotParts.Cut(Harness.Finish(machine.BeginSnapshot(), 2))
            .SelectMany(part => part.ToArray())];
        return [.. whole.Chunk(100)];
    }

    private void OfferAll()
    {
        for (int i = 1; i <= _parts.Count; i++)
        {
            Assert.Equal(CoordErrorCode.Ok, Offer(i));
        }
    }

    private CoordErrorCode Offer(int part, long id = 1) => _grid.Apply(Body.Of(w => CommandCodec.WriteRestorePart(
        w, _grid.Time, id, part, _parts.Count, part == 0 ? [] : _parts[part - 1])));
}
