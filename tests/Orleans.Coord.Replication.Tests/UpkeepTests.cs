using System.Security.Cryptography;
using System.Text;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Replication.Tests;

public sealed class UpkeepTests
{
    [Fact]
    public void Snapshots_are_taken_while_serving_and_the_log_before_them_goes()
    {
        var silo = new TestSilo(TestSilo.DefaultOptions with { SnapshotLogBytes = 20_000 });
        TestClient client = silo.Join();
        for (int i = 0; i < 2_000; i++)
        {
            client.AddCreate("/n" + i, "value " + i);
            client.Send();
        }

        Assert.NotNull(silo.Store.Latest);
        Assert.True(silo.Store.FirstIndex.Value > 100);
        ulong digest = silo.Replica.Machine.Digest;
        long applied = silo.Replica.Machine.LastApplied;
        silo.Restart();
        Assert.True(silo.Replica.Machine.LastApplied > applied);
        Assert.Equal(digest, silo.Replica.Machine.Digest);
        TestClient again = new TestClient(silo).Hello(client.SessionId, client.Password);
        Assert.True(again.Welcomed());
        again.AddGet("/n1999");
        again.Send();
        Assert.Equal("value 1999", again.Next().Text);
    }

    [Fact]
    public void Below_the_disk_reserve_writes_are_refused_and_deletes_reads_and_goodbyes_pass()
    {
        var silo = new TestSilo();
        TestClient client = silo.Join();
        client.AddCreate("/a", "1");
        client.Send();
        client.Next();

        silo.Turn(replica => replica.DiskLow(true));
        client.AddSet("/a", "2");
        client.AddGet("/a");
        client.AddDelete("/a");
        client.Send();
        Assert.Equal(CoordErrorCode.SystemError, client.Next().Code);
        Assert.Equal("1", client.Next().Text);
        Assert.Equal(CoordErrorCode.Ok, client.Next().Code);

        silo.Turn(replica => replica.DiskLow(false));
        client.AddCreate("/a", "3");
        client.Send();
        Assert.Equal(CoordErrorCode.Ok, client.Next().Code);
    }

    [Fact]
    public void A_disk_that_becomes_low_has_one_snapshot_taken_so_that_the_log_before_can_go()
    {
        var silo = new TestSilo();
        TestClient client = silo.Join();
        client.AddCreate("/a", "1");
        client.Send();
        client.Next();
        Assert.Null(silo.Store.Latest);
        silo.Turn(replica => replica.DiskLow(true));
        silo.Pass(1_000);
        Consensus.SnapshotMetadata taken = silo.Store.Latest!;
        Assert.Equal(silo.Replica.Machine.LastApplied, taken.Index.Value);
        client.AddDelete("/a");
        client.Send();
        Assert.Equal(CoordErrorCode.Ok, client.Next().Code);
        silo.Pass(1_000);
        Assert.Equal(taken, silo.Store.Latest);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(200)]
    public void A_full_log_makes_sessions_wait_and_loses_and_reorders_no_request(int requestsPerBatch)
    {
        var silo = new TestSilo(TestSilo.DefaultOptions with
        {
            Raft = new Consensus.RaftOptions { MaxUncommittedBytes = 4_000 },
        });
        TestClient client = silo.Join();
        silo.AutoSync = false;
        var xids = new List<int>();
        for (int i = 0; i < 200; i++)
        {
            xids.Add(client.AddCreate("/n" + i, "a value of some bytes"));
            xids.Add(client.AddGet("/n" + i));
            if (i % requestsPerBatch == 0)
            {
                client.Send();
            }
        }

        client.Send();
        Assert.False(client.HasFrame);
        silo.Sync();
        Assert.Equal(xids, xids.Select(_ => client.Next() is { Code: CoordErrorCode.Ok } r ? r.Xid : 0));
        Assert.Equal(0, client.Unreleased);
    }

