using Orleans.Coord.Consensus;
using Orleans.Coord.Tree;

namespace Orleans.Coord.Replication;

/// <content>
/// Snapshots: taking our own, sending one to a member that is far behind, installing one from the leader.
/// </content>
public sealed partial class Replica
{
    private const long SnapshotMaxPendingBytes = 8 << 20;

    private readonly Jute.JuteWriter _chunk = new(64 << 10);
    private readonly Dictionary<ReplicaId, SnapshotFeed> _feeds = [];
    private SnapshotMetadata? _own;
    private TreeSnapshot? _snapshot;
    private ISnapshotWriter? _snapshotWriter;
    private SnapshotMetadata? _inbound;
    private ISnapshotWriter? _inboundWriter;
    private LogIndex _previousSnapshot;
    private bool _snapshotAsked;
    private long _bytesSinceSnapshot;
    private long _lastSnapshotBytes;

    /// <summary>True while the replica wants another turn soon although no event has come.</summary>
    public bool WantsTurn => _snapshot is not null && _snapshotWriter!.PendingBytes < SnapshotMaxPendingBytes;

    /// <summary>A snapshot is durable: our own lets the log go before it, the leader's is installed.</summary>
    public void SnapshotPersisted(SnapshotMetadata metadata)
    {
        if (IsSame(_inbound, metadata))
        {
            // Perhaps received twice, from two leaders: one is enough.
            _inboundWriter?.Abort();
            _inboundWriter = null;
            Install(metadata);
            return;
        }

        if (!IsSame(_own, metadata))
        {
            // Another leader's, for which a newer one is being received.
            return;
        }

        _own = null;
        _raft.SnapshotTaken(metadata);
        // Members a little behind are better served from the log: it stays as far back as the snapshot before.
        LogIndex covered = IsAlone ? metadata.Index : _previousSnapshot;
        _previousSnapshot = metadata.Index;
        _raft.Compact(covered);
        _log.TrimTo(covered);
    }

    /// <summary>Takes a snapshot as soon as none is under way, however little was logged since the last.</summary>
    public void SnapshotSoon() => _snapshotAsked = true;

    /// <summary>There was no space for a snapshot. Another one is tried later.</summary>
    public void SnapshotAborted(SnapshotMetadata metadata)
    {
        if (IsSame(_inbound, metadata))
        {
            _inbound = null;
            _inboundWriter = null;
            _raft.SnapshotAborted();
            _raftHasWork = true;
        }
        else if (IsSame(_own, metadata))
        {
            AbandonOwnSnapshot();
            _own = null;
        }
    }

    private static bool IsSame(SnapshotMetadata? one, SnapshotMetadata other) =>
        one is not null && one.Index == other.Index && one.Term == other.Term;

    // Snapshots follow the bytes logged, and at least the size of the last one, so that writing them costs at most
    // about as much as writing the log.
    private void StartSnapshotIfDue()
    {
        bool busy = _own is not null || _inbound is not null || _machine.IsRestoring;
        if (busy || (!_snapshotAsked && _bytesSinceSnapshot < Math.Max(_options.SnapshotLogBytes, _lastSnapshotBytes)))
        {
            return;
        }

        _snapshotAsked = false;
        var index = new LogIndex(_machine.LastApplied);
        if (_snapshots.Latest?.Index == index)
        {
            return;
        }

        bool known = _raft.Log.TryGetTerm(index, out Term term);
        Invariant.Check(known);
        _own = new SnapshotMetadata(index, term, _raft.ConfigurationAt(index).Encode());
        _snapshotWriter = _snapshots.Create(_own);
        _snapshot = _machine.BeginSnapshot();
        _bytesSinceSnapshot = 0;
        _lastSnapshotBytes = 0;
    }

    private void ContinueSnapshot()
    {
        if (!WantsTurn)
        {
            return;
        }

        _chunk.Clear();
        bool more = _snapshot!.NextSlice(_chunk, _options.SnapshotSliceZnodes);
        if (_chunk.Length > 0)
        {
            _snapshotWriter!.Write(_chunk.Written);
            _lastSnapshotBytes += _chunk.Length;
        }

        if (!more)
        {
            _snapshotWriter!.Commit();
            _snapshot = null;
            _snapshotWriter = null;
        }
    }

