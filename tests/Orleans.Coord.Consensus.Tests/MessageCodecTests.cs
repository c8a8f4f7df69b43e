using System.Buffers;
using System.Buffers.Binary;

namespace Orleans.Coord.Consensus.Tests;

/// <summary>Messages as bytes: each kind comes back as it went, and no bytes do harm.</summary>
public sealed class MessageCodecTests
{
    private static readonly ReplicaId A = new(1);
    private static readonly ReplicaId B = new(255);
    private static readonly Term Term = new(0x1234567890);

    public static TheoryData<int> AllSamples => [.. Enumerable.Range(0, Samples().Length)];

    [Theory]
    [MemberData(nameof(AllSamples))]
    public void EachKindComesBack(int sample)
    {
        Message message = Samples()[sample];
        Assert.True(MessageCodec.TryRead(Write(message), out Message? copy));
        AssertSame(message, copy);
    }

    [Theory]
    [MemberData(nameof(AllSamples))]
    public void AnyPartOfAMessageIsRefused(int sample)
    {
        byte[] bytes = Write(Samples()[sample]);
        for (int length = 0; length < bytes.Length; length++)
        {
            Assert.False(MessageCodec.TryRead(bytes.AsMemory(0, length), out _));
        }

        Assert.False(MessageCodec.TryRead((byte[])[.. bytes, 0], out _));
    }

    [Fact]
    public void EveryKindHasASample()
    {
        int kinds = typeof(Message).Assembly.GetTypes().Count(type => type.IsSubclassOf(typeof(Message)));
        Assert.Equal(kinds, Samples().Select(message => message.GetType()).Distinct().Count());
    }

    [Theory]
    [MemberData(nameof(AllSamples))]
    public void FlippedBytesNeverThrow_AndWhatIsReadCanBeWrittenBack(int sample)
    {
        byte[] bytes = Write(Samples()[sample]);
        var random = new SplitMix64((ulong)sample);
        for (int i = 0; i < 3000; i++)
        {
            byte[] mutant = [.. bytes];
            for (int flips = 1 + random.Below(4); flips > 0; flips--)
            {
                mutant[random.Below(mutant.Length)] = (byte)random.Next();
            }

            if (MessageCodec.TryRead(mutant, out Message? read))
            {
                Assert.Equal(mutant, Write(read));
            }
        }
    }

    [Fact]
    public void RandomBytesNeverThrow()
    {
        var random = new SplitMix64(99);
        for (int i = 0; i < 20_000; i++)
        {
            var bytes = new byte[random.Below(120)];
            for (int at = 0; at < bytes.Length; at++)
            {
                bytes[at] = (byte)(random.Below(3) == 0 ? random.Next() : (ulong)random.Below(4));
            }

            if (bytes.Length > 1)
            {
                bytes[0] = 1;
                bytes[1] = (byte)random.Below(16);
            }

            if (MessageCodec.TryRead(bytes, out Message? read))
            {
                Assert.Equal(bytes, Write(read));
            }
        }
    }

    [Fact]
    public void ACountOfEntriesThatCannotBeThereAllocatesNothing()
    {
        byte[] bytes = Write(new Append(A, B, Term, default, default, default, default));
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(bytes.Length - 4), int.MaxValue);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.False(MessageCodec.TryRead(bytes, out _));
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 10_000);
    }

    [Fact]
    public void NobodyIsNoSender()
    {
        byte[] bytes = Write(new TimeoutNow(A, B, Term));
        bytes[2] = 0;
        Assert.False(MessageCodec.TryRead(bytes, out _));
    }

    [Fact]
    public void AnotherVersionIsRefused()
    {
        byte[] bytes = Write(new TimeoutNow(A, B, Term));
        bytes[0]++;
        Assert.False(MessageCodec.TryRead(bytes, out _));
    }

    [Fact]
    public void TermsOfEntriesMayNotFall_NorPassTheLeaders()
    {
        Append sound = (Append)Samples()[4];
        Entry[] entries = sound.Entries.ToArray();
        entries[1] = entries[1] with { Term = new Term(1) };
        Assert.False(MessageCodec.TryRead(Write(sound with { Entries = entries }), out _));
        entries[1] = entries[1] with { Term = Term.Next };
        Assert.False(MessageCodec.TryRead(Write(sound with { Entries = entries.AsMemory(0, 2) }), out _));
    }

    [Fact]
    public void AConfigurationThatIsNoneIsRefusedHere_NotByTheNode()
    {
        var entry = new Entry(new LogIndex(1), Term, EntryKind.Configuration, new byte[] { 9, 9 });
        byte[] append = Write(new Append(A, B, Term, default, default, default, new[] { entry }));
        Assert.False(MessageCodec.TryRead(append, out _));
        var snapshot = new SnapshotMetadata(new LogIndex(1), Term, new byte[] { 7 });
        Assert.False(MessageCodec.TryRead(Write(new InstallSnapshot(A, B, Term, snapshot, 0, default, true)), out _));
    }

    private static Message[] Samples()
    {
        var index = new LogIndex(0x42_0000_0001);
        byte[] config = QuorumConfig.Create([A, new ReplicaId(7)], [B]).Encode();
        Entry[] entries =
        [
            new(index.Next, new Term(5), EntryKind.NoOp, default),
            new(index + 2, new Term(6), EntryKind.Command, new byte[] { 1, 2, 3 }),
            new(index + 3, Term, EntryKind.Configuration, config),
        ];
        return
        [
            new RequestVote(A, B, Term, index, new Term(4), true),
            new RequestVoteResponse(A, B, Term, true),
            new PreVote(A, B, Term, index, new Term(4)),
            new PreVoteResponse(B, A, Term, false),
            new Append(A, B, Term, index, new Term(4), index - 9, entries),
            new Append(A, B, Term, index, new Term(4), index - 9, default),
            new AppendResponse(B, A, Term, false, index, index - 5, new Term(3)),
            new Heartbeat(A, B, Term, index, 77),
            new HeartbeatResponse(B, A, Term, 78),
            new InstallSnapshot(
                A, B, Term, new SnapshotMetadata(index, new Term(4), config), 512, new byte[] { 9, 8, 7 }, true),
            new InstallSnapshotResponse(B, A, Term, index, 515),
            new TimeoutNow(A, B, Term),
            new ReadIndexRequest(B, A, Term, ulong.MaxValue, 12),
            new ReadIndexResponse(A, B, Term, ulong.MaxValue, 12, index),
            new ReadIndexResponse(A, B, Term, 5, 13, null),
        ];
    }

    private static byte[] Write(Message message)
    {
        var buffer = new ArrayBufferWriter<byte>();
        MessageCodec.Write(message, buffer);
        return buffer.WrittenSpan.ToArray();
    }

    private static void AssertSame(Message expected, Message actual)
    {
        Assert.Equal(expected.GetType(), actual.GetType());
        Assert.Equal((expected.From, expected.To, expected.Term), (actual.From, actual.To, actual.Term));
        Assert.Equal(Write(expected), Write(actual));
        if (expected is Append { Entries.Length: > 0 } append)
        {
            Assert.Equal(append.Entries.Span[^1].Index, ((Append)actual).Entries.Span[^1].Index);
        }
        else if (expected is not (Append or InstallSnapshot))
        {
            Assert.Equal(expected, actual);
        }
    }
}
