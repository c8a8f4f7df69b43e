using Orleans.Coord.Jute;
using static Orleans.Coord.CoordErrorCode;

namespace Orleans.Coord.Tree.Tests;

public sealed class SessionTests
{
    private readonly Harness _grid = new();

    [Fact]
    public void A_new_session_has_generation_one()
    {
        Assert.Equal(Ok, _grid.Open(7, timeout: 4_000));
        Assert.Equal((7L, 1, 4_000), (_grid.Result.SessionId, _grid.Result.Generation, _grid.Result.TimeoutMs));
        Assert.True(_grid.Machine.Sessions.TryGet(7, out Session? session));
        Assert.Equal((7L, 1, 4_000, 0L), (session.Id, session.Generation, session.TimeoutMs, session.LastPosition));
        Assert.Equal(1, _grid.Machine.Sessions.Count);
        Assert.Same(session, Assert.Single(_grid.Machine.Sessions.All));
    }

    [Fact]
    public void An_id_that_is_taken_is_refused()
    {
        _grid.Open(7);
        ulong before = _grid.Machine.Digest;
        Assert.Equal(NodeExists, _grid.Open(7));
        Assert.Equal(0, _grid.Result.SessionId);
        Assert.Equal(before, _grid.Machine.Digest);
    }

    [Theory]
    [InlineData(0, 1_000, 32)]
    [InlineData(7, 0, 32)]
    [InlineData(7, -1, 32)]
    [InlineData(7, 1_000, 16)]
    [InlineData(7, 1_000, 0)]
    public void A_session_needs_an_id_a_timeout_and_a_password_hash(long id, int timeout, int hashBytes) =>
        Assert.Equal(BadArguments, _grid.Apply(Body.Of(w =>
            CommandCodec.WriteCreateSession(w, 1, id, 0, new byte[hashBytes], timeout))));

    [Fact]
    public void Attaching_raises_the_generation_and_takes_the_new_timeout()
    {
        _grid.Open(7);
        Assert.Equal(Ok, _grid.Attach(7, timeout: 9_000));
        Assert.Equal((7L, 2, 9_000), (_grid.Result.SessionId, _grid.Result.Generation, _grid.Result.TimeoutMs));
        Assert.Equal(Ok, _grid.Create("/a", session: 7));
    }

    [Fact]
    public void Attaching_with_a_wrong_password_or_to_nothing_is_expired_and_harms_nobody()
    {
        _grid.Open(7);
        ulong before = _grid.Machine.Digest;
        Assert.Equal(SessionExpired, _grid.Attach(7, password: [9]));
        Assert.Equal(SessionExpired, _grid.Attach(8));
        Assert.Equal(BadArguments, _grid.Attach(7, timeout: 0));
        Assert.Equal(before, _grid.Machine.Digest);
        Assert.Equal(Ok, _grid.Create("/a", session: 7));
    }

    [Fact]
    public void A_request_of_an_unknown_session_is_expired() =>
        Assert.Equal(SessionExpired, _grid.Create("/a", session: 8));