    // One that is committed already will be durable soon, and does no harm.
    private void AbandonOwnSnapshot()
    {
        if (_snapshotWriter is null)
        {
            return;
        }

        _own = null;
        _snapshot?.Abandon();
        _snapshotWriter.Abort();
        _snapshot = null;
        _snapshotWriter = null;
    }

    private void SupplySnapshots(SnapshotRead[] reads)
    {
        foreach (SnapshotRead read in reads)
        {
            _raftHasWork = true;
            try
            {
                SnapshotFeed feed = FeedFor(read);
                (ReadOnlyMemory<byte> chunk, bool last) = feed.Take();
                _raft.SupplySnapshotChunk(read, chunk, last);
            }
            catch (StorageException) when (_snapshots.Latest?.Index != read.Snapshot.Index)
            {
                // Deleted for a newer one: the core starts over with that. A newest one that is damaged stops the
                // replica instead, as a damaged log does; its next start passes the file over and names it.
                _feeds.Remove(read.To);
                _raft.SnapshotUnavailable(read.To);
            }
        }
    }

    private SnapshotFeed FeedFor(SnapshotRead read)
    {
        if (_feeds.TryGetValue(read.To, out SnapshotFeed? feed)
            && feed.Index == read.Snapshot.Index && feed.Offset == read.Offset)
        {
            return feed;
        }

        feed = new SnapshotFeed(read.Snapshot.Index, _snapshots.ReadChunks(read.Snapshot).GetEnumerator());
        _feeds[read.To] = feed;
        while (feed.Offset < read.Offset)
        {
            feed.Take();
        }

        return feed.Offset == read.Offset
            ? feed
            : throw new StorageException($"The snapshot at index {read.Snapshot.Index} has no chunk at {read.Offset}.");
    }

    private void ReceiveSnapshot(SnapshotChunk[] chunks)
    {
        foreach (SnapshotChunk chunk in chunks)
        {
            if (chunk.Offset == 0)
            {
                AbandonOwnSnapshot();
                _inboundWriter?.Abort();
                _inbound = chunk.Snapshot;
                _inboundWriter = _snapshots.Create(chunk.Snapshot);
            }

            if (_inboundWriter is null || _inbound?.Index != chunk.Snapshot.Index)
            {
                continue;
            }

            _inboundWriter.Write(chunk.Data.Span);
            if (chunk.Done)
            {
                _inboundWriter.Commit();
                _inboundWriter = null;
            }

            _raft.SnapshotChunkTaken(chunk);
            _raftHasWork = true;
        }
    }

    private void Install(SnapshotMetadata metadata)
    {
        _inbound = null;
        _raftHasWork = true;
        if (!_raft.SnapshotInstalled(metadata))
        {
            return;
        }

        _machine = Restore(_options, _snapshots, metadata);
        _bytesSinceSnapshot = 0;
        _previousSnapshot = metadata.Index;
        // Watches and sessions' moves were passed over; clients that come back arm their watches again.
        if (Has(ReplicaFaults.KeepClients))
        {
            return;
        }

        StopServing("this member was far behind and has caught up from a snapshot");
    }

    /// <summary>A snapshot being read for one follower, chunk by chunk; offsets count the chunks' bytes.</summary>
    private sealed class SnapshotFeed
    {
        private readonly IEnumerator<ReadOnlyMemory<byte>> _chunks;
        private bool _more;

        public SnapshotFeed(LogIndex index, IEnumerator<ReadOnlyMemory<byte>> chunks)
        {
            Index = index;
            _chunks = chunks;
            _more = chunks.MoveNext();
        }

        public LogIndex Index { get; }

        public long Offset { get; private set; }

        public (ReadOnlyMemory<byte> Chunk, bool Last) Take()
        {
            if (!_more)
            {
                throw new StorageException($"The snapshot at index {Index} ends before offset {Offset}.");
            }

            byte[] chunk = _chunks.Current.ToArray();
            Offset += chunk.Length;
            _more = _chunks.MoveNext();
            return (chunk, !_more);
        }
    }
}
