namespace Orleans.Coord.Consensus.Tests;

/// <summary>The log by itself: terms, truncation, the window in memory, and what a restart accepts.</summary>
public sealed class RaftLogTests
{
    private readonly List<Entry> _store = [];

    [Fact]
    public void TermsAreKnownFromTheBaseToTheEnd()
    {
        RaftLog log = With(1, 1, 3, 3, 7);
        Assert.Equal([0, 1, 1, 3, 3, 7], Enumerable.Range(0, 6).Select(i => TermAt(log, i)));
        Assert.False(log.TryGetTerm(new LogIndex(6), out _));
    }

    [Theory]
    [InlineData(5, 7, 5)]
    [InlineData(5, 6, 4)]
    [InlineData(5, 2, 2)]
    [InlineData(9, 3, 4)]
    [InlineData(3, 0, 0)]
    public void LastNotAbove_SkipsWholeTerms(long index, long term, long expected) =>
        Assert.Equal(new LogIndex(expected), With(1, 1, 3, 3, 7).LastNotAbove(new LogIndex(index), new Term(term)));

    [Theory]
    [InlineData(5, 7, true)]
    [InlineData(4, 7, false)]
    [InlineData(1, 8, true)]
    [InlineData(99, 6, false)]
    public void UpToDate_LastTermFirst_ThenLength(long index, long term, bool expected) =>
        Assert.Equal(expected, With(1, 1, 3, 3, 7).IsUpToDate(new LogIndex(index), new Term(term)));

    [Fact]
    public void Truncate_TakesTermsEntriesAndCursorsBack()
    {
        RaftLog log = With(1, 1, 3, 3, 7);
        Assert.Equal(5, log.TakeUnwritten().Length);
        log.StableTo(new LogIndex(4));
        log.Truncate(new LogIndex(3));
        Assert.Equal((new LogIndex(2), new Term(1)), (log.LastIndex, log.LastTerm));
        Assert.Equal((new LogIndex(2), new LogIndex(2)), (log.HandedOut, log.Stable));
        log.Append(new Entry(new LogIndex(3), new Term(9), EntryKind.NoOp, default));
        Assert.Equal(new Term(9), log.TakeUnwritten()[0].Term);
    }

    [Fact]
    public void ACommittedEntryIsNeverTruncated()
    {
        RaftLog log = With(1, 1, 3);
        log.CommitTo(new LogIndex(2));
        Assert.Throws<InvariantException>(() => log.Truncate(new LogIndex(2)));
    }

    [Fact]
    public void TheCommitIndexNeverFalls_NorPassesTheEnd()
    {
        RaftLog log = With(1, 1, 3);
        log.CommitTo(new LogIndex(2));
        Assert.Throws<InvariantException>(() => log.CommitTo(new LogIndex(1)));
        Assert.Throws<InvariantException>(() => log.CommitTo(new LogIndex(4)));
    }

    [Fact]
    public void EntriesAreConsecutive_AndTermsNeverFall()
    {
        RaftLog log = With(1, 3);
        Assert.Throws<InvariantException>(() => log.Append(new Entry(new LogIndex(4), new Term(3), default, default)));
        Assert.Throws<InvariantException>(() => log.Append(new Entry(new LogIndex(3), new Term(2), default, default)));
    }

    [Fact]
    public void OnlyAppliedAndHandedOutEntriesLeaveTheWindow()
    {
        RaftLog log = With(1, 1, 1, 1);
        log.CommitTo(new LogIndex(3));
        log.AppliedTo(new LogIndex(2), 0);
        Assert.Equal(new LogIndex(1), log.WindowFirst);
        log.TakeUnwritten();
        log.AppliedTo(new LogIndex(3), 0);
        Assert.Equal(new LogIndex(4), log.WindowFirst);
    }

    [Fact]
    public void ReadTakesWhatFits_AtLeastOne()
    {
        RaftLog log = With(1, 1, 1, 1);
        Assert.Equal(1, log.Read(new LogIndex(1), new LogIndex(4), 0).Length);
        Assert.Equal(2, log.Read(new LogIndex(1), new LogIndex(4), 20).Length);
        Assert.Equal(3, log.Read(new LogIndex(2), new LogIndex(4), 1000).Length);
    }

    [Fact]
    public void ASpanStaysGoodWhileTheWindowGrows()
    {
        RaftLog log = With(1);
        ReadOnlySpan<Entry> first = log.Read(new LogIndex(1), new LogIndex(1), 10);
        for (int i = 2; i < 2000; i++)
        {
            log.Append(new Entry(new LogIndex(i), new Term(2), EntryKind.NoOp, default));
        }

        Assert.Equal((new LogIndex(1), new Term(1)), (first[0].Index, first[0].Term));
    }