    [Fact]
    public void An_empty_container_that_had_a_child_is_removed()
    {
        var silo = new TestSilo(TestSilo.DefaultOptions with { ContainerCheckMs = 1_000 });
        TestClient client = silo.Join(40_000);
        client.Add(OpCode.CreateContainer, w =>
        {
            w.WriteString("/c");
            w.WriteBuffer([]);
            w.WriteInt(1);
            w.WriteInt((int)Permissions.All);
            w.WriteString("world");
            w.WriteString("anyone");
            w.WriteInt(4);
        });
        client.AddCreate("/c/child");
        client.Send();
        silo.Pass(3_000);
        client.AddDelete("/c/child");
        client.Send();
        silo.Pass(3_000);
        client.AddGet("/c");
        client.Send();
        Assert.Equal(
            [CoordErrorCode.Ok, CoordErrorCode.Ok, CoordErrorCode.Ok, CoordErrorCode.NoNode],
            Enumerable.Range(0, 4).Select(_ => client.Next().Code));
    }

    [Fact]
    public void The_super_user_passes_every_list()
    {
        string digest = "super:" + Convert.ToBase64String(Sha1("super:secret"));
        var silo = new TestSilo(TestSilo.DefaultOptions with { Authentication = new() { SuperDigest = digest } });
        TestClient owner = silo.Join();
        owner.Add(OpCode.Create, w =>
        {
            w.WriteString("/locked");
            w.WriteBuffer("x"u8);
            w.WriteInt(1);
            w.WriteInt((int)Permissions.All);
            w.WriteString("ip");
            w.WriteString("10.9.8.7");
            w.WriteInt(0);
        });
        owner.AddGet("/locked");
        owner.AddAuth("digest", "super:wrong");
        owner.AddGet("/locked");
        owner.AddAuth("digest", "super:secret");
        owner.AddGet("/locked");
        owner.Send();
        CoordErrorCode[] codes = [.. Enumerable.Range(0, 6).Select(_ => owner.Next().Code)];
        Assert.Equal(
            [CoordErrorCode.Ok, CoordErrorCode.NoAuth, CoordErrorCode.Ok, CoordErrorCode.NoAuth, CoordErrorCode.Ok,
                CoordErrorCode.Ok],
            codes);
    }

    [Fact]
    public void An_unknown_auth_scheme_is_refused_and_closes_the_connection()
    {
        var silo = new TestSilo();
        TestClient client = silo.Join();
        client.AddAuth("world", "anyone");
        client.AddCreate("/never");
        client.Send();
        Assert.Equal((-4, CoordErrorCode.AuthFailed), client.Next() is var r ? (r.Xid, r.Code) : default);
        Assert.NotNull(client.Closed);
        Assert.Equal(0, client.Unreleased);
    }

    [Fact]
    public void An_authentication_is_answered_under_its_own_number()
    {
        var silo = new TestSilo();
        TestClient client = silo.Join();
        client.Add(OpCode.Auth, w => WriteAuth(w, "bob:secret"), xid: 77);
        client.Send();
        Assert.Equal((77, CoordErrorCode.Ok), client.Next() is var r ? (r.Xid, r.Code) : default);
    }

    [Fact]
    public void Null_credentials_prove_nothing()
    {
        var silo = new TestSilo();
        TestClient client = silo.Join();
        client.Add(OpCode.Auth, w => WriteAuth(w, null));
        client.Send();
        Assert.Equal(CoordErrorCode.AuthFailed, client.Next().Code);
        Assert.NotNull(client.Closed);
    }

    [Fact]
    public void An_authentication_that_cannot_be_read_closes_the_connection_without_an_answer()
    {
        var silo = new TestSilo();
        TestClient client = silo.Join();
        client.Add(OpCode.Auth, w => w.WriteInt(0));
        client.Send();
        Assert.NotNull(client.Closed);
        Assert.False(client.HasFrame);
        Assert.Equal(0, client.Unreleased);
    }

    private static void WriteAuth(JuteWriter w, string? credentials)
    {
        w.WriteInt(0);
        w.WriteString("digest");
        w.WriteBufferOrNull(credentials is null ? null : Encoding.UTF8.GetBytes(credentials));
    }

#pragma warning disable CA5350 // The scheme's own hash.
    private static byte[] Sha1(string text) => SHA1.HashData(Encoding.UTF8.GetBytes(text));
#pragma warning restore CA5350
}
