using Orleans.Coord.Jute;

namespace Orleans.Coord.Replication.Tests;

/// <summary>A member that has lost the quorum, with <see cref="ReplicaOptions.ReadOnlyMode"/>.</summary>
public sealed class ReadOnlyTests
{
    private readonly TestGroup _group = new(3, 3, TestSilo.DefaultOptions with { ReadOnlyMode = true });

    [Fact]
    public void Reads_are_answered_and_writes_and_syncs_refused()
    {
        TestMember alone = LoseTheQuorum();
        TestClient client = new TestClient(alone).Hello(canBeReadOnly: true);
        Assert.True(client.Welcomed());
        Assert.True(client.IsReadOnly);
        Assert.Equal(alone.Id.Value, client.SessionId >> 56);
        client.AddGet("/a", watch: true);
        client.AddSet("/a", "new");
        client.AddSync("/a");
        client.Add(OpCode.Multi);
        client.Add(OpCode.Ping, xid: -2);
        client.AddGet("/a");
        client.Send();
        Assert.Equal("old", client.Next().Text);
        Assert.Equal(CoordErrorCode.NotReadOnly, client.Next().Code);
        Assert.Equal(CoordErrorCode.NotReadOnly, client.Next().Code);
        Assert.Equal(CoordErrorCode.NotReadOnly, client.Next().Code);
        Assert.Equal(-2, client.Next().Xid);
        Assert.Equal("old", client.Next().Text);
        Assert.Equal(0, client.Unreleased);
        Assert.Null(client.Closed);
    }

    [Fact]
    public void Clients_that_did_not_agree_to_it_are_closed()
    {
        TestMember alone = LoseTheQuorum();
        TestClient client = new TestClient(alone).Hello();
        Assert.NotNull(client.Closed);
        Assert.False(client.HasFrame);
    }

    [Fact]
    public void A_client_that_has_seen_newer_data_is_closed()
    {
        TestMember alone = LoseTheQuorum();
        TestClient client = new TestClient(alone).Hello(
            lastZxid: alone.Replica.Machine.LastApplied + 1, canBeReadOnly: true);
        Assert.NotNull(client.Closed);
    }

    [Fact]
    public void Clients_come_back_to_writing_when_the_quorum_returns()
    {
        TestMember alone = LoseTheQuorum();
        TestClient client = new TestClient(alone).Hello(canBeReadOnly: true);
        Assert.True(client.Welcomed());
        _group.Heal();
        _group.RunUntil(() => client.Closed is not null, "the client to be let go");
        Assert.True(alone.Replica.CanServe);
        Assert.False(alone.Replica.IsReadOnly);

        // The others never heard of that session.
        TestClient again = Connect(alone, client.SessionId, client.Password);
        Assert.False(again.Welcomed());
        again = Connect(alone);
        Assert.True(again.Welcomed());
        Assert.False(again.IsReadOnly);
        again.AddSet("/a", "new");
        again.Send();
        Assert.Equal(CoordErrorCode.Ok, _group.Next(again).Code);
    }

    [Fact]
    public void A_session_from_before_is_read_only_under_its_own_id_and_lives_on_afterwards()
    {
        _group.StartAll();
        TestMember alone = _group.Members[0];
        TestClient before = Connect(alone);
        Assert.True(before.Welcomed());
        Write(before);
        _group.Isolate(alone);
        _group.RunUntil(() => alone.Replica.IsReadOnly, "read-only service");
        Assert.NotNull(before.Closed);

        TestClient impostor = new TestClient(alone).Hello(before.SessionId, new byte[16], canBeReadOnly: true);
        Assert.False(impostor.Welcomed());
        TestClient during = new TestClient(alone).Hello(before.SessionId, before.Password, canBeReadOnly: true);
        Assert.True(during.Welcomed());
        Assert.Equal((before.SessionId, true), (during.SessionId, during.IsReadOnly));
        TestClient first = during;
        during = new TestClient(alone).Hello(before.SessionId, before.Password, canBeReadOnly: true);
        Assert.True(during.Welcomed());
        Assert.NotNull(first.Closed);
        Assert.NotNull(alone.Replica.LocalSessionRemaining(during.SessionId));
        during.AddGet("/a");
        during.Add(OpCode.CloseSession);
        during.Send();
        Assert.Equal("old", during.Next().Text);
        Assert.Equal(CoordErrorCode.NotReadOnly, during.Next().Code);

        _group.Heal();
        _group.RunUntil(() => during.Closed is not null, "the client to be let go");
        TestClient after = Connect(alone, before.SessionId, before.Password);
        Assert.True(after.Welcomed());
        Assert.False(after.IsReadOnly);
    }

    [Fact]
    public void A_silent_client_is_let_go_and_one_that_says_goodbye_is_answered()
    {
        TestMember alone = LoseTheQuorum();
        TestClient silent = new TestClient(alone).Hello(timeoutMs: 4_000, canBeReadOnly: true);
        TestClient polite = new TestClient(alone).Hello(timeoutMs: 4_000, canBeReadOnly: true);
        Assert.True(silent.Welcomed());
        Assert.True(polite.Welcomed());
        polite.Add(OpCode.CloseSession);
        polite.Send();
        Assert.Equal(CoordErrorCode.Ok, polite.Next().Code);
        Assert.NotNull(polite.Closed);
        _group.RunUntil(() => silent.Closed is not null, "the silent one to be let go");
    }

    [Fact]
    public void A_member_that_starts_alone_serves_what_it_knows()
    {
        _group.StartAll();
        TestMember alone = _group.Members[0];
        TestClient writer = Connect(alone);
        Assert.True(writer.Welcomed());
        Write(writer);

        // What is committed is written down with the next entries at the latest.
        writer.AddCreate("/b");
        writer.Send();
        _group.Next(writer);
        _group.Run(100);
        foreach (TestMember member in _group.Members)
        {
            member.Crash();
        }

        alone.Start();
        _group.RunUntil(() => alone.Replica.IsReadOnly, "read-only service");
        TestClient reader = new TestClient(alone).Hello(canBeReadOnly: true);
        Assert.True(reader.Welcomed());
        reader.AddGet("/a");
        reader.Send();
        Assert.Equal("old", reader.Next().Text);
    }

    [Fact]
    public void Without_the_setting_nobody_is_served()
    {
        var group = new TestGroup(3, 3);
        foreach (TestMember member in group.Members)
        {
            member.Start();
        }

        group.WaitForLeader();
        group.Isolate(group.Members[0]);
        group.Run(20_000);
        TestClient client = new TestClient(group.Members[0]).Hello(canBeReadOnly: true);
        Assert.NotNull(client.Closed);
    }

    private TestMember LoseTheQuorum()
    {
        _group.StartAll();
        TestMember alone = _group.Members[0];
        TestClient writer = Connect(alone);
        Assert.True(writer.Welcomed());
        Write(writer);
        _group.Isolate(alone);
        _group.RunUntil(() => alone.Replica.IsReadOnly, "read-only service");
        Assert.False(alone.Replica.CanServe);
        return alone;
    }

    private void Write(TestClient client)
    {
        client.AddCreate("/a", "old");
        client.Send();
        Assert.Equal(CoordErrorCode.Ok, _group.Next(client).Code);
    }

    private TestClient Connect(TestMember member, long sessionId = 0, byte[]? password = null)
    {
        TestClient client = new TestClient(member).Hello(sessionId, password, canBeReadOnly: true);
        _group.RunUntil(() => client.HasFrame, "the welcome");
        return client;
    }
}