    [Fact]
    public void A_delayed_write_of_an_old_connection_is_moved_and_does_nothing()
    {
        _grid.Open(7);
        _grid.Attach(7);
        ulong before = _grid.Machine.Digest;
        byte[] body = Body.Create("/a", null, 0);
        Assert.Equal(SessionMoved, _grid.Send(OpCode.Create, body, 7, generation: 1, position: 1));
        Assert.Equal(SessionMoved, _grid.Send(OpCode.Create, body, 7, generation: 3, position: 1));
        Assert.Equal(before, _grid.Machine.Digest);
        Assert.Equal(NoNode, _grid.Exists("/a"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(long.MaxValue)]
    [InlineData(-1)]
    public void Apply_never_passes_a_gap_in_a_sessions_positions(long position)
    {
        _grid.Open(7);
        Assert.Equal(Ok, _grid.Create("/a", session: 7));
        ulong before = _grid.Machine.Digest;
        Assert.Equal(ConnectionLoss, _grid.Send(OpCode.Create, Body.Create("/b", null, 0), 7, 1, position));
        Assert.Equal(before, _grid.Machine.Digest);
        Assert.Equal(Ok, _grid.Send(OpCode.Create, Body.Create("/b", null, 0), 7, 1, position: 2));
    }

    [Fact]
    public void A_refused_request_uses_its_position_up()
    {
        _grid.Open(7);
        Assert.Equal(NoNode, _grid.Delete("/none", session: 7));
        Assert.Equal(Ok, _grid.Create("/a", session: 7));
        Assert.True(_grid.Machine.Sessions.TryGet(7, out Session? session));
        Assert.Equal(2, session.LastPosition);
    }

    [Fact]
    public void Positions_begin_again_with_each_generation()
    {
        _grid.Open(7);
        _grid.Create("/a", session: 7);
        _grid.Attach(7);
        Assert.Equal(Ok, _grid.Send(OpCode.Create, Body.Create("/b", null, 0), 7, generation: 2, position: 1));
    }

    [Fact]
    public void Closing_a_session_deletes_its_ephemerals_at_that_index()
    {
        _grid.Open(7);
        _grid.Open(8);
        _grid.Create("/p");
        _grid.Create("/p/mine", flags: 1, session: 7);
        _grid.Create("/mine", flags: 3, session: 7);
        _grid.Create("/his", flags: 1, session: 8);
        Assert.Equal(["/mine0000000001", "/p/mine"], Paths(7));
        Assert.Equal(Ok, _grid.Write(OpCode.CloseSession, [], 7));
        Assert.Equal(7, _grid.Result.SessionId);
        Assert.Equal(["his", "p", "zookeeper"], _grid.Children("/"));
        Assert.Empty(_grid.Children("/p"));
        Assert.Equal(_grid.Machine.LastApplied, _grid.Stat("/p").Pzxid);
        Assert.Equal(1, _grid.Machine.EphemeralCount);
        Assert.Empty(Paths(7));
        Assert.Equal(SessionExpired, _grid.Create("/x", session: 7));
        Assert.Equal(SessionExpired, _grid.Attach(7));
    }

    [Fact]
    public void Expiry_counts_only_for_the_generation_that_it_names()
    {
        _grid.Open(7);
        _grid.Create("/e", flags: 1, session: 7);
        _grid.Attach(7);
        Assert.Equal(SessionMoved, _grid.Expire(7, generation: 1));
        Assert.Equal(0, _grid.Result.SessionId);
        Assert.Equal(Ok, _grid.Exists("/e"));
        Assert.Equal(Ok, _grid.Expire(7, generation: 2));
        Assert.Equal(NoNode, _grid.Exists("/e"));
        Assert.Equal(SessionExpired, _grid.Expire(7, generation: 2));
        Assert.Equal(0, _grid.Machine.Sessions.Count);
    }

    [Fact]
    public void An_ended_sessions_id_can_be_used_again()
    {
        ulong empty = _grid.Machine.Sessions.Digest;
        _grid.Open(7);
        _grid.Write(OpCode.CloseSession, [], 7);
        Assert.Equal(empty, _grid.Machine.Sessions.Digest);
        Assert.Equal(Ok, _grid.Open(7));
    }

    [Fact]
    public void A_session_without_id_cannot_be_closed() =>
        Assert.Equal(BadArguments, _grid.Write(OpCode.CloseSession, []));

    [Fact]
    public void The_digest_covers_sessions()
    {
        var digests = new HashSet<ulong> { _grid.Machine.Digest };
        _grid.Open(7);
        Assert.True(digests.Add(_grid.Machine.Digest));
        _grid.Attach(7);
        Assert.True(digests.Add(_grid.Machine.Digest));
        _grid.Delete("/none", session: 7);
        Assert.True(digests.Add(_grid.Machine.Digest));
    }

    [Fact]
    public void Many_ephemerals_go_at_once()
    {
        _grid.Open(7);
        for (int i = 0; i < 500; i++)
        {
            _grid.Create("/e-", flags: 3, session: 7);
        }

        Assert.Equal(500, _grid.Machine.EphemeralCount);
        Assert.Equal(Ok, _grid.Expire(7, 1));
        Assert.Equal(0, _grid.Machine.EphemeralCount);
        Assert.Equal(4, _grid.Machine.ZnodeCount);
    }

    private string[] Paths(long session) => [.. _grid.Machine.EphemeralPaths(session).Select(p => Harness.Text(p))];
}
