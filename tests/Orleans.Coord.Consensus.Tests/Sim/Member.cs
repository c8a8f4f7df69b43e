using System.Buffers;

namespace Orleans.Coord.Consensus.Tests.Sim;

/// <summary>
/// A node with its disk, its state machine and the few lines of host that tie them: what a replica does.
/// </summary>
internal sealed class Member(ReplicaId id, RaftOptions options, SafetyChecker checker, RaftFaults faults = default)
{
    private readonly List<(ulong Context, LogIndex Index)> _reads = [];
    private readonly List<(LogIndex Index, Term Term)> _proposals = [];
    private readonly List<byte> _inbound = [];
    private RaftNode? _node;

    public ReplicaId Id => id;

    public MemoryStore Store { get; private init; } = new();

    public Machine Machine { get; } = new();

    public bool IsUp => _node is not null;

    public RaftNode Node => _node ?? throw new InvalidOperationException($"{id} is down");

    public bool IsLeader => _node?.Role == RaftRole.Leader;

    /// <summary>A received snapshot, whole but not yet durable.</summary>
    public SnapshotMetadata? PendingSnapshot { get; private set; }

    /// <summary>Read states as they came, for scenarios that look at them.</summary>
    public List<ReadState> ReadStates { get; } = [];

    public int ChunksReceived { get; private set; }

    public void Start(ulong seed)
    {
        Machine.Load(Store.SnapshotBytes);
        var start = new RaftStart
        {
            Id = id,
            HardState = Store.HardState,
            Snapshot = Store.Snapshot,
            FirstIndex = Store.FirstIndex,
            LastIndex = Store.LastIndex,
            ReadEntries = Store.Read,
        };
        _node = new RaftNode(start, options, new SplitMix64(seed), faults);
    }

    /// <summary>The same member, run from its store by somebody else; this one does not know, and writes no more.
    /// </summary>
    public Member TakenOver(ulong seed)
    {
        var successor = new Member(id, options, checker, faults) { Store = Store.Copy() };
        successor.Start(seed);
        return successor;
    }

    public void Crash(int survivors = 0)
    {
        _node = null;
        PendingSnapshot = null;
        _inbound.Clear();
        _reads.Clear();
        _proposals.Clear();
        Store.Crash(survivors);
    }

    public ProposeResult Propose(ReadOnlyMemory<byte> payload)
    {
        ProposeResult result = Node.Propose(payload);
        if (result.IsAccepted)
        {
            _proposals.Add((result.Index, result.Term));
        }

        return result;
    }

    public void PeerUnreachableIfUp(ReplicaId peer) => _node?.PeerUnreachable(peer);

    public string Describe() => _node is not { } node
        ? $"{id} down"
        : $"{id} {node.Role} term {node.Term} leader {node.Leader} log {node.Log.BaseIndex}..{node.Log.LastIndex} "
            + $"commit {node.Log.Commit} applied {Machine.Index} {node.Configuration} at {node.ConfigurationIndex}";

    public void AskRead(ulong context)
    {
        checker.OnReadAsked(context);
        Node.ReadIndex(context);
    }

    /// <summary>
    /// One turn of the host: takes the Ready and does what it says. Messages go to <paramref name="send"/>. Returns
    /// whether the node was told something that it may want to answer at once.
    /// </summary>
    public bool Turn(Action<Message> send)
    {
        Ready ready = Node.TakeReady();
        if (ready.SoftState is { Role: RaftRole.Leader })
        {
            checker.OnLeader(Node);
        }

        if (ready.Reset is not null)
        {
            Store.Reset(ready.Reset);
        }

        if (ready.Token != 0)
        {
            checker.OnWritten(Node, ready.Entries);
            Store.Append(ready.Entries, ready.HardState, ready.Token);
        }

        foreach (Message message in ready.Messages)
        {
            send(ThroughTheWire(message));
        }

        IndexRange committed = ready.Committed;
        SnapshotRead[] reads = ready.SnapshotReads.ToArray();
        SnapshotChunk[] chunks = ready.SnapshotChunks.ToArray();
        foreach (ReadState state in ready.ReadStates)
        {
            TakeReadState(state);
        }

        Apply(committed);
        Supply(reads);
        Receive(chunks);
        return reads.Length + chunks.Length > 0;
    }

