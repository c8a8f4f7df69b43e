using System.Text;

namespace Orleans.Coord.Jute.Tests;

public sealed class JuteTests
{
    [Fact]
    public void What_is_written_is_read_back()
    {
        var writer = new JuteWriter(capacity: 1);
        writer.WriteBool(true);
        writer.WriteBool(false);
        writer.WriteByte(200);
        writer.WriteInt(int.MinValue);
        writer.WriteLong(long.MaxValue);
        writer.WriteBuffer([1, 2, 3]);
        writer.WriteBufferOrNull([]);
        writer.WriteBufferOrNull(null);
        writer.WriteNull();
        writer.WriteString("grün");
        writer.WriteRaw([9, 8]);
        var reader = new JuteReader(writer.Written);
        Assert.True(reader.ReadBool());
        Assert.False(reader.ReadBool());
        Assert.Equal(200, reader.ReadByte());
        Assert.Equal(int.MinValue, reader.ReadInt());
        Assert.Equal(long.MaxValue, reader.ReadLong());
        Assert.Equal([1, 2, 3], reader.ReadBuffer().ToArray());
        Assert.Empty(reader.ReadBuffer(out bool emptyIsNull).ToArray());
        Assert.False(emptyIsNull);
        Assert.Empty(reader.ReadBuffer(out bool nullIsNull).ToArray());
        Assert.True(nullIsNull);
        Assert.Equal(-1, reader.ReadCount(1));
        Assert.Equal("grün", Encoding.UTF8.GetString(reader.ReadString()));
        Assert.Equal([9, 8], reader.Rest.ToArray());
        Assert.False(reader.Failed);
        Assert.Equal(writer.Length - 2, reader.Position);
    }

    [Fact]
    public void Numbers_are_big_endian()
    {
        var writer = new JuteWriter();
        writer.WriteInt(0x01020304);
        writer.WriteLong(0x0102030405060708);
        Assert.Equal("010203040102030405060708", Convert.ToHexString(writer.Written));
    }

    [Fact]
    public void A_stat_takes_68_bytes_in_ZooKeepers_order()
    {
        var writer = new JuteWriter();
        writer.WriteStat(new Stat(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
        var reader = new JuteReader(writer.Written);
        Assert.Equal([1, 2], (long[])[reader.ReadLong(), reader.ReadLong()]);
        Assert.Equal([3, 4], (long[])[reader.ReadLong(), reader.ReadLong()]);
        Assert.Equal([5, 6, 7], (int[])[reader.ReadInt(), reader.ReadInt(), reader.ReadInt()]);
        Assert.Equal(8, reader.ReadLong());
        Assert.Equal([9, 10], (int[])[reader.ReadInt(), reader.ReadInt()]);
        Assert.Equal(11, reader.ReadLong());
        Assert.True(reader.Rest.IsEmpty);
    }

    [Fact]
    public void Reading_past_the_end_fails_and_yields_nothing()
    {
        Assert.True(Fails((ref JuteReader r) => Assert.False(r.ReadBool())));
        Assert.True(Fails((ref JuteReader r) => Assert.Equal(0, r.ReadByte())));
        Assert.True(Fails((ref JuteReader r) => Assert.Equal(0, r.ReadInt()), 0, 0, 1));
        Assert.True(Fails((ref JuteReader r) => Assert.Equal(0, r.ReadLong()), 1, 1, 1, 1, 1, 1, 1));
        Assert.True(Fails((ref JuteReader r) => Assert.True(r.ReadBuffer().IsEmpty), 0, 0, 0, 2, 7));
        Assert.True(Fails((ref JuteReader r) => Assert.True(r.ReadString().IsEmpty), 0x7F, 0xFF, 0xFF, 0xFF, 7));
    }

    [Fact]
    public void A_failed_reader_stays_failed_and_goes_nowhere()
    {
        var reader = new JuteReader([0, 0, 0, 9, 1, 2]);
        reader.ReadBuffer();
        Assert.True(reader.Failed);
        Assert.True(reader.Rest.IsEmpty);
        Assert.Equal(0, reader.ReadInt());
        Assert.True(reader.ReadBuffer(out bool isNull).IsEmpty);
        Assert.False(isNull);
        Assert.True(reader.Failed);
    }

    [Theory]
    [InlineData(-2)]
    [InlineData(int.MinValue)]
    public void A_negative_length_fails_but_a_negative_count_is_an_empty_vector(int length)
    {
        byte[] bytes = Written(w => w.WriteInt(length));
        var buffer = new JuteReader(bytes);
        buffer.ReadBuffer();
        Assert.True(buffer.Failed);
        var vector = new JuteReader(bytes);
        Assert.Equal(0, vector.ReadCount(1));
        Assert.False(vector.Failed);
    }

    [Theory]
    [InlineData(2, 4, false)]
    [InlineData(3, 4, true)]
    [InlineData(int.MaxValue, 1, true)]
    [InlineData(8, 0, false)]
    [InlineData(9, 0, true)]
    public void A_vector_cannot_promise_more_than_the_bytes_hold(int count, int minElementBytes, bool fails)
    {
        byte[] bytes = Written(w =>
        {
            w.WriteInt(count);
            w.WriteLong(0);
        });
        var reader = new JuteReader(bytes);
        Assert.Equal(fails ? 0 : count, reader.ReadCount(minElementBytes));
        Assert.Equal(fails, reader.Failed);
    }

    [Fact]
    public void Random_bytes_never_throw()
    {
        var random = new SplitMix64(1);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] bytes = new byte[random.Below(40)];
            for (int b = 0; b < bytes.Length; b++)
            {
                bytes[b] = (byte)(random.Below(2) == 0 ? random.Below(4) : random.Below(256));
            }

            var reader = new JuteReader(bytes);
            for (int step = 0; step < 8; step++)
            {
                Read(ref reader, random.Below(6));
                Assert.InRange(reader.Position, 0, bytes.Length);
            }

            ConnectRequest.TryRead(bytes);
        }
    }

