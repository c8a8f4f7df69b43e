using Orleans.Coord.Jute;
using static Orleans.Coord.CoordErrorCode;

namespace Orleans.Coord.Tree.Tests;

public sealed class WatchTests
{
    private readonly Harness _grid = new();

    public WatchTests() => _grid.Create("/a");

    private WatchTable Watches => _grid.Machine.Watches;

    [Fact]
    public void A_data_watch_tells_of_the_next_write_once()
    {
        _grid.GetData("/a", watch: true, session: 1);
        _grid.SetData("/a", "x");
        Assert.Equal(["1 NodeDataChanged /a"], _grid.Events);
        _grid.SetData("/a", "y");
        Assert.Empty(_grid.Events);
        Assert.Equal(0, Watches.Count);
    }

    [Fact]
    public void An_exists_watch_waits_for_a_znode_that_is_missing()
    {
        Assert.Equal(NoNode, _grid.Exists("/b", watch: true, session: 1));
        _grid.Create("/b");
        Assert.Equal(["1 NodeCreated /b"], _grid.Events);
    }

    [Fact]
    public void A_read_that_fails_sets_no_watch()
    {
        Assert.Equal(NoNode, _grid.GetData("/b", watch: true, session: 1));
        Assert.Equal(NoNode, _grid.GetChildren("/b", watch: true, session: 1));
        _grid.Create("/hidden", acl: new Acl(Permissions.Write, "world", "anyone"));
        Assert.Equal(NoAuth, _grid.GetData("/hidden", watch: true, session: 1));
        Assert.Equal(0, Watches.Count);
    }

    [Fact]
    public void A_child_watch_tells_of_creates_and_deletes_of_children()
    {
        _grid.GetChildren("/a", watch: true, session: 1);
        _grid.Create("/a/b");
        Assert.Equal(["1 NodeChildrenChanged /a"], _grid.Events);
        _grid.Read(OpCode.GetChildren2, Body.PathWatch("/a", true), session: 1);
        _grid.SetData("/a", "no matter");
        Assert.Empty(_grid.Events);
        _grid.SetData("/a/b", "no matter");
        Assert.Empty(_grid.Events);
        _grid.Delete("/a/b");
        Assert.Equal(["1 NodeChildrenChanged /a"], _grid.Events);
    }

    [Fact]
    public void Deleting_a_znode_with_several_watches_sends_one_event_then_the_parents()
    {
        _grid.GetData("/a", watch: true, session: 1);
        _grid.GetChildren("/a", watch: true, session: 1);
        _grid.Exists("/a", watch: true, session: 1);
        _grid.GetChildren("/", watch: true, session: 1);
        _grid.GetChildren("/a", watch: true, session: 2);
        _grid.Delete("/a");
        Assert.Equal(["1 NodeDeleted /a", "2 NodeDeleted /a", "1 NodeChildrenChanged /"], _grid.Events);
        Assert.Equal(0, Watches.Count);
    }

    [Fact]
    public void A_refused_write_fires_nothing()
    {
        _grid.GetData("/a", watch: true, session: 1);
        _grid.SetData("/a", "x", version: 5);
        _grid.Delete("/a", version: 5);
        _grid.Create("/a");
        Assert.Empty(_grid.Events);
        Assert.Equal(1, Watches.Count);
    }

    [Fact]
    public void SetAcl_fires_nothing()
    {
        _grid.AddWatch("/a", 0, session: 1);
        _grid.SetAcl("/a", -1, Acl.ReadOnly);
        Assert.Empty(_grid.Events);
    }

