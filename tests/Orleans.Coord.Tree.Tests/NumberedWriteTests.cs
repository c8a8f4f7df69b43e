using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree.Tests;

public sealed class NumberedWriteTests
{
    private const long Session = 7;
    private readonly Harness _grid = new();

    public NumberedWriteTests() => _grid.Open(Session);

    [Fact]
    public void Runs_once_and_repeats_its_original_answer()
    {
        byte[] create = Body.Create("/s-", [1], flags: 2);
        Assert.Equal(CoordErrorCode.Ok, Send(1, 1, OpCode.Create2, create));
        long zxid = _grid.Machine.LastApplied;
        byte[] answer = _grid.Result.Body.Written.ToArray();
        Assert.Equal(zxid, _grid.Result.Zxid);
        _grid.Create("/other");
        _grid.Attach(Session);
        Assert.Equal(CoordErrorCode.Ok, Send(1, 1, OpCode.Create2, create));
        Assert.Equal(answer, _grid.Result.Body.Written.ToArray());
        Assert.Equal(zxid, _grid.Result.Zxid);
        Assert.Equal(["other", "s-0000000000", "zookeeper"], _grid.Children("/"));
    }

    [Fact]
    public void A_refusal_is_repeated_too_even_if_the_write_would_succeed_by_now()
    {
        Assert.Equal(CoordErrorCode.NoNode, Send(1, 1, OpCode.SetData, Body.SetData("/a", [1], -1)));
        _grid.Create("/a", data: "old");
        Assert.Equal(CoordErrorCode.NoNode, Send(1, 1, OpCode.SetData, Body.SetData("/a", [1], -1)));
        Assert.Equal(0, _grid.Result.Body.Length);
        Assert.Equal("old", _grid.Data("/a"));
    }

    [Fact]
    public void A_transaction_is_one_write()
    {
        byte[] multi = Body.Multi(
            (OpCode.Create, Body.Create("/a", null, 0)), (OpCode.SetData, Body.SetData("/a", [5], 0)));
        Assert.Equal(CoordErrorCode.Ok, Send(1, 1, OpCode.Multi, multi));
        byte[] answer = _grid.Result.Body.Written.ToArray();
        Assert.Equal(CoordErrorCode.Ok, Send(1, 1, OpCode.Multi, multi));
        Assert.Equal(answer, _grid.Result.Body.Written.ToArray());
        Assert.Equal(1, _grid.Stat("/a").Version);
    }

    [Fact]
    public void A_repeated_write_fires_no_watch()
    {
        _grid.Create("/a");
        _grid.AddWatch("/", 1, 99);
        Send(1, 1, OpCode.SetData, Body.SetData("/a", [1], -1));
        Assert.Single(_grid.Events);
        Send(1, 1, OpCode.SetData, Body.SetData("/a", [1], -1));
        Assert.Empty(_grid.Events);
    }

    [Fact]
    public void What_the_client_has_seen_is_dropped_and_never_runs_again()
    {
        byte[] set = Body.SetData("/a", [1], -1);
        _grid.Create("/a");
        Send(1, 1, OpCode.SetData, set);
        Send(2, 2, OpCode.SetData, set);
        Assert.Equal(CoordErrorCode.SystemError, Send(1, 1, OpCode.SetData, set));
        Assert.Equal(CoordErrorCode.Ok, Send(2, 2, OpCode.SetData, set));
        Assert.Equal(2, _grid.Stat("/a").Version);
    }

    [Fact]
    public void A_number_that_was_passed_over_is_refused()
    {
        _grid.Create("/a");
        Send(2, 1, OpCode.SetData, Body.SetData("/a", [1], -1));
        Assert.Equal(CoordErrorCode.SystemError, Send(1, 1, OpCode.SetData, Body.SetData("/a", [2], -1)));
        Assert.Equal(1, _grid.Stat("/a").Version);
    }

    [Theory]
    [InlineData(0, 0, OpCode.Delete)]
    [InlineData(1, 2, OpCode.Delete)]
    [InlineData(1, 0, OpCode.Delete)]
    [InlineData(1025, 1, OpCode.Delete)]
    [InlineData(1, 1, OpCode.Numbered)]
    [InlineData(1, 1, OpCode.CloseSession)]
    [InlineData(1, 1, OpCode.GetData)]
    public void Numbers_out_of_bounds_and_other_operations_are_refused(long number, long lowest, OpCode op)
    {
        _grid.Create("/a");
        Assert.Equal(CoordErrorCode.BadArguments, Send(number, lowest, op, Body.PathInt("/a", -1)));
        Assert.Equal(CoordErrorCode.Ok, _grid.Exists("/a"));
    }

