using System.Text;

namespace Orleans.Coord.Consensus.Tests;

/// <summary>
/// A group of one: the product's embedded default, and the shortest way to see the exchange with the host.
/// </summary>
public sealed class SoleVoterTests
{
    private readonly List<Entry> _store = [];
    private HardState _hardState;

    [Fact]
    public void CampaignsAtOnce_AndLeadsWhenItsVoteIsDurable()
    {
        RaftNode node = Start();
        Ready ready = node.TakeReady();
        Assert.Equal(new HardState(new Term(1), node.Id, default), ready.HardState);
        Assert.Equal(1, ready.PromisedMessages);
        Assert.Equal(RaftRole.Candidate, node.Role);

        node.Persisted(ready.Token);

        Assert.Equal(RaftRole.Leader, node.Role);
        Assert.Equal(EntryKind.NoOp, node.TakeReady().Entries[0].Kind);
    }

    [Fact]
    public void CommitsWhatIsDurable_AndNothingElse()
    {
        RaftNode node = StartAsLeader();
        ProposeResult a = node.Propose(Bytes("a"));
        long first = Write(node);
        ProposeResult b = node.Propose(Bytes("b"));
        long second = Write(node);
        Assert.True(a.IsAccepted && b.IsAccepted);
        Assert.Equal(a.Index - 1, node.Log.Commit);

        node.Persisted(first);
        Assert.Equal(a.Index, node.Log.Commit);
        node.Persisted(second);
        Assert.Equal(b.Index, node.Log.Commit);

        Ready ready = node.TakeReady();
        Assert.Equal(new IndexRange(a.Index, b.Index), ready.Committed);
        Assert.Equal(0, ready.Token);
    }

    [Fact]
    public void ALaterTokenCoversTheEarlierOnes()
    {
        RaftNode node = StartAsLeader();
        node.Propose(Bytes("a"));
        long first = Write(node);
        LogIndex last = node.Propose(Bytes("b")).Index;
        node.Persisted(Write(node));
        Assert.Equal(last, node.Log.Commit);

        node.Persisted(first);

        Assert.Equal(last, node.Log.Commit);
    }

    [Fact]
    public void RestartsWithWhatTheStoreHolds_AndReplaysIt()
    {
        RaftNode node = StartAsLeader();
        for (int i = 0; i < 10; i++)
        {
            node.Propose(Bytes($"{i}"));
            node.Persisted(Write(node));
        }

        LogIndex last = node.Log.LastIndex;
        RaftNode again = Start();
        node = again;
        IndexRange replayed = Drain(node);

        Assert.Equal(new Term(2), node.Term);
        Assert.Equal(new IndexRange(new LogIndex(1), last.Next), replayed);
        Assert.Equal("9", Encoding.UTF8.GetString(node.Log.Read(last, last, 100)[0].Payload.Span));
    }

    [Fact]
    public void RefusesWhatWouldBeTooMuchInFlight_UntilSomeIsCommitted()
    {
        RaftNode node = StartAsLeader(new RaftOptions { MaxUncommittedBytes = 10 });
        Assert.True(node.Propose(new byte[8]).IsAccepted);
        Assert.Equal(ProposeStatus.TooMuchInFlight, node.Propose(new byte[3]).Status);

        node.Persisted(Write(node));

        Assert.True(node.Propose(new byte[30]).IsAccepted);
    }

    [Fact]
    public void ForgetsAppliedEntriesInMemory_AndReadsThemBack()
    {
        RaftNode node = StartAsLeader();
        LogIndex first = node.Propose(Bytes("first")).Index;
        for (int i = 0; i < 1000; i++)
        {
            node.Propose(new byte[100]);
        }

        node.Persisted(Write(node));
        node.Applied(node.TakeReady().Committed.Last);

        Assert.Equal(0, node.Log.WindowBytes);
        Assert.Equal("first", Encoding.UTF8.GetString(node.Log.Read(first, node.Log.LastIndex, 5)[0].Payload.Span));
    }

    [Fact]
    public void AnswersAReadAtOnce()
    {
        RaftNode node = StartAsLeader();
        Assert.True(node.ReadIndex(7));
        Assert.Equal(new ReadState(7, node.Log.Commit), node.TakeReady().ReadStates[0]);
    }

    private static ReadOnlyMemory<byte> Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private RaftNode Start(RaftOptions? options = null)
    {
        var start = new RaftStart
        {
            Id = new ReplicaId(1),
            HardState = _hardState,
            Snapshot = new SnapshotMetadata(default, default, QuorumConfig.Create([new ReplicaId(1)]).Encode()),
            LastIndex = new LogIndex(_store.Count),
            ReadEntries = (from, to, maxBytes, into) =>
            {
                for (LogIndex i = from; i <= to && (maxBytes > 0 || i == from); i = i.Next)
                {
                    into.Add(_store[(int)i.Value - 1]);
                    maxBytes -= into[^1].Payload.Length;
                }
            },
        };
        return new RaftNode(start, options ?? new RaftOptions(), new SplitMix64(1));
    }

    private RaftNode StartAsLeader(RaftOptions? options = null)
    {
        RaftNode node = Start(options);
        Drain(node);
        Assert.Equal(RaftRole.Leader, node.Role);
        return node;
    }

    private long Write(RaftNode node)
    {
        Ready ready = node.TakeReady();
        foreach (Entry entry in ready.Entries)
        {
            _store.Add(entry);
        }

        _hardState = ready.HardState ?? _hardState;
        return ready.Token;
    }

    private IndexRange Drain(RaftNode node)
    {
        var all = new IndexRange(new LogIndex(1), default);
        while (true)
        {
            Ready ready = node.TakeReady();
            _store.AddRange(ready.Entries);
            _hardState = ready.HardState ?? _hardState;
            all = all with { Last = ready.Committed.Last };
            if (ready.Token == 0 && ready.Committed.IsEmpty)
            {
                return all;
            }

            if (ready.Token != 0)
            {
                node.Persisted(ready.Token);
            }
        }
    }
}
