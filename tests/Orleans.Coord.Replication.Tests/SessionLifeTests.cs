using Orleans.Coord.Jute;

namespace Orleans.Coord.Replication.Tests;

public sealed class SessionLifeTests
{
    private readonly TestSilo _silo = new();

    [Theory]
    [InlineData(1, 4_000)]
    [InlineData(10_000, 10_000)]
    [InlineData(1_000_000, 40_000)]
    public void The_time_out_is_negotiated_into_the_allowed_range(int wished, int granted) =>
        Assert.Equal(granted, _silo.Join(wished).TimeoutMs);

    [Fact]
    public void An_operator_ends_a_session_and_its_ephemerals_with_it()
    {
        var silo = new TestSilo();
        TestClient client = silo.Join();
        client.AddCreate("/e", mode: 1);
        client.Send();
        Assert.Equal(CoordErrorCode.Ok, client.Next().Code);
        bool ended = false;
        silo.Turn(replica => ended = replica.EndSession(client.SessionId));
        Assert.True(ended);
        Assert.NotNull(client.Closed);
        Assert.Equal(0, silo.Replica.Machine.EphemeralCount);
        silo.Turn(replica => ended = replica.EndSession(client.SessionId));
        Assert.False(ended);
    }

    [Fact]
    public void A_silent_session_expires_and_its_ephemerals_vanish()
    {
        TestClient silent = _silo.Join(4_000);
        TestClient other = _silo.Join(40_000);
        silent.AddCreate("/e", mode: 1);
        silent.Send();
        other.AddGet("/e", watch: true);
        other.Send();
        Assert.Equal(CoordErrorCode.Ok, other.Next().Code);

        _silo.Pass(3_500);
        Assert.Null(silent.Closed);
        _silo.Pass(2_000);
        Assert.NotNull(silent.Closed);
        Assert.Equal((2, "/e"), other.Next().Event);
        Assert.Equal(1, _silo.Replica.Machine.Sessions.Count);
    }

    [Fact]
    public void Pings_keep_a_session_alive()
    {
        TestClient client = _silo.Join(4_000);
        for (int i = 0; i < 20; i++)
        {
            _silo.Pass(1_500);
            client.Add(OpCode.Ping, xid: -2);
            client.Send();
            Assert.Equal(-2, client.Next().Xid);
        }

        Assert.Null(client.Closed);
    }

    [Fact]
    public void A_session_survives_its_connection_and_can_be_taken_up_again()
    {
        TestClient first = _silo.Join();
        first.AddCreate("/e", "mine", mode: 1);
        first.Send();
        _silo.Turn(replica => replica.Disconnected(first));

        TestClient second = new TestClient(_silo).Hello(first.SessionId, first.Password);
        Assert.True(second.Welcomed());
        Assert.Equal(first.SessionId, second.SessionId);
        second.AddGet("/e");
        second.Send();
        Assert.Equal("mine", second.Next().Text);
    }

    [Fact]
    public void A_session_that_moves_closes_its_old_connection_and_only_that()
    {
        TestClient first = _silo.Join();
        TestClient second = new TestClient(_silo).Hello(first.SessionId, first.Password);
        Assert.True(second.Welcomed());
        Assert.NotNull(first.Closed);
        first.AddCreate("/late");
        first.Send();
        second.AddGet("/late");
        second.Send();
        Assert.Equal(CoordErrorCode.NoNode, second.Next().Code);
        Assert.Null(second.Closed);
        Assert.Equal(0, first.Unreleased);
    }

    [Fact]
    public void A_write_under_way_when_its_session_moves_is_applied_or_refused_but_never_after_the_move()
    {
        TestClient first = _silo.Join();
        _silo.AutoSync = false;
        first.AddCreate("/before");
        first.Send();
        TestClient second = new TestClient(_silo).Hello(first.SessionId, first.Password);
        first.AddCreate("/after");
        first.Send();
        _silo.AutoSync = true;
        _silo.Sync();
        Assert.True(second.Welcomed());
        second.AddGet("/before");
        second.AddGet("/after");
        second.Send();
        Assert.Equal(CoordErrorCode.Ok, second.Next().Code);
        Assert.Equal(CoordErrorCode.NoNode, second.Next().Code);
        Assert.Equal(0, first.Unreleased);
    }

