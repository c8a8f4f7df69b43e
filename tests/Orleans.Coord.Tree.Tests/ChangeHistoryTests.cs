using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree.Tests;

public sealed class ChangeHistoryTests
{
    private readonly Harness _grid = new();

    [Fact]
    public void Tells_every_change_since_a_zxid_in_order()
    {
        _grid.Create("/a");
        long since = _grid.Machine.LastApplied;
        _grid.SetData("/a", "1");
        _grid.Create("/a/b");
        _grid.Delete("/a/b");
        _grid.SetAcl("/a", -1, Acl.Open);
        _grid.SetData("/x", "no such znode");
        Assert.Equal(
            [$"{since + 1} NodeDataChanged /a", $"{since + 2} NodeCreated /a/b", $"{since + 3} NodeDeleted /a/b"],
            Changes("/", since));
        Assert.Equal([$"{since + 3} NodeDeleted /a/b"], Changes("/", since + 2));
        Assert.Empty(Changes("/", since + 3));
    }

    [Fact]
    public void Tells_of_a_subtree_or_of_a_znode_and_its_children()
    {
        foreach (string path in (string[])["/a", "/ab", "/a/b", "/a/b/c"])
        {
            _grid.Create(path);
            _grid.SetData(path, "1");
        }

        Assert.Equal(
            ["/a", "/a", "/a/b", "/a/b", "/a/b/c", "/a/b/c"], Changes("/a", 0).Select(line => line.Split(' ')[2]));
        Assert.Equal(
            ["1 NodeCreated /a", "2 NodeDataChanged /a", "5 NodeCreated /a/b"], Changes("/a", 0, subtree: false));
        Assert.Equal(["1 NodeCreated /a", "3 NodeCreated /ab"], Changes("/", 0, subtree: false));
    }

    [Fact]
    public void A_transaction_that_fails_leaves_no_change_and_one_that_succeeds_leaves_all()
    {
        (OpCode, byte[]) create = (OpCode.Create, Body.Create("/a", null, 0));
        _grid.Multi(create, (OpCode.Check, Body.PathInt("/x", -1)));
        Assert.Empty(Changes("/", 0));
        _grid.Multi(create, (OpCode.SetData, Body.SetData("/a", [1], -1)));
        Assert.Equal(["2 NodeCreated /a", "2 NodeDataChanged /a"], Changes("/", 0));
    }

    [Fact]
    public void Ephemerals_are_deleted_by_the_entry_that_ends_their_session()
    {
        _grid.Open(7);
        _grid.Create("/e", flags: 1, session: 7);
        long since = _grid.Machine.LastApplied;
        _grid.Expire(7, 1);
        Assert.Equal([$"{since + 1} NodeDeleted /e"], Changes("/", since));
    }

    [Fact]
    public void Who_may_not_read_a_znode_is_not_told_of_it()
    {
        _grid.Create("/secret", acl: new Acl(Permissions.All & ~Permissions.Read, "world", "anyone"));
        _grid.Create("/open");
        _grid.Delete("/secret");
        Assert.Equal(["2 NodeCreated /open"], Changes("/", 0));
    }

    [Fact]
    public void Many_changes_come_in_portions_that_never_divide_a_write()
    {
        _grid.Multi([.. Enumerable.Range(0, 9_000).Select(i => (OpCode.Create, Body.Create($"/a{i}", null, 0)))]);
        for (int i = 0; i < 9_000; i++)
        {
            _grid.SetData("/a0", "1");
        }

        List<string> portion = ReadPortion("/", 0, out long upTo, out bool more);
        Assert.Equal((9_000, 1, true), (portion.Count, upTo, more));
        int calls = 0;
        while (more)
        {
            portion.AddRange(ReadPortion("/", upTo, out upTo, out more));
            calls++;
        }

        Assert.Equal((18_000, 9_001), (portion.Count, upTo));
        Assert.Equal(2, calls);
    }

    [Fact]
    public void What_is_too_old_is_lost_and_said_to_be()
    {
        _grid.Create("/a");
        for (int i = 0; i < 200_000; i++)
        {
            _grid.Log.Clear();
            _grid.SetData("/a", "1");
        }

        long horizon = _grid.Machine.HistoryHorizon;
        Assert.InRange(horizon, 1, 200_000 - 10_000);
        Assert.Equal(CoordErrorCode.HistoryLost, Ask("/", horizon - 1));
        Assert.Equal(CoordErrorCode.Ok, Ask("/", horizon));
        Assert.Equal($"{horizon + 1} NodeDataChanged /a", ReadPortion("/", horizon, out _, out _)[0]);
    }