    [Fact]
    public void Persistent_watches_stay()
    {
        Assert.Equal(Ok, _grid.AddWatch("/a", mode: 0, session: 1));
        Assert.Equal(new byte[4], _grid.Reply.Written.ToArray());
        _grid.SetData("/a", "x");
        Assert.Equal(["1 NodeDataChanged /a"], _grid.Events);
        _grid.Create("/a/b");
        Assert.Equal(["1 NodeChildrenChanged /a"], _grid.Events);
        _grid.SetData("/a/b", "x");
        Assert.Empty(_grid.Events);
        _grid.Delete("/a/b");
        _grid.Delete("/a");
        Assert.Equal(["1 NodeDeleted /a"], _grid.Events);
        _grid.Create("/a");
        Assert.Equal(["1 NodeCreated /a"], _grid.Events);
        Assert.Equal(1, Watches.Count);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/a")]
    public void Recursive_watches_tell_of_all_descendants_but_not_of_child_lists(string at)
    {
        _grid.AddWatch(at, mode: 1, session: 1);
        _grid.Create("/a/b");
        Assert.Equal(["1 NodeCreated /a/b"], _grid.Events);
        _grid.Create("/a/b/c");
        Assert.Equal(["1 NodeCreated /a/b/c"], _grid.Events);
        _grid.SetData("/a/b/c", "x");
        Assert.Equal(["1 NodeDataChanged /a/b/c"], _grid.Events);
        _grid.Delete("/a/b/c");
        Assert.Equal(["1 NodeDeleted /a/b/c"], _grid.Events);
        _grid.SetData("/a", "x");
        Assert.Equal(["1 NodeDataChanged /a"], _grid.Events);
    }

    [Fact]
    public void A_name_that_only_begins_alike_is_no_descendant()
    {
        _grid.AddWatch("/a", mode: 1, session: 1);
        _grid.Create("/ab");
        Assert.Empty(_grid.Events);
    }

    [Fact]
    public void All_kinds_of_one_session_make_one_event()
    {
        _grid.AddWatch("/", mode: 1, session: 1);
        _grid.AddWatch("/a", mode: 0, session: 1);
        _grid.AddWatch("/a", mode: 1, session: 1);
        _grid.GetData("/a", watch: true, session: 1);
        _grid.SetData("/a", "x");
        Assert.Equal(["1 NodeDataChanged /a"], _grid.Events);
        Assert.Equal(WatchKinds.Persistent | WatchKinds.PersistentRecursive, Watches.KindsOf(1, "/a"u8));
    }

    [Fact]
    public void The_end_of_a_session_fires_for_its_ephemerals_in_the_order_of_their_paths()
    {
        _grid.Open(7);
        _grid.Create("/a/z", flags: 1, session: 7);
        _grid.Create("/a/b", flags: 1, session: 7);
        _grid.AddWatch("/a", mode: 0, session: 2);
        _grid.AddWatch("/a", mode: 1, session: 1);
        _grid.Expire(7, 1);
        Assert.Equal(
            ["1 NodeDeleted /a/b", "2 NodeChildrenChanged /a", "1 NodeDeleted /a/z", "2 NodeChildrenChanged /a"],
            _grid.Events);
    }

    [Fact]
    public void The_end_of_a_session_ends_its_watches()
    {
        _grid.Open(7);
        _grid.AddWatch("/a", mode: 0, session: 7);
        _grid.Write(OpCode.CloseSession, [], 7);
        Assert.Equal(0, Watches.Count);
    }

    [Fact]
    public void A_lost_connection_takes_its_watches_along()
    {
        _grid.AddWatch("/a", mode: 0, session: 1);
        _grid.AddWatch("/b", mode: 1, session: 1);
        _grid.AddWatch("/b", mode: 1, session: 2);
        _grid.Machine.ForgetWatches(1);
        _grid.Machine.ForgetWatches(99);
        Assert.Equal((1, 1, 1), (Watches.Count, Watches.SessionCount, Watches.PathCount));
        _grid.Create("/b");
        Assert.Equal(["2 NodeCreated /b"], _grid.Events);
    }

    [Fact]
    public void Who_may_not_read_a_znode_is_not_told_of_it()
    {
        string bob = CallerIdentities.DigestId("bob:x");
        var bobs = new Acl(Permissions.All, "digest", bob);
        _grid.AddWatch("/", mode: 1, session: 1);
        _grid.Who = new CallerIdentities("127.0.0.2");
        _grid.AddWatch("/", mode: 1, session: 2);
        _grid.Who.Add("digest", bob);
        _grid.Create("/secret", acl: bobs);
        Assert.Equal(["2 NodeCreated /secret"], _grid.Events);
        _grid.Delete("/secret");
        Assert.Equal(["2 NodeDeleted /secret"], _grid.Events);
    }

    [Fact]
    public void A_failed_multi_spends_no_watch()
    {
        _grid.GetData("/a", watch: true, session: 1);
        _grid.Multi((OpCode.SetData, Body.SetData("/a", null, -1)), (OpCode.Check, Body.PathInt("/none", 0)));
        Assert.Empty(_grid.Events);
        _grid.Multi((OpCode.SetData, Body.SetData("/a", null, -1)), (OpCode.Delete, Body.PathInt("/a", -1)));
        Assert.Equal(["1 NodeDataChanged /a"], _grid.Events);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(-1)]
    public void Unknown_modes_of_addWatch_are_marshalling_errors(int mode) =>
        Assert.Equal(MarshallingError, _grid.AddWatch("/a", mode, session: 1));

    [Theory]
    [InlineData(1, WatchKinds.Child)]
    [InlineData(2, WatchKinds.Data)]
    [InlineData(4, WatchKinds.Persistent)]
    [InlineData(5, WatchKinds.PersistentRecursive)]
    [InlineData(3, WatchKinds.Child | WatchKinds.Data | WatchKinds.Persistent | WatchKinds.PersistentRecursive)]
    public void RemoveWatches_removes_the_kind_it_names(int type, WatchKinds removed)
    {
        const WatchKinds All =
            WatchKinds.Child | WatchKinds.Data | WatchKinds.Persistent | WatchKinds.PersistentRecursive;
        Assert.Equal(NoWatcher, _grid.WatchOp(OpCode.RemoveWatches, Body.PathInt("/a", type), session: 1));
        _grid.GetData("/a", watch: true, session: 1);
        _grid.GetChildren("/a", watch: true, session: 1);
        _grid.AddWatch("/a", 0, session: 1);
        _grid.AddWatch("/a", 1, session: 1);
        Assert.Equal(Ok, _grid.WatchOp(OpCode.CheckWatches, Body.PathInt("/a", type), session: 1));
        Assert.Equal(NoWatcher, _grid.WatchOp(OpCode.CheckWatches, Body.PathInt("/a", type), session: 2));
        Assert.Equal(Ok, _grid.WatchOp(OpCode.RemoveWatches, Body.PathInt("/a", type), session: 1));
        Assert.Equal(0, _grid.Reply.Length);
        Assert.Equal(All & ~removed, Watches.KindsOf(1, "/a"u8));
        Assert.Equal(NoWatcher, _grid.WatchOp(OpCode.CheckWatches, Body.PathInt("/a", type), session: 1));
    }

    [Theory]
    [InlineData(OpCode.RemoveWatches, 0)]
    [InlineData(OpCode.CheckWatches, 6)]
    public void Unknown_types_of_watches_are_marshalling_errors(OpCode op, int type) =>
        Assert.Equal(MarshallingError, _grid.WatchOp(op, Body.PathInt("/a", type), session: 1));

    [Theory]
    [InlineData(OpCode.RemoveWatches)]
    [InlineData(OpCode.CheckWatches)]
    public void No_watch_is_set_on_a_null_path(OpCode op)
    {
        byte[] body = Body.Of(w =>
        {
            w.WriteNull();
            w.WriteInt(3);
        });
        Assert.Equal(NoWatcher, _grid.WatchOp(op, body, session: 1));
    }

    [Theory]
    [InlineData(OpCode.AddWatch)]
    [InlineData(OpCode.RemoveWatches)]
    [InlineData(OpCode.CheckWatches)]
    [InlineData(OpCode.SetWatches)]
    [InlineData(OpCode.SetWatches2)]
    public void Cut_bodies_are_marshalling_errors(OpCode op) =>
        Assert.Equal(MarshallingError, _grid.WatchOp(op, [0, 0, 0], session: 1));

    [Fact]
    public void Other_operations_are_not_for_WatchOperation() =>
        Assert.Equal(Unimplemented, _grid.WatchOp(OpCode.GetData, [], session: 1));

    [Fact]
    public void The_table_can_be_listed_for_the_four_letter_words()
    {
        _grid.GetData("/a", watch: true, session: 1);
        _grid.AddWatch("/a", 0, session: 2);
        _grid.GetChildren("/", watch: true, session: 2);
        Assert.Equal((3, 2, 2), (Watches.Count, Watches.SessionCount, Watches.PathCount));
        Assert.Equal((2, 2), (Watches.DataWatchCount, Watches.ChildWatchCount));
        Assert.Equal([1L, 2L], Watches.SessionIds.Order());
        Assert.Equal(["/", "/a"], Watches.Paths.Select(p => Harness.Text(p)).Order());
        Assert.Equal(2, Watches.PathsOf(2).Count);
        Assert.Empty(Watches.PathsOf(9));
        Assert.Equal(
            [new(1, WatchKinds.Data), new(2, WatchKinds.Persistent)], Watches.SessionsOf("/a"u8.ToArray()));
        Assert.Empty(Watches.SessionsOf("/none"u8.ToArray()));
    }

    [Fact]
    public void A_thousand_watchers_of_one_znode_are_each_told_once()
    {
        for (long session = 1; session <= 1_000; session++)
        {
            _grid.GetData("/a", watch: true, session);
        }

        for (long session = 2; session <= 1_000; session += 2)
        {
            _grid.Machine.ForgetWatches(session);
        }

        _grid.SetData("/a", "x");
        Assert.Equal(
            Enumerable.Range(0, 500).Select(i => (2L * i) + 1),
            _grid.Result.Events.Select(e => e.SessionId).Order());
        Assert.Equal(0, Watches.Count);
    }
}
