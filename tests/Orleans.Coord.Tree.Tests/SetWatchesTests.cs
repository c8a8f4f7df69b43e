using Orleans.Coord.Jute;
using static Orleans.Coord.CoordErrorCode;

namespace Orleans.Coord.Tree.Tests;

/// <summary>A client that was away re-arms its watches and is told what it missed.</summary>
public sealed class SetWatchesTests
{
    private readonly Harness _grid = new();

    public SetWatchesTests()
    {
        _grid.Create("/old");
        _grid.Create("/a");
        _grid.Create("/a/child");
        _grid.SetData("/a", "x");
    }

    [Theory]
    [InlineData(0, "/a", 4, null)]
    [InlineData(0, "/a", 3, "NodeDataChanged")]
    [InlineData(0, "/none", 4, "NodeDeleted")]
    [InlineData(1, "/none", 4, null)]
    [InlineData(1, "/a", 4, "NodeCreated")]
    [InlineData(2, "/a", 3, null)]
    [InlineData(2, "/a", 2, "NodeChildrenChanged")]
    [InlineData(2, "/none", 4, "NodeDeleted")]
    [InlineData(3, "/none", 0, null)]
    [InlineData(3, "/a", 0, null)]
    [InlineData(4, "/a", 0, null)]
    public void Each_watch_is_set_or_tells_what_was_missed(int vector, string path, long lastSeen, string? missed)
    {
        string[][] vectors = [[], [], [], [], []];
        vectors[vector] = [path];
        Assert.Equal(Ok, _grid.WatchOp(OpCode.SetWatches2, Body.SetWatches(lastSeen, vectors), session: 1));
        Assert.Equal(0, _grid.Reply.Length);
        Assert.Equal(missed is null ? [] : [$"1 {missed} {path}"], _grid.Events);
        Assert.Equal(missed is null ? 1 : 0, _grid.Machine.Watches.Count);
    }

    [Fact]
    public void The_older_request_has_three_vectors()
    {
        byte[] body = Body.SetWatches(4, ["/a"], ["/none"], ["/a"]);
        Assert.Equal(Ok, _grid.WatchOp(OpCode.SetWatches, body, session: 1));
        Assert.Equal(WatchKinds.Data | WatchKinds.Child, _grid.Machine.Watches.KindsOf(1, "/a"u8));
        Assert.Equal(WatchKinds.Data, _grid.Machine.Watches.KindsOf(1, "/none"u8));
    }

    [Fact]
    public void A_malformed_request_sets_nothing()
    {
        byte[] body = Body.SetWatches(4, ["/a"], ["/none"], ["/a"]);
        Assert.Equal(MarshallingError, _grid.WatchOp(OpCode.SetWatches2, body, session: 1));
        Assert.Equal(MarshallingError, _grid.WatchOp(OpCode.SetWatches, body[..^1], session: 1));
        byte[] nullVector = Body.Of(w =>
        {
            w.WriteLong(0);
            w.WriteNull();
            w.WriteInt(0);
            w.WriteInt(0);
        });
        Assert.Equal(MarshallingError, _grid.WatchOp(OpCode.SetWatches, nullVector, session: 1));
        byte[] nullPath = Body.Of(w =>
        {
            w.WriteLong(0);
            w.WriteInt(1);
            w.WriteNull();
            w.WriteInt(0);
            w.WriteInt(0);
        });
        Assert.Equal(MarshallingError, _grid.WatchOp(OpCode.SetWatches, nullPath, session: 1));
        Assert.Equal(0, _grid.Machine.Watches.Count);
    }

    [Fact]
    public void A_null_path_is_passed_over_among_the_persistent_ones()
    {
        byte[] body = Body.Of(w =>
        {
            w.WriteLong(0);
            w.WriteInt(0);
            w.WriteInt(0);
            w.WriteInt(0);
            w.WriteInt(2);
            w.WriteNull();
            w.WriteString("/a");
            w.WriteInt(0);
        });
        Assert.Equal(Ok, _grid.WatchOp(OpCode.SetWatches2, body, session: 1));
        Assert.Equal(1, _grid.Machine.Watches.Count);
        Assert.Equal(WatchKinds.Persistent, _grid.Machine.Watches.KindsOf(1, "/a"u8));
    }

    [Fact]
    public void Re_armed_watches_fire()
    {
        _grid.WatchOp(OpCode.SetWatches2, Body.SetWatches(9, ["/a"], [], [], ["/old"], ["/"]), session: 1);
        _grid.SetData("/a", "y");
        Assert.Equal(["1 NodeDataChanged /a"], _grid.Events);
        _grid.Delete("/old");
        Assert.Equal(["1 NodeDeleted /old"], _grid.Events);
    }
}
