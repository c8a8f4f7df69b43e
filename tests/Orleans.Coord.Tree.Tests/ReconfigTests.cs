using System.Text;
using Orleans.Coord.Jute;
using static Orleans.Coord.CoordErrorCode;

namespace Orleans.Coord.Tree.Tests;

/// <summary>Who is to be a member: decided at apply, written down; ids are never given twice.</summary>
public sealed class ReconfigTests
{
    private const string Config = "/zookeeper/config";
    private const string First =
        "server.1=a.example:2888:3888;a.example:2181,server.2=b.example:2888:3888;2181,server.3=c.example:2888:3888";

    private const long Client = 0x0100_0000_0000_0001;

    private readonly Harness _grid = new() { Options = CommandOptions.ReconfigAllowed };

    public ReconfigTests()
    {
        _grid.Open(Client);
        _grid.Who.Add("super", "");
    }

    [Fact]
    public void The_first_configuration_is_written_once_in_ZooKeepers_text()
    {
        Assert.Equal(Ok, Begin());
        Assert.Equal(
            "server.1=a.example:2888:3888:participant;a.example:2181\n"
            + "server.2=b.example:2888:3888:participant;0.0.0.0:2181\n"
            + "server.3=c.example:2888:3888:participant\n"
            + "version=2",
            _grid.Data(Config));
        Assert.Equal((-1, 2L), (_grid.Stat(Config).Version, _grid.Stat(Config).Mzxid));
        Assert.Equal(BadVersion, Begin());
        Assert.Equal(2, _grid.Machine.Ensemble.Version);
    }

    [Fact]
    public void The_answer_is_the_new_text_and_the_stat()
    {
        Begin();
        Assert.Equal(Ok, Change(joining: "server.9=d.example:1:2:observer;[::1]:3"));
        var reader = new JuteReader(_grid.Result.Body.Written);
        string text = Encoding.UTF8.GetString(reader.ReadBuffer());
        Assert.Equal(_grid.Data(Config), text);
        Assert.Contains("\nserver.9=d.example:1:2:observer;[::1]:3\nversion=3", text);
        Assert.Equal(0, reader.ReadLong());
        Assert.Equal(3, reader.ReadLong());
    }

    [Fact]
    public void Joining_leaving_and_naming_all()
    {
        Begin();
        Assert.Equal(Ok, Change(joining: "server.4=d.example:1:2;3,server.1=x.example:1:2;3", leaving: "3, 77"));
        Assert.Equal([1, 2, 4], Ids());
        Assert.Equal("x.example", _grid.Machine.Ensemble.Find(new ReplicaId(1))!.Host);
        Assert.Equal(Ok, Change(all: "server.2=b.example:1:2\nserver.4=d.example:1:2:observer\nversion=99"));
        Assert.Equal([2, 4], Ids());
        Assert.True(_grid.Machine.Ensemble.Find(new ReplicaId(4))!.IsObserver);
        Assert.Null(_grid.Machine.Ensemble.Find(new ReplicaId(1)));
    }

    [Fact]
    public void An_id_that_was_removed_never_comes_back_not_even_after_a_snapshot()
    {
        Begin();
        Change(leaving: "3");
        Assert.Equal(BadArguments, Change(joining: "server.3=d.example:1:2;3"));
        Assert.Equal("c.example", Assert.Single(_grid.Machine.Ensemble.Removed).Host);

        CoordStateMachine copy = Copy();
        Assert.Equal(_grid.Machine.Digest, copy.Digest);
        Assert.Equal(_grid.Machine.Ensemble.Version, copy.Ensemble.Version);
        var restored = new Harness(copy) { Options = CommandOptions.ReconfigAllowed };
        restored.Who.Add("super", "");
        restored.Attach(Client);
        Assert.Equal(
            BadArguments, restored.Write(OpCode.Reconfig, Request("server.3=d.example:1:2;3", null, null), Client));
        Assert.Equal(
            Ok, restored.Write(OpCode.Reconfig, Request("server.4=d.example:1:2;3", null, null), Client));
    }

    [Fact]
    public void Two_machines_that_differ_only_in_whom_they_removed_have_different_digests()
    {
        Begin();
        var other = new Harness { Options = CommandOptions.ReconfigAllowed };
        other.Open(Client);
        other.Write(OpCode.Reconfig, Request(null, null, First.Replace("server.3=", "server.4=")));
        other.Who.Add("super", "");
        Change(leaving: "3");
        other.Write(OpCode.Reconfig, Request(null, "4", null), Client);
        Assert.Equal(_grid.Data(Config), other.Data(Config));
        Assert.NotEqual(_grid.Machine.Digest, other.Machine.Digest);
    }

    [Fact]
    public void Only_the_expected_version_is_changed()
    {
        Begin();
        Assert.Equal(BadVersion, Change(leaving: "3", version: 1));
        Assert.Equal(Ok, Change(leaving: "3", version: 2));
        Assert.Equal(BadVersion, Change(leaving: "2", version: 2));
    }

