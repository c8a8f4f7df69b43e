using Orleans.Coord.Consensus;
using Orleans.Coord.Replication;

namespace Orleans.Coord.Wal.Tests;

/// <summary>Short ways to make and read what the tests need.</summary>
internal static class Make
{
    internal static WalOptions SmallOptions { get; } = new()
    {
        SegmentBytes = 64 << 10,
        QuickSegmentBytes = 16 << 10,
        ReserveBytes = 0,
        OwnThreads = false,
    };

    /// <summary>An entry whose payload follows from index and term.</summary>
    internal static Entry Entry(long index, long term = 1, int bytes = 100)
    {
        byte[] payload = new byte[bytes];
        SplitMix64 random = new((ulong)((index * 1_000_003) + term));
        for (int i = 0; i < bytes; i++)
        {
            payload[i] = (byte)random.Next();
        }

        return new Entry(new LogIndex(index), new Term(term), EntryKind.Command, payload);
    }

    internal static Entry[] Entries(long from, long to, long term = 1, int bytes = 100)
    {
        List<Entry> entries = [];
        for (long index = from; index <= to; index++)
        {
            entries.Add(Entry(index, term, bytes));
        }

        return [.. entries];
    }

    internal static HardState HardState(long term, byte vote = 1, long commit = 0) =>
        new(new Term(term), new ReplicaId(vote), new LogIndex(commit));

    internal static SnapshotMetadata Metadata(long index, long term = 1) =>
        new(new LogIndex(index), new Term(term), new byte[] { 1, 2, 3 });

    internal static List<Entry> ReadAll(ILogStore log)
    {
        List<Entry> entries = [];
        if (log.FirstIndex <= log.LastIndex)
        {
            log.Read(log.FirstIndex, log.LastIndex, int.MaxValue, entries);
        }

        return entries;
    }

    internal static void AssertEqual(IReadOnlyList<Entry> expected, IReadOnlyList<Entry> actual)
    {
        Assert.Equal(expected.Count, actual.Count);
        for (int i = 0; i < expected.Count; i++)
        {
            AssertEqual(expected[i], actual[i]);
        }
    }

    internal static void AssertEqual(Entry expected, Entry actual)
    {
        Assert.Equal(
            (expected.Index, expected.Term, expected.Kind), (actual.Index, actual.Term, actual.Kind));
        Assert.True(expected.Payload.Span.SequenceEqual(actual.Payload.Span), $"payload of entry {expected.Index}");
    }
}
