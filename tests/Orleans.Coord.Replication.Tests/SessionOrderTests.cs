using Orleans.Coord.Jute;

namespace Orleans.Coord.Replication.Tests;

public sealed class SessionOrderTests
{
    private readonly TestSilo _silo = new();

    [Fact]
    public void Set_1_get_set_2_in_one_batch_reads_1()
    {
        TestClient client = _silo.Join();
        client.AddCreate("/a", "0");
        client.AddSet("/a", "1");
        int get = client.AddGet("/a");
        client.AddSet("/a", "2");
        client.Send();

        client.Next();
        client.Next();
        Reply read = client.Next();
        Assert.Equal((get, "1"), (read.Xid, read.Text));
        Assert.Equal(CoordErrorCode.Ok, client.Next().Code);
        Assert.False(client.HasFrame);
    }

    [Fact]
    public void A_read_waits_for_its_own_sessions_write_but_for_nobody_elses()
    {
        TestClient writer = _silo.Join();
        TestClient reader = _silo.Join();
        writer.AddCreate("/a", "old");
        writer.Send();
        writer.Next();

        _silo.AutoSync = false;
        writer.AddSet("/a", "new");
        writer.AddGet("/a");
        writer.Send();
        reader.AddGet("/a");
        reader.Send();

        Assert.Equal("old", reader.Next().Text);
        Assert.False(writer.HasFrame);
        _silo.Sync();
        Assert.Equal(CoordErrorCode.Ok, writer.Next().Code);
        Assert.Equal("new", writer.Next().Text);
    }

    [Fact]
    public void Nothing_is_acknowledged_before_the_disk_has_it()
    {
        TestClient client = _silo.Join();
        _silo.AutoSync = false;
        client.AddCreate("/a");
        client.Send();
        Assert.False(client.HasFrame);
        _silo.Sync();
        Assert.Equal(CoordErrorCode.Ok, client.Next().Code);
    }

    [Fact]
    public void Replies_keep_the_order_of_requests_over_all_kinds()
    {
        TestClient client = _silo.Join();
        int[] xids =
        [
            client.AddCreate("/a"), client.AddGet("/a"), client.Add(OpCode.Ping, xid: -2), client.AddSync("/a"),
            client.AddSet("/a", "x"), client.AddGet("/missing"), client.AddAuth("digest", "bob:secret"),
            client.Add(OpCode.WhoAmI), client.AddDelete("/a"), client.AddSync("/a"), client.AddGet("/a"),
        ];
        client.Send();
        Assert.Equal(xids, xids.Select(_ => client.Next().Xid).ToArray());
        Assert.False(client.HasFrame);
        Assert.Equal(0, client.Unreleased);
    }

    [Fact]
    public void All_that_a_turn_brings_becomes_one_append()
    {
        TestClient client = _silo.Join();
        int before = _silo.Store.Appends;
        for (int i = 0; i < 100; i++)
        {
            client.AddCreate("/n" + i);
        }

        client.Send();
        Assert.Equal(before + 1, _silo.Store.Appends);
    }

    [Fact]
    public void A_watch_event_comes_before_the_reply_to_the_write_that_fired_it()
    {
        TestClient client = _silo.Join();
        client.AddCreate("/a", "1");
        client.AddGet("/a", watch: true);
        int set = client.AddSet("/a", "2");
        client.AddGet("/a");
        client.Send();
        client.Next();
        client.Next();
        Assert.Equal((3, "/a"), client.Next().Event);
        Assert.Equal(set, client.Next().Xid);
        Assert.Equal("2", client.Next().Text);
    }

    [Fact]
    public void Another_session_hears_of_a_change_before_it_can_read_it()
    {
        TestClient watcher = _silo.Join();
        TestClient writer = _silo.Join();
        writer.AddCreate("/a", "1");
        writer.Send();
        watcher.AddGet("/a", watch: true);
        watcher.Send();
        watcher.Next();
        writer.AddSet("/a", "2");
        writer.Send();
        watcher.AddGet("/a");
        watcher.Send();
        Assert.True(watcher.Next().IsEvent);
        Assert.Equal("2", watcher.Next().Text);
    }

    [Fact]
    public void Zxids_of_replies_never_go_back()
    {
        TestClient client = _silo.Join();
        long last = 0;
        for (int i = 0; i < 50; i++)
        {
            client.AddCreate("/n" + i);
            client.AddGet("/n" + i);
            client.AddGet("/missing");
        }

        client.Send();
        while (client.HasFrame)
        {
            long zxid = client.Next().Zxid;
            Assert.True(zxid >= last);
            last = zxid;
        }
    }

    [Fact]
    public void An_unknown_operation_is_answered_in_its_turn_and_closes_the_connection()
    {
        TestClient client = _silo.Join();
        int create = client.AddCreate("/a");
        int unknown = client.Add((OpCode)4242);
        client.AddSet("/a", "never");
        client.Send();
        Assert.Equal(create, client.Next().Xid);
        Reply refused = client.Next();
        Assert.Equal((unknown, CoordErrorCode.Unimplemented, -1L), (refused.Xid, refused.Code, refused.Zxid));
        Assert.NotNull(client.Closed);
        Assert.Equal(0, client.Unreleased);

        TestClient other = _silo.Join();
        other.AddGet("/a");
        other.Send();
        Assert.Equal("", other.Next().Text);
    }

    [Fact]
    public void A_frame_too_short_for_a_header_closes_the_connection()
    {
        TestClient client = _silo.Join();
        client.SendRaw([0, 0, 0, 4, 1, 2, 3, 4]);
        Assert.NotNull(client.Closed);
        Assert.Equal(0, client.Unreleased);
    }
}