    [Theory]
    [InlineData("some thing")]
    [InlineData("server.x=a:1:2;3")]
    [InlineData("server.4=a:1:2")]
    [InlineData("server.4=a:1;3")]
    [InlineData("server.4=a:1:1;3")]
    [InlineData("server.4=a:1:0;3")]
    [InlineData("server.4=a:1:65536;3")]
    [InlineData("server.4=a:1:2:voter;3")]
    [InlineData("server.4=a:1:2:observer:x;3")]
    [InlineData("server.4=a b:1:2;3")]
    [InlineData("server.4=:1:2;3")]
    [InlineData("server.4=[::1:1:2;3")]
    [InlineData("server.4=a:1:2;b:x")]
    [InlineData("server.4=a:1:2;3;4;5")]
    [InlineData("server.4=a.example:2888:4;3")]
    [InlineData("server.4=z.example:1:2;a.example:2181")]
    [InlineData("server.0=z:1:2;3")]
    [InlineData("server.-4=z:1:2;3")]
    [InlineData("server.256=z:1:2;3")]
    public void A_member_that_makes_no_sense_is_a_bad_argument(string joining)
    {
        Begin();
        string? before = _grid.Data(Config);
        Assert.Equal(BadArguments, Change(joining: joining));
        Assert.Equal(before, _grid.Data(Config));
        Assert.Equal([1, 2, 3], Ids());
    }

    [Theory]
    [InlineData(null, "x", null)]
    [InlineData(null, "1,2,3", null)]
    [InlineData(null, null, "server.1=a:1:2:observer")]
    [InlineData(null, null, "server.1=a:1:2,server.1=b:1:2")]
    [InlineData(null, null, "group.1=1:2")]
    [InlineData(null, null, "")]
    public void A_configuration_that_makes_no_sense_is_a_bad_argument(string? joining, string? leaving, string? all)
    {
        Begin();
        Assert.Equal(BadArguments, Change(joining, leaving, all));
    }

    [Fact]
    public void Switched_off_standalone_and_what_the_leader_knows_have_their_own_codes()
    {
        Assert.Equal(Unimplemented, Change(leaving: "3"));
        Begin();
        _grid.Options = CommandOptions.None;
        Assert.Equal(ReconfigDisabled, Change(leaving: "3"));
        _grid.Options = CommandOptions.ReconfigAllowed | CommandOptions.ReconfigUnderWay;
        Assert.Equal(ReconfigInProgress, Change(leaving: "3"));
        _grid.Options = CommandOptions.ReconfigAllowed | CommandOptions.NewConfigLacksQuorum;
        Assert.Equal(NewConfigNoQuorum, Change(leaving: "3"));
        Assert.Equal(BadArguments, Change(leaving: "?"));
    }

    [Fact]
    public void Who_is_not_super_needs_the_right_to_write_the_configuration()
    {
        Begin();
        CallerIdentities super = _grid.Who;
        _grid.Who = new CallerIdentities("127.0.0.1");
        Assert.Equal(NoAuth, Change(leaving: "3"));
        // ZooKeeper's order: arguments before rights, and ids that only we refuse after them.
        Assert.Equal(BadArguments, Change(joining: "some thing"));
        Assert.Equal(NoAuth, Change(joining: "server.999=0.0.0.0:1234:2345:observer;3456"));
        (CallerIdentities somebody, _grid.Who) = (_grid.Who, super);
        Assert.Equal(Ok, _grid.SetAcl(Config, -1, Acl.Open));
        _grid.Who = somebody;
        Assert.Equal(Ok, Change(leaving: "3"));
    }

    [Fact]
    public void Nobody_writes_the_configuration_but_reconfig()
    {
        Begin();
        Assert.Equal(BadArguments, _grid.SetData(Config, "server.1=evil:1:2"));
        Assert.Equal([1, 2, 3], Ids());
    }

    [Fact]
    public void A_watch_on_the_configuration_fires()
    {
        Begin();
        _grid.Machine.Read(
            OpCode.GetData, Body.PathWatch(Config, true), Client, _grid.Who, new JuteWriter());
        Change(leaving: "3");
        Assert.Equal([$"{Client} NodeDataChanged {Config}"], _grid.Events);
    }

    private CoordErrorCode Begin() => _grid.Write(OpCode.Reconfig, Request(null, null, First));

    private CoordErrorCode Change(
        string? joining = null, string? leaving = null, string? all = null, long version = -1) =>
        _grid.Write(OpCode.Reconfig, Request(joining, leaving, all, version), Client);

    private static byte[] Request(string? joining, string? leaving, string? all, long version = -1) =>
        Body.Of(w => new ReconfigRequest(joining, leaving, all, version).Write(w));

    private int[] Ids() => [.. _grid.Machine.Ensemble.Members.Select(m => (int)m.Id)];

    private CoordStateMachine Copy()
    {
        TreeSnapshot snapshot = _grid.Machine.BeginSnapshot();
        var chunks = new List<ReadOnlyMemory<byte>>();
        bool more = true;
        while (more)
        {
            var chunk = new JuteWriter();
            more = snapshot.NextSlice(chunk, 2);
            chunks.Add(chunk.Written.ToArray());
        }

        return CoordStateMachine.Restore(chunks);
    }
}