    [Fact]
    public void Long_paths_do_not_make_it_grow_without_bound()
    {
        string path = "/" + new string('x', 500_000);
        for (int i = 0; i < 100; i++)
        {
            _grid.Log.Clear();
            _grid.Create(path);
            _grid.Delete(path);
        }

        Assert.InRange(_grid.Machine.HistoryHorizon, 150, 199);
        Assert.Equal(CoordErrorCode.Ok, Ask("/", _grid.Machine.HistoryHorizon));
    }

    [Fact]
    public void It_begins_with_the_snapshot_that_a_replica_was_restored_from()
    {
        _grid.Create("/a");
        _grid.Create("/b");
        var restored = new Harness(CoordStateMachine.Restore(Harness.Finish(_grid.Machine.BeginSnapshot())));
        Assert.Equal(2, restored.Machine.HistoryHorizon);
        Assert.Equal(
            CoordErrorCode.HistoryLost, restored.Read(OpCode.GetChanges, ChangeRequest("/", 1, subtree: true)));
        Assert.Equal(CoordErrorCode.Ok, restored.Read(OpCode.GetChanges, ChangeRequest("/", 2, subtree: true)));
    }

    [Fact]
    public void A_client_that_has_seen_more_than_this_replica_waits_for_what_is_new_to_it()
    {
        _grid.Create("/a");
        Assert.Empty(ReadPortion("/", 50, out long upTo, out bool more));
        Assert.Equal((50, false), (upTo, more));
    }

    [Fact]
    public void Malformed_requests_are_refused()
    {
        Assert.Equal(CoordErrorCode.MarshallingError, _grid.Read(OpCode.GetChanges, new byte[4]));
        Assert.Equal(CoordErrorCode.BadArguments, Ask("a", 0));
        Assert.Equal(CoordErrorCode.BadArguments, Ask("/", -1));
        byte[] scope = ChangeRequest("/", 0, subtree: true);
        scope[8] = 2;
        Assert.Equal(CoordErrorCode.BadArguments, _grid.Read(OpCode.GetChanges, scope));
    }

    [Fact]
    public void The_virtual_znode_is_read_but_not_listed_counted_or_changed()
    {
        ulong digest = _grid.Machine.Digest;
        int count = _grid.Machine.ZnodeCount;
        Assert.StartsWith("orleans.coord 1\n", _grid.Data("/zookeeper/coord"), StringComparison.Ordinal);
        Assert.Equal(_grid.Data("/zookeeper/coord")!.Length, _grid.Stat("/zookeeper/coord").DataLength);
        Assert.Equal(["config", "quota"], _grid.Children("/zookeeper"));
        Assert.Equal((digest, count), (_grid.Machine.Digest, _grid.Machine.ZnodeCount));
        Assert.Equal(CoordErrorCode.NodeExists, _grid.Create("/zookeeper/coord"));
        Assert.Equal(CoordErrorCode.NoNode, _grid.SetData("/zookeeper/coord", "x"));
        Assert.Equal(CoordErrorCode.NoNode, _grid.Delete("/zookeeper/coord"));
    }

    private static byte[] ChangeRequest(string path, long since, bool subtree) => Body.Of(w =>
    {
        w.WriteString(path);
        w.WriteInt(subtree ? 1 : 0);
        w.WriteLong(since);
    });

    private CoordErrorCode Ask(string path, long since, bool subtree = true) =>
        _grid.Read(OpCode.GetChanges, ChangeRequest(path, since, subtree));

    private List<string> Changes(string path, long since, bool subtree = true)
    {
        Assert.Equal(CoordErrorCode.Ok, Ask(path, since, subtree));
        return Parse(out _, out _);
    }

    private List<string> ReadPortion(string path, long since, out long upTo, out bool more)
    {
        Assert.Equal(CoordErrorCode.Ok, Ask(path, since));
        return Parse(out upTo, out more);
    }

    private List<string> Parse(out long upTo, out bool more)
    {
        var reader = new JuteReader(_grid.Reply.Written);
        var changes = new List<string>();
        for (int left = reader.ReadInt(); left > 0; left--)
        {
            long zxid = reader.ReadLong();
            var type = (WatchEventType)reader.ReadInt();
            changes.Add($"{zxid} {type} {Harness.Text(reader.ReadString())}");
        }

        upTo = reader.ReadLong();
        more = reader.ReadBool();
        Assert.False(reader.Failed);
        Assert.True(reader.Rest.IsEmpty);
        return changes;
    }
}