    [Fact]
    public void A_wrong_password_gets_an_empty_welcome_and_harms_nobody()
    {
        TestClient owner = _silo.Join();
        TestClient thief = new TestClient(_silo).Hello(owner.SessionId, new byte[16]);
        Assert.False(thief.Welcomed());
        Assert.Equal((0L, 0), (thief.SessionId, thief.TimeoutMs));
        Assert.Equal(new byte[16], thief.Password);
        Assert.NotNull(thief.Closed);
        owner.Add(OpCode.Ping, xid: -2);
        owner.Send();
        Assert.Equal(-2, owner.Next().Xid);
    }

    [Fact]
    public void A_client_that_has_seen_more_than_this_replica_is_turned_away_without_an_answer()
    {
        TestClient client = new TestClient(_silo).Hello(lastZxid: 1_000_000);
        Assert.False(client.HasFrame);
        Assert.NotNull(client.Closed);
    }

    [Fact]
    public void A_goodbye_is_answered_then_the_connection_closes_and_the_ephemerals_are_gone()
    {
        TestClient client = _silo.Join();
        client.AddCreate("/e", mode: 1);
        int close = client.Add(OpCode.CloseSession);
        client.AddCreate("/too-late");
        client.Send();
        client.Next();
        Assert.Equal((close, CoordErrorCode.Ok), (client.Next() is var r ? (r.Xid, r.Code) : default));
        Assert.False(client.HasFrame);
        Assert.NotNull(client.Closed);
        Assert.Equal(0, _silo.Replica.Machine.Sessions.Count);
        Assert.Equal(0, _silo.Replica.Machine.EphemeralCount);
        Assert.Equal(0, client.Unreleased);
    }

    [Fact]
    public void A_paused_silo_expires_nobody_when_it_wakes()
    {
        TestClient client = _silo.Join(4_000);
        _silo.NowMs += 600_000;
        _silo.Turn(replica => replica.Tick());
        Assert.Null(client.Closed);
        _silo.Pass(3_000);
        Assert.Null(client.Closed);
        _silo.Pass(3_000);
        Assert.NotNull(client.Closed);
    }

    [Fact]
    public void A_restart_grants_every_session_a_full_time_out()
    {
        TestClient client = _silo.Join(4_000);
        _silo.Pass(3_000);
        _silo.Restart();
        _silo.Pass(3_000);
        TestClient again = new TestClient(_silo).Hello(client.SessionId, client.Password);
        Assert.True(again.Welcomed());
    }

    [Fact]
    public void After_a_restart_sessions_nobody_takes_up_expire()
    {
        _silo.Join(4_000);
        _silo.Restart();
        _silo.Pass(6_000);
        Assert.Equal(0, _silo.Replica.Machine.Sessions.Count);
    }

    [Fact]
    public void Thousands_of_sessions_that_expire_at_once_are_spread_over_several_turns()
    {
        for (int i = 0; i < 2_000; i++)
        {
            _silo.Join(4_000);
        }

        int before = _silo.Store.Appends;
        _silo.Pass(8_000);
        Assert.Equal(0, _silo.Replica.Machine.Sessions.Count);
        Assert.True(_silo.Store.Appends - before > 5);
    }

    [Fact]
    public void Frames_sent_before_the_welcome_wait_for_it()
    {
        _silo.AutoSync = false;
        TestClient client = new TestClient(_silo).Hello();
        client.AddCreate("/early");
        client.AddGet("/early");
        client.Send();
        Assert.False(client.HasFrame);
        _silo.AutoSync = true;
        _silo.Sync();
        Assert.True(client.Welcomed());
        Assert.Equal(CoordErrorCode.Ok, client.Next().Code);
        Assert.Equal(CoordErrorCode.Ok, client.Next().Code);
        Assert.Equal(0, client.Unreleased);
    }

    [Fact]
    public void A_client_that_leaves_before_its_welcome_gives_its_frames_back()
    {
        _silo.AutoSync = false;
        TestClient client = new TestClient(_silo).Hello();
        client.AddCreate("/early");
        client.Send();
        _silo.Turn(replica => replica.Disconnected(client));
        _silo.Sync();
        Assert.Equal(0, client.Unreleased);
        Assert.Equal(0, _silo.Replica.LocalSessionCount);
    }

    [Fact]
    public void Watches_of_a_lost_connection_are_forgotten()
    {
        TestClient client = _silo.Join();
        client.AddCreate("/a");
        client.AddGet("/a", watch: true);
        client.Send();
        Assert.Equal(1, _silo.Replica.Machine.Watches.Count);
        _silo.Turn(replica => replica.Disconnected(client));
        Assert.Equal(0, _silo.Replica.Machine.Watches.Count);
    }
}