    /// <summary>The oldest write under way is durable.</summary>
    public void CompleteWrite() => Node.Persisted(Store.CompleteNext());

    /// <summary>The received snapshot is durable.</summary>
    public void CompleteSnapshot()
    {
        SnapshotMetadata snapshot = PendingSnapshot!;
        byte[] bytes = [.. _inbound];
        PendingSnapshot = null;
        Store.SaveSnapshot(snapshot, bytes);
        if (Node.SnapshotInstalled(snapshot))
        {
            Machine.Load(bytes);
            SafetyChecker.Require(Machine.Index == snapshot.Index, "a snapshot of another index");
            checker.OnApplied(id, Machine, snapshot.Term);
        }
    }

    /// <summary>Takes a snapshot at the applied index and forgets the log before it, but for a few entries.</summary>
    public void TakeSnapshot(int keep = 0)
    {
        LogIndex index = Machine.Index;
        if (index <= Store.Snapshot.Index || !Node.Log.TryGetTerm(index, out Term term))
        {
            return;
        }

        var snapshot = new SnapshotMetadata(index, term, Node.ConfigurationAt(index).Encode());
        Store.SaveSnapshot(snapshot, Machine.Save());
        Node.SnapshotTaken(snapshot);
        LogIndex compacted = index - Math.Min(keep, index.Value);
        Node.Compact(compacted);
        Store.TrimTo(compacted);
    }

    private static Message ThroughTheWire(Message message)
    {
        var buffer = new ArrayBufferWriter<byte>();
        MessageCodec.Write(message, buffer);
        bool read = MessageCodec.TryRead(buffer.WrittenMemory, out Message? copy);
        Invariant.Check(read && copy is not null);
        return copy;
    }

    private void Apply(IndexRange committed)
    {
        LogIndex at = committed.First;
        while (at <= committed.Last)
        {
            foreach (Entry entry in Node.Log.Read(at, committed.Last, 1000))
            {
                Machine.Apply(entry);
                checker.OnApplied(id, Machine, entry.Term);
                Acknowledge(entry);
                at = entry.Index.Next;
            }
        }

        if (!committed.IsEmpty)
        {
            Node.Applied(Machine.Index);
        }

        ServeReads();
    }

    private void Acknowledge(Entry entry)
    {
        if (_proposals.Remove((entry.Index, entry.Term)))
        {
            checker.OnAcknowledged(entry.Index);
        }
    }

    private void TakeReadState(ReadState state)
    {
        ReadStates.Add(state);
        if (state.Index is { } index)
        {
            _reads.Add((state.Context, index));
        }
    }

    private void ServeReads()
    {
        foreach ((ulong context, LogIndex index) in _reads)
        {
            if (index <= Machine.Index)
            {
                checker.OnReadServed(id, context, Machine.Index);
            }
        }

        _reads.RemoveAll(read => read.Index <= Machine.Index);
    }

    private void Supply(SnapshotRead[] reads)
    {
        foreach (SnapshotRead read in reads)
        {
            if (read.Snapshot.Index != Store.Snapshot.Index)
            {
                Node.SnapshotUnavailable(read.To);
                continue;
            }

            int from = (int)read.Offset;
            int to = Math.Min(from + options.SnapshotChunkBytes, Store.SnapshotBytes.Length);
            bool done = to == Store.SnapshotBytes.Length;
            Node.SupplySnapshotChunk(read, Store.SnapshotBytes.AsMemory(from, to - from), done);
        }
    }

    private void Receive(SnapshotChunk[] chunks)
    {
        foreach (SnapshotChunk chunk in chunks)
        {
            ChunksReceived++;
            if (chunk.Offset == 0)
            {
                _inbound.Clear();
                PendingSnapshot = null;
            }

            Invariant.Check(chunk.Offset == _inbound.Count);
            _inbound.AddRange(chunk.Data.Span);
            PendingSnapshot = chunk.Done ? chunk.Snapshot : null;
            Node.SnapshotChunkTaken(chunk);
        }
    }
}
