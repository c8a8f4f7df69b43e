using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree.Tests;

public sealed class CommandTests
{
    [Fact]
    public void A_request_is_read_as_it_was_written()
    {
        byte[] identities = new CallerIdentities("10.0.0.1").Encoded;
        byte[] payload = Body.Of(w => CommandCodec.WriteRequest(
            w, CommandOptions.ExtendedTypesAllowed, 11, 22, 33, 44, OpCode.Delete, identities, [1, 2, 3]));
        Assert.True(Command.TryRead(payload, out Command command));
        Assert.Equal(CommandKind.Request, command.Kind);
        Assert.Equal(CommandOptions.ExtendedTypesAllowed, command.Options);
        Assert.Equal((11L, 22L, 33, 44L), (command.Time, command.SessionId, command.Generation, command.Position));
        Assert.Equal(OpCode.Delete, command.Op);
        Assert.Equal(identities, command.Identities.ToArray());
        Assert.Equal([1, 2, 3], command.Body.ToArray());
    }

    [Fact]
    public void Session_commands_are_read_as_they_were_written()
    {
        byte[] create = Body.Of(w => CommandCodec.WriteCreateSession(w, 11, 22, 77, [9, 9], 4_000));
        Assert.True(Command.TryRead(create, out Command command));
        Assert.Equal((CommandKind.CreateSession, 4_000, 77UL), (command.Kind, command.TimeoutMs, command.Ticket));
        Assert.Equal((11L, 22L), (command.Time, command.SessionId));
        Assert.Equal([9, 9], command.PasswordHash.ToArray());
        byte[] attach = Body.Of(w => CommandCodec.WriteAttachSession(w, 11, 22, 78, [8], 5_000));
        Assert.True(Command.TryRead(attach, out command));
        Assert.Equal((CommandKind.AttachSession, 5_000, 78UL), (command.Kind, command.TimeoutMs, command.Ticket));
        byte[] expire = Body.Of(w => CommandCodec.WriteExpireSession(w, 11, 22, 3));
        Assert.True(Command.TryRead(expire, out command));
        Assert.Equal((CommandKind.ExpireSession, 3), (command.Kind, command.Generation));
    }

    [Fact]
    public void Commands_follow_one_another_in_one_writer()
    {
        var writer = new JuteWriter();
        CommandCodec.WriteExpireSession(writer, 1, 2, 3);
        int first = writer.Length;
        CommandCodec.WriteExpireSession(writer, 4, 5, 6);
        Assert.True(Command.TryRead(writer.Written[first..], out Command second));
        Assert.Equal(5, second.SessionId);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(255)]
    public void Unknown_kinds_are_refused(byte kind)
    {
        byte[] payload = Body.Of(w => CommandCodec.WriteExpireSession(w, 1, 2, 3));
        payload[0] = kind;
        Assert.False(Command.TryRead(payload, out _));
    }

    [Fact]
    public void A_cut_payload_is_refused_and_counts_as_an_entry()
    {
        byte[] payload = Body.Of(w => CommandCodec.WriteCreateSession(w, 11, 22, 77, new byte[32], 4_000));
        var machine = new CoordStateMachine();
        var result = new ApplyResult();
        for (int length = 0; length < payload.Length; length++)
        {
            Assert.False(Command.TryRead(payload.AsSpan(0, length), out _));
            machine.Apply(length + 1, payload.AsSpan(0, length), result);
            Assert.Equal(CoordErrorCode.MarshallingError, result.Code);
        }

        Assert.Equal(payload.Length, machine.LastApplied);
        Assert.Equal(0, machine.LastTime);
    }

    [Fact]
    public void A_default_command_does_nothing()
    {
        var machine = new CoordStateMachine();
        var result = new ApplyResult();
        machine.Apply(1, default(Command), result);
        Assert.Equal(CoordErrorCode.MarshallingError, result.Code);
    }

    [Fact]
    public void Identities_are_encoded_once_and_without_duplicates()
    {
        var who = new CallerIdentities("10.0.0.1");
        who.Add("digest", "bob:x");
        byte[] encoded = who.Encoded;
        who.Add("digest", "bob:x");
        Assert.Same(encoded, who.Encoded);
        Assert.Equal([("ip", "10.0.0.1"), ("digest", "bob:x")], who.All);
        var reader = new JuteReader(encoded);
        Assert.Equal(2, reader.ReadInt());
    }

    [Theory]
    [InlineData("super:test", "super:D/InIHSb7yEEbrWz8b9l71RjZJU=")]
    [InlineData("noColon", "noColon:")]
    public void Digest_ids_are_ZooKeepers(string input, string expected) =>
        Assert.StartsWith(expected, CallerIdentities.DigestId(input), StringComparison.Ordinal);
}
