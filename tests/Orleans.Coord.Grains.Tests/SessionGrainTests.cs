using Orleans.Coord.Jute;

namespace Orleans.Coord.Grains.Tests;

/// <summary>Connections through grains, frame by frame.</summary>
[Collection(nameof(TestGrid))]
public sealed class SessionGrainTests(TestGrid grid)
{
    [Fact]
    public async Task A_batch_that_comes_twice_is_executed_once()
    {
        ISessionGrain grain = NewGrain();
        await grain.SendAsync(1, 0, ConnectFrame());
        await grain.SendAsync(2, 0, CreateFrame(1, "/twice-"));
        await grain.SendAsync(2, 0, CreateFrame(1, "/twice-"));
        await grain.SendAsync(3, 0, CreateFrame(2, "/twice-"));
        List<byte[]> frames = await ReadFramesAsync(grain, 0, 3);
        Assert.Equal("/twice-0000000000"[..7], PathOf(frames[1])[..7]);
        Assert.Equal(NumberOf(frames[1]) + 1, NumberOf(frames[2]));
        await grain.CloseAsync();
    }

    [Fact]
    public async Task A_batch_that_does_not_follow_is_refused()
    {
        ISessionGrain grain = NewGrain();
        await Assert.ThrowsAsync<ReplicaRefusedException>(() => grain.SendAsync(2, 0, CreateFrame(1, "/never")));
        await grain.SendAsync(1, 0, ConnectFrame());
        await Assert.ThrowsAsync<ReplicaRefusedException>(() => grain.SendAsync(3, 0, CreateFrame(1, "/never")));
    }

    [Fact]
    public async Task A_connection_whose_grain_lives_twice_goes_on_at_the_first_one_only()
    {
        var key = Guid.NewGuid();
        ISessionGrain here = Factory(0).GetGrain<ISessionGrain>(key);
        ISessionGrain there = Factory(1).GetGrain<ISessionGrain>(key);
        await here.SendAsync(1, 0, ConnectFrame());
        await ReadFramesAsync(here, 0, 1);
        // Nothing keeps Orleans from running the grain at the other silo too: the directory agrees with everything.
        await Assert.ThrowsAsync<ReplicaRefusedException>(() => there.SendAsync(2, 1, CreateFrame(1, "/double-")));
        await Assert.ThrowsAsync<ReplicaRefusedException>(() => ReadFramesAsync(there, 1, 1));
        await here.SendAsync(2, 1, CreateFrame(1, "/double-"));
        Assert.Single(await ReadFramesAsync(here, 1, 1));
        await here.CloseAsync();
        await there.CloseAsync();
    }

    [Fact]
    public async Task What_is_not_whole_frames_is_refused()
    {
        ISessionGrain grain = NewGrain();
        await Assert.ThrowsAsync<ReplicaRefusedException>(() => grain.SendAsync(1, 0, ConnectFrame()[..^1]));
        await Assert.ThrowsAsync<ReplicaRefusedException>(() => grain.SendAsync(1, 0, []));
        await Assert.ThrowsAsync<ReplicaRefusedException>(() => grain.SendAsync(1, 0, CreateFrame(1, "/x")[..12]));
    }

    [Fact]
    public async Task The_output_can_be_read_again_from_any_number_not_confirmed()
    {
        ISessionGrain grain = NewGrain();
        await grain.SendAsync(1, 0, ConnectFrame());
        await ReadFramesAsync(grain, 0, 1);
        await grain.SendAsync(2, 0, CreateFrame(1, "/again-"));
        byte[] first = Assert.Single(await ReadFramesAsync(grain, 1, 1));
        Assert.Equal(first, Assert.Single(await ReadFramesAsync(grain, 1, 1)));
        await grain.SendAsync(3, 2, CreateFrame(2, "/again-"));
        await Assert.ThrowsAsync<ReplicaRefusedException>(() => ReadFramesAsync(grain, 1, 1));
        await grain.CloseAsync();
    }

    [Fact]
    public async Task A_session_that_moves_to_another_grain_ends_the_first_ones_stream()
    {
        ISessionGrain first = NewGrain();
        await first.SendAsync(1, 0, ConnectFrame());
        var welcome = new Welcome(Assert.Single(await ReadFramesAsync(first, 0, 1)));
        ISessionGrain second = NewGrain();
        await second.SendAsync(1, 0, ConnectFrame(welcome.SessionId, welcome.Password));
        var again = new Welcome(Assert.Single(await ReadFramesAsync(second, 0, 1)));
        Assert.Equal(welcome.SessionId, again.SessionId);
        await foreach (SessionOutput output in first.ReceiveAsync(1))
        {
            Assert.Empty(output.Frames);
        }

        await second.CloseAsync();
    }

    // All through one silo's factory, so that both grains of a session are served by one replica.
    private ISessionGrain NewGrain() => Factory(0).GetGrain<ISessionGrain>(Guid.NewGuid());

    private IGrainFactory Factory(int silo) => (IGrainFactory)grid.Silo(silo).GetService(typeof(IGrainFactory))!;

    private static async Task<List<byte[]>> ReadFramesAsync(ISessionGrain grain, long after, int count)
    {
        List<byte[]> frames = [];
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await foreach (SessionOutput output in grain.ReceiveAsync(after, limit.Token))
        {
            ReadOnlyMemory<byte> rest = output.Frames;
            while (!rest.IsEmpty)
            {
                int length = new JuteReader(rest.Span).ReadInt();
                frames.Add(rest.Slice(4, length).ToArray());
                rest = rest[(4 + length)..];
            }

            if (frames.Count >= count)
            {
                break;
            }
        }

        return frames;
    }

    private static byte[] ConnectFrame(long session = 0, byte[]? password = null) => Frame(writer =>
    {
        writer.WriteInt(0);
        writer.WriteLong(0);
        writer.WriteInt(10_000);
        writer.WriteLong(session);
        writer.WriteBuffer(password ?? new byte[16]);
    });

    private static byte[] CreateFrame(int xid, string prefix) => Frame(writer =>
    {
        writer.WriteInt(xid);
        writer.WriteInt((int)OpCode.Create);
        writer.WriteString(prefix);
        writer.WriteBuffer([]);
        writer.WriteInt(1);
        writer.WriteInt((int)Permissions.All);
        writer.WriteString("world");
        writer.WriteString("anyone");
        writer.WriteInt(2);
    });

    private static byte[] Frame(Action<JuteWriter> body)
    {
        var writer = new JuteWriter();
        writer.WriteInt(0);
        body(writer);
        writer.PatchInt(0, writer.Length - sizeof(int));
        return writer.Written.ToArray();
    }

    private static string PathOf(byte[] reply)
    {
        var reader = new JuteReader(reply);
        reader.ReadInt();
        reader.ReadLong();
        Assert.Equal(0, reader.ReadInt());
        return System.Text.Encoding.UTF8.GetString(reader.ReadString());
    }

    private static int NumberOf(byte[] reply) =>
        int.Parse(PathOf(reply)[^10..], System.Globalization.CultureInfo.InvariantCulture);

    private sealed record Welcome
    {
        public Welcome(byte[] frame)
        {
            var reader = new JuteReader(frame);
            reader.ReadInt();
            Assert.NotEqual(0, reader.ReadInt());
            SessionId = reader.ReadLong();
            Password = reader.ReadBuffer().ToArray();
        }

        public long SessionId { get; }

        public byte[] Password { get; }
    }
}
