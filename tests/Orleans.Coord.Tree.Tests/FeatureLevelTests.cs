using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree.Tests;

public sealed class FeatureLevelTests
{
    private const long Session = 7;
    private readonly Harness _grid = new();
    private long _position;

    public FeatureLevelTests() => Apply(
        FeatureLevels.First,
        w => CommandCodec.WriteCreateSession(w, 1, Session, 0, SessionTable.HashPassword([1]), 30_000));

    [Fact]
    public void A_group_begins_with_ZooKeepers_operations()
    {
        Assert.Equal(FeatureLevels.First, _grid.Machine.FeatureLevel);
        Assert.Equal(
            "orleans.coord 1\nfeature-level 1\nlinearizable-reads 1\nchange-history 1\n",
            _grid.Data("/zookeeper/coord"));
        Assert.Equal(CoordErrorCode.NoNode, _grid.GetData("/keeper/api_version"));
        Assert.Equal(CoordErrorCode.Unimplemented, SendNumbered(FeatureLevels.First, "/a"));
        Assert.Equal(
            CoordErrorCode.Unimplemented,
            Send(FeatureLevels.First, OpCode.TryRemove, Body.PathInt("/a", -1)));
        Assert.Equal(
            CoordErrorCode.Unimplemented,
            FirstOfMulti(Send(FeatureLevels.First, OpCode.Multi, Body.Multi(
                (OpCode.TryRemove, Body.PathInt("/a", -1))))));
        Assert.Equal(CoordErrorCode.Ok, Send(FeatureLevels.First, OpCode.Create, Body.Create("/a", [1], 0)));
    }

    [Fact]
    public void An_entry_of_a_higher_level_raises_it_for_itself_and_all_that_follow()
    {
        Assert.Equal(CoordErrorCode.Ok, SendNumbered(FeatureLevels.Extensions, "/a"));
        Assert.Equal(CoordErrorCode.Ok, SendNumbered(FeatureLevels.First, "/b", number: 2));
        Assert.Equal(FeatureLevels.Extensions, _grid.Machine.FeatureLevel);
        Assert.Equal("3", _grid.Data("/keeper/api_version"));
        Assert.Equal(
            "orleans.coord 1\nfeature-level 2\nnumbered-writes 1\nlinearizable-reads 1\nchange-history 1\n",
            _grid.Data("/zookeeper/coord"));
    }

    [Theory]
    [InlineData(FeatureLevels.First)]
    [InlineData(FeatureLevels.Extensions)]
    public void It_is_in_snapshots_and_in_the_digest(byte level)
    {
        ulong before = _grid.Machine.Digest;
        Apply(level, w => CommandCodec.WriteExpireSession(w, 0, 99, 1));
        Assert.Equal(level == FeatureLevels.First, before == _grid.Machine.Digest);
        CoordStateMachine restored = CoordStateMachine.Restore(Chunks(_grid.Machine));
        Assert.Equal((level, _grid.Machine.Digest), (restored.FeatureLevel, restored.Digest));
    }

    [Fact]
    public void What_was_written_before_levels_were_kept_has_the_extensions()
    {
        Apply(0, w => CommandCodec.WriteExpireSession(w, 0, 99, 1));
        Assert.Equal(FeatureLevels.Extensions, _grid.Machine.FeatureLevel);
        ReadOnlyMemory<byte>[] chunks = Chunks(_grid.Machine);
        CoordStateMachine restored = CoordStateMachine.Restore([Without(chunks[0]), .. chunks[1..]]);
        Assert.Equal(_grid.Machine.Digest, restored.Digest);
    }

    [Fact]
    public void A_level_that_is_not_known_is_refused_and_named()
    {
        const byte Unknown = FeatureLevels.Newest + 1;
        byte[] payload = Body.Of(w => CommandCodec.WriteExpireSession(w, 0, 99, 1));
        CommandCodec.SetLevel(payload, Unknown);
        Assert.Equal(Unknown, Command.LevelOf(payload));
        Assert.False(Command.TryRead(payload, out _));
        byte[] chunk = Chunks(_grid.Machine)[0].ToArray();
        chunk[LevelAt] = Unknown;
        FeatureLevelException e = Assert.Throws<FeatureLevelException>(
            () => CoordStateMachine.Restore([chunk]));
        Assert.StartsWith("The snapshot is of feature level 4; this member", e.Message, StringComparison.Ordinal);
        chunk[LevelAt] = 0;
        Assert.Throws<SnapshotFormatException>(() => CoordStateMachine.Restore([chunk]));
    }

    [Fact]
    public void The_exception_can_be_made_in_the_usual_ways()
    {
        Assert.Contains(nameof(FeatureLevelException), new FeatureLevelException().Message, StringComparison.Ordinal);
        var cause = new InvalidOperationException();
        Assert.Same(cause, new FeatureLevelException("what", cause).InnerException);
    }

    private static ReadOnlyMemory<byte>[] Chunks(CoordStateMachine machine) =>
        [.. Harness.Finish(machine.BeginSnapshot(), maxZnodes: 10)];

    // The group of one record that follows the header.
    private const int LevelAt = HeaderBytes + sizeof(byte) + sizeof(int);

    private const int HeaderBytes = 1 + (5 * sizeof(int)) + (3 * sizeof(long));

    private static ReadOnlyMemory<byte> Without(ReadOnlyMemory<byte> chunk)
    {
        byte[] bytes = chunk.ToArray();
        return (byte[])[.. bytes[..HeaderBytes], .. bytes[(LevelAt + 1)..]];
    }

    private CoordErrorCode Apply(byte level, Action<JuteWriter> write)
    {
        byte[] payload = Body.Of(write);
        CommandCodec.SetLevel(payload, level);
        return _grid.Apply(payload);
    }

    private CoordErrorCode Send(byte level, OpCode op, byte[] body) => Apply(
        level,
        w => CommandCodec.WriteRequest(
            w, CommandOptions.None, 2, Session, 1, ++_position, op, _grid.Who.Encoded, body));

    private CoordErrorCode SendNumbered(byte level, string path, long number = 1) =>
        Send(level, OpCode.Numbered, Body.Of(w =>
        {
            w.WriteLong(number);
            w.WriteLong(1);
            w.WriteInt((int)OpCode.Create);
            w.WriteRaw(Body.Create(path, [1], 0));
        }));

    // A failed transaction succeeds as a request; its first result is an error's header and the error.
    private CoordErrorCode FirstOfMulti(CoordErrorCode code)
    {
        Assert.Equal(CoordErrorCode.Ok, code);
        var reader = new JuteReader(_grid.Result.Body.Written);
        reader.ReadInt();
        reader.ReadBool();
        reader.ReadInt();
        return (CoordErrorCode)reader.ReadInt();
    }
}