    [Fact]
    public void Without_a_session_or_in_half_it_is_refused()
    {
        Assert.Equal(
            CoordErrorCode.BadArguments, _grid.Write(OpCode.Numbered, Wrap(1, 1, OpCode.Delete, Body.PathInt("/", 0))));
        Assert.Equal(CoordErrorCode.MarshallingError, _grid.Write(OpCode.Numbered, new byte[19], Session));
    }

    [Fact]
    public void As_many_as_the_window_holds_are_kept()
    {
        _grid.Create("/a");
        for (int number = 1; number <= KeptResults.MaxCount; number++)
        {
            Assert.Equal(CoordErrorCode.Ok, Send(number, 1, OpCode.SetData, Body.SetData("/a", [1], -1)));
        }

        for (int number = 1; number <= KeptResults.MaxCount; number++)
        {
            Assert.Equal(CoordErrorCode.Ok, Send(number, 1, OpCode.SetData, Body.SetData("/a", [1], -1)));
            var reader = new JuteReader(_grid.Result.Body.Written);
            Assert.Equal(number, reader.ReadStat().Version);
        }

        Assert.Equal(KeptResults.MaxCount, _grid.Stat("/a").Version);
    }

    [Fact]
    public void Results_that_take_too_much_room_hold_further_writes_back_until_they_are_seen()
    {
        // Each answer names the long path.
        string path = "/" + new string('x', 300_000);
        long number = 0;
        CoordErrorCode code;
        do
        {
            number++;
            code = Send(number, 1, OpCode.Create, Body.Create(path + number, null, 0));
        }
        while (code == CoordErrorCode.Ok && number < 20);
        Assert.Equal((CoordErrorCode.ThrottledOp, 15), (code, number));
        Assert.Equal(CoordErrorCode.Ok, Send(number, number, OpCode.Create, Body.Create(path + number, null, 0)));
    }

    [Fact]
    public void They_go_with_the_session()
    {
        ulong before = _grid.Replay().Digest;
        Send(1, 1, OpCode.Delete, Body.PathInt("/x", -1));
        Assert.NotEqual(before, _grid.Machine.Digest);
        _grid.Write(OpCode.CloseSession, [], Session);
        _grid.Open(Session);
        Assert.Equal(CoordErrorCode.Ok, Send(1, 1, OpCode.Create, Body.Create("/x", null, 0)));
        Assert.Equal(CoordErrorCode.Ok, _grid.Exists("/x"));
    }

    [Fact]
    public void They_are_in_snapshots_exact_at_their_beginning_and_in_the_digest()
    {
        byte[] create = Body.Create("/s-", null, flags: 2);
        Send(1, 1, OpCode.Create, create);
        byte[] first = _grid.Result.Body.Written.ToArray();
        Send(2, 1, OpCode.Create, create);
        byte[] second = _grid.Result.Body.Written.ToArray();
        ulong digest = _grid.Machine.Digest;
        TreeSnapshot snapshot = _grid.Machine.BeginSnapshot();
        Send(3, 2, OpCode.Create, create);
        Assert.NotEqual(digest, _grid.Machine.Digest);

        var restored = new Harness(CoordStateMachine.Restore(Harness.Finish(snapshot, 2)));
        Assert.Equal(digest, restored.Machine.Digest);
        restored.Attach(Session);
        Assert.True(restored.Machine.HasRun(Session, Wrap(2, 1, OpCode.Create, create)));
        Assert.False(restored.Machine.HasRun(Session, Wrap(3, 1, OpCode.Create, create)));
        restored.Write(OpCode.Numbered, Wrap(1, 1, OpCode.Create, create), Session);
        Assert.Equal(first, restored.Result.Body.Written.ToArray());
        restored.Write(OpCode.Numbered, Wrap(2, 1, OpCode.Create, create), Session);
        Assert.Equal(second, restored.Result.Body.Written.ToArray());
        Assert.Equal(["s-0000000000", "s-0000000001", "zookeeper"], restored.Children("/"));
    }

    public static byte[] Wrap(long number, long lowest, OpCode op, byte[] body) => Body.Of(w =>
    {
        w.WriteLong(number);
        w.WriteLong(lowest);
        w.WriteInt((int)op);
        w.WriteRaw(body);
    });

    private CoordErrorCode Send(long number, long lowest, OpCode op, byte[] body) =>
        _grid.Write(OpCode.Numbered, Wrap(number, lowest, op, body), Session);
}
