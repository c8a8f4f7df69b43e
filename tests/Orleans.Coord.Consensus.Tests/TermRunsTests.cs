namespace Orleans.Coord.Consensus.Tests;

/// <summary>Terms as runs, and the configurations of a log: the two small histories that a restart rebuilds.</summary>
public sealed class TermRunsTests
{
    [Fact]
    public void TheSameAsAPlainList()
    {
        for (ulong seed = 0; seed < 30; seed++)
        {
            CompareWithList(new SplitMix64(seed));
        }
    }

    [Fact]
    public void TheBaseIsNeverTruncated()
    {
        var runs = new TermRuns();
        runs.Reset(new LogIndex(10), new Term(3));
        Assert.Throws<InvariantException>(() => runs.Truncate(new LogIndex(10)));
        Assert.Throws<InvariantException>(() => runs.Truncate(new LogIndex(11)));
    }

    [Fact]
    public void LastNotAbove_BelowTheBaseIsTheBase()
    {
        var runs = new TermRuns();
        runs.Reset(new LogIndex(10), new Term(3));
        runs.Append(new LogIndex(11), new Term(3));
        Assert.Equal(new LogIndex(10), runs.LastNotAbove(new LogIndex(4), new Term(9)));
        Assert.Equal(new LogIndex(11), runs.LastNotAbove(new LogIndex(40), new Term(3)));
    }

    [Fact]
    public void Configurations_FallBackWhenTruncated()
    {
        var history = new ConfigurationHistory(default, Group.Config([1]));
        history.Append(new LogIndex(5), Group.Config([1, 2, 3]));
        history.Append(new LogIndex(9), Group.Config([3]));
        Assert.True(history.Truncate(new LogIndex(6)));
        Assert.False(history.Truncate(new LogIndex(6)));
        Assert.Equal((new LogIndex(5), Group.Config([1, 2, 3])), (history.CurrentIndex, history.Current));
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(4, 1)]
    [InlineData(5, 2)]
    [InlineData(8, 2)]
    [InlineData(99, 3)]
    public void Configurations_AtAnIndex(long index, int voters)
    {
        var history = new ConfigurationHistory(default, Group.Config([1]));
        history.Append(new LogIndex(5), Group.Config([1, 2]));
        history.Append(new LogIndex(9), Group.Config([1, 2, 3]));
        Assert.Equal(voters, history.At(new LogIndex(index)).Voters.Length);
        if (index >= 5)
        {
            history.Compact(new LogIndex(5));
            Assert.Equal(voters, history.At(new LogIndex(index)).Voters.Length);
            Assert.Throws<InvariantException>(() => history.At(new LogIndex(4)));
        }
    }

    [Fact]
    public void Configurations_AVoterThatIsLeavingCountsUntilThatIsCommitted()
    {
        var history = new ConfigurationHistory(default, Group.Config([1, 2]));
        history.Append(new LogIndex(5), Group.Config([2]));
        Assert.True(history.IsVoterAfter(new LogIndex(4), Group.Id(1)));
        Assert.False(history.IsVoterAfter(new LogIndex(5), Group.Id(1)));
        Assert.True(history.IsVoterAfter(new LogIndex(5), Group.Id(2)));
    }

    private static void CompareWithList(SplitMix64 random)
    {
        List<long> terms = [0];
        int first = 0;
        var runs = new TermRuns();
        runs.Reset(default, default);
        for (int step = 0; step < 200; step++)
        {
            int last = terms.Count - 1;
            switch (random.Below(8))
            {
                case 0 when last > first:
                    int from = first + 1 + random.Below(last - first);
                    terms.RemoveRange(from, terms.Count - from);
                    runs.Truncate(new LogIndex(from));
                    break;
                case 1:
                    first += random.Below(last - first + 1);
                    runs.Compact(new LogIndex(first));
                    break;
                default:
                    terms.Add(terms[^1] + (random.Below(3) == 0 ? 1 : 0));
                    runs.Append(new LogIndex(terms.Count - 1), new Term(terms[^1]));
                    break;
            }

            Compare(terms, first, runs);
        }
    }

    private static void Compare(List<long> terms, int first, TermRuns runs)
    {
        Assert.Equal((first, terms.Count - 1), (runs.Base.Value, runs.Last.Value));
        for (int i = 0; i <= terms.Count; i++)
        {
            bool known = runs.TryGet(new LogIndex(i), out Term term);
            Assert.Equal(i >= first && i < terms.Count, known);
            Assert.Equal(known ? terms[i] : 0, term.Value);
        }
    }
}