    [Fact]
    public void Compact_ForgetsTermsAndEntries()
    {
        RaftLog log = With(1, 1, 3, 3, 7);
        log.TakeUnwritten();
        log.CommitTo(new LogIndex(5));
        log.AppliedTo(new LogIndex(4), 1000);
        log.Compact(new LogIndex(4));
        Assert.Equal((new LogIndex(4), 3), (log.BaseIndex, TermAt(log, 4)));
        Assert.False(log.TryGetTerm(new LogIndex(3), out _));
        Assert.Throws<InvariantException>(() => log.Compact(new LogIndex(5)));
    }

    [Fact]
    public void Restore_AnEmptyStoreFitsAnEmptySnapshot() => Assert.True(Restored(0, 0, 1, 0, out _));

    [Fact]
    public void Restore_TheWholeLogIsReadBack()
    {
        Fill(1, 1, 2);
        Assert.True(Restored(0, 0, 1, 3, out RaftLog log));
        Assert.Equal((new LogIndex(3), new Term(2), new LogIndex(3)), (log.LastIndex, log.LastTerm, log.Stable));
    }

    [Fact]
    public void Restore_EntriesBelowTheSnapshotStayReadable()
    {
        Fill(1, 1, 2, 2, 2);
        Assert.True(Restored(4, 2, 2, 5, out RaftLog log));
        Assert.Equal((new LogIndex(2), new LogIndex(4)), (log.BaseIndex, log.Commit));
        Assert.Equal(new LogIndex(3), log.Read(new LogIndex(3), new LogIndex(4), 100)[0].Index);
    }

    [Theory]
    [InlineData(9, 2, 1, 5)]
    [InlineData(4, 9, 1, 5)]
    [InlineData(1, 1, 4, 5)]
    [InlineData(7, 2, 1, 0)]
    public void Restore_ALogThatDoesNotFitTheSnapshotIsDropped(long index, long term, long first, long last)
    {
        Fill(1, 1, 2, 2, 2);
        Assert.False(Restored(index, term, first, last, out RaftLog log));
        Assert.Equal((new LogIndex(index), new LogIndex(index)), (log.BaseIndex, log.LastIndex));
    }

    [Fact]
    public void TheSameWithRandomOperationsAsAPlainList()
    {
        for (ulong seed = 0; seed < 50; seed++)
        {
            CompareWithList(new SplitMix64(seed));
        }
    }

    private static void CompareWithList(SplitMix64 random)
    {
        List<Entry> plain = [];
        var log = new RaftLog((from, to, maxBytes, into) => into.AddRange(plain[((int)from.Value - 1)..(int)to.Value]));
        log.Reset(default, default);
        long term = 1;
        for (int step = 0; step < 300; step++)
        {
            term += random.Below(8) == 0 ? 1 : 0;
            switch (random.Below(6))
            {
                case 0 when plain.Count > log.Commit.Value:
                    long from = log.Commit.Value + 1 + random.Below((int)(plain.Count - log.Commit.Value));
                    plain.RemoveRange((int)from - 1, plain.Count - (int)from + 1);
                    log.Truncate(new LogIndex(from));
                    break;
                case 1:
                    log.TakeUnwritten();
                    break;
                case 2:
                    log.CommitTo(log.Commit + random.Below((int)(log.LastIndex - log.Commit) + 1));
                    break;
                case 3:
                    log.AppliedTo(log.Applied + random.Below((int)(log.Commit - log.Applied) + 1), random.Below(500));
                    break;
                default:
                    var index = new LogIndex(plain.Count + 1);
                    plain.Add(new Entry(index, new Term(term), EntryKind.Command, new byte[random.Below(30)]));
                    log.Append(plain[^1]);
                    break;
            }

            Assert.Equal(plain.Count, log.LastIndex.Value);
            foreach (Entry entry in plain)
            {
                Assert.True(log.Matches(entry.Index, entry.Term));
                Assert.Equal(entry, log.Read(entry.Index, log.LastIndex, 0)[0]);
            }
        }
    }

    private static int TermAt(RaftLog log, long index) =>
        log.TryGetTerm(new LogIndex(index), out Term term) ? (int)term.Value : -1;

    private void Fill(params long[] terms)
    {
        foreach (long term in terms)
        {
            _store.Add(new Entry(new LogIndex(_store.Count + 1), new Term(term), EntryKind.Command, new byte[10]));
        }
    }

    private RaftLog With(params long[] terms)
    {
        Fill(terms);
        var log = new RaftLog(Read);
        log.Reset(default, default);
        _store.ForEach(entry => log.Append(entry));
        return log;
    }

    private bool Restored(long index, long term, long first, long last, out RaftLog log)
    {
        log = new RaftLog(Read);
        var start = new RaftStart
        {
            Id = new ReplicaId(1),
            Snapshot = new SnapshotMetadata(new LogIndex(index), new Term(term), default),
            FirstIndex = new LogIndex(first),
            LastIndex = new LogIndex(last),
            ReadEntries = Read,
        };
        return log.Restore(start, 1000, _ => { });
    }

    private void Read(LogIndex from, LogIndex to, int maxBytes, List<Entry> into) =>
        into.AddRange(_store[((int)from.Value - 1)..(int)to.Value]);
}