    [Fact]
    public void Lengths_are_patched_when_they_are_known()
    {
        var writer = new JuteWriter();
        writer.WriteInt(0);
        writer.WriteLong(0);
        writer.PatchInt(0, 7);
        writer.PatchLong(4, 8);
        var reader = new JuteReader(writer.WrittenMemory.Span);
        Assert.Equal(7, reader.ReadInt());
        Assert.Equal(8, reader.ReadLong());
        Assert.Throws<InvariantException>(() => writer.PatchInt(9, 1));
        Assert.Throws<InvariantException>(() => writer.PatchInt(-1, 1));
        Assert.Throws<InvariantException>(() => writer.PatchLong(5, 1));
    }

    [Fact]
    public void A_writer_is_used_again_and_gives_back_a_buffer_that_is_too_large()
    {
        var writer = new JuteWriter(16);
        writer.WriteRaw(new byte[1_000]);
        writer.Truncate(10);
        Assert.Equal(10, writer.Length);
        Assert.Throws<InvariantException>(() => writer.Truncate(11));
        writer.Clear(keepBytes: 4_000);
        Assert.True(writer.Capacity >= 1_000);
        writer.Clear(keepBytes: 64);
        Assert.Equal((0, 64), (writer.Length, writer.Capacity));
        writer.WriteInt(1);
        writer.Clear();
        Assert.True(writer.Written.IsEmpty);
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, false)]
    public void A_connect_request_is_read_with_and_without_its_read_only_byte(bool hasByte, bool readOnly)
    {
        byte[] bytes = Written(w =>
        {
            w.WriteInt(0);
            w.WriteLong(11);
            w.WriteInt(4_000);
            w.WriteLong(22);
            w.WriteBuffer([5, 6]);
            if (hasByte)
            {
                w.WriteBool(readOnly);
            }
        });
        ConnectRequest? request = ConnectRequest.TryRead(bytes);
        Assert.NotNull(request);
        Assert.Equal((0, 11L), (request.ProtocolVersion, request.LastZxidSeen));
        Assert.Equal((4_000, 22L), (request.TimeoutMs, request.SessionId));
        Assert.Equal([5, 6], request.Password.ToArray());
        Assert.Equal((readOnly, hasByte), (request.CanBeReadOnly, request.HasReadOnlyByte));
    }

    [Fact]
    public void A_cut_connect_request_is_none()
    {
        byte[] bytes = Written(w =>
        {
            w.WriteInt(0);
            w.WriteLong(11);
            w.WriteInt(4_000);
            w.WriteLong(22);
            w.WriteBuffer(new byte[16]);
        });
        for (int length = 0; length < bytes.Length; length++)
        {
            Assert.Null(ConnectRequest.TryRead(bytes.AsSpan(0, length)));
        }
    }

    [Fact]
    public void Opcodes_have_ZooKeepers_numbers()
    {
        Assert.Equal(1, (int)OpCode.Create);
        Assert.Equal(14, (int)OpCode.Multi);
        Assert.Equal(22, (int)OpCode.MultiRead);
        Assert.Equal(107, (int)OpCode.WhoAmI);
        Assert.Equal(-11, (int)OpCode.CloseSession);
    }

    private delegate void ReadAction(ref JuteReader reader);

    private static bool Fails(ReadAction read, params byte[] bytes)
    {
        var reader = new JuteReader(bytes);
        read(ref reader);
        return reader.Failed;
    }

    private static void Read(ref JuteReader reader, int kind)
    {
        switch (kind)
        {
            case 0:
                reader.ReadBool();
                break;
            case 1:
                reader.ReadByte();
                break;
            case 2:
                reader.ReadInt();
                break;
            case 3:
                reader.ReadLong();
                break;
            case 4:
                reader.ReadBuffer();
                break;
            default:
                reader.ReadCount(4);
                break;
        }
    }

    private static byte[] Written(Action<JuteWriter> write)
    {
        var writer = new JuteWriter();
        write(writer);
        return writer.Written.ToArray();
    }
}
