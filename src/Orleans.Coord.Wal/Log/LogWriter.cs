using Orleans.Coord.Consensus;
using Orleans.Coord.Replication;

namespace Orleans.Coord.Wal;

/// <summary>What became of a step of the writer.</summary>
internal enum WriterStep
{
    /// <summary>Nothing waits.</summary>
    Idle,

    /// <summary>A batch was written and synced.</summary>
    Wrote,

    /// <summary>The disk is full; the batch in hand is tried again once there is space.</summary>
    OutOfSpace,

    /// <summary>A write or sync failed, now or before. Final.</summary>
    Failed,
}

/// <summary>
/// Puts what waits on disk: everything queued becomes one batch, one write, one sync, one completion. A batch is
/// written only when the one before is synced; recovery relies on it. Has no thread of its own.
/// </summary>
internal sealed class LogWriter(
    LogFiles files, AppendQueue queue, LogMap map, SpaceMonitor space, int maxBatchBytes, LogPosition start)
{
    private readonly BatchEncoder _encoder = new();

    // Orders completions and the failure, which may come from another thread, after which there is none.
    private readonly Lock _gate = new();
    private Segment _segment = start.Segment;
    private long _sequence = start.NextSequence;
    private HardState _hardState = start.HardState;
    private BatchWork _work;
    private bool _inHand;
    private volatile bool _failed;

    /// <summary>The newest durable hard state; read by the replica while it is changed by the writer.</summary>
    internal HardState HardState
    {
        get
        {
            lock (_gate)
            {
                return _hardState;
            }
        }
    }

    internal bool HasFailed => _failed;

    /// <summary>Bugs to plant; for tests only.</summary>
    internal WalFaults Faults { get; init; }

    /// <summary>Writes one batch of all that waits, if any.</summary>
    internal WriterStep WriteOnce(ILogStoreObserver observer)
    {
        if (_failed)
        {
            return WriterStep.Failed;
        }

        try
        {
            return TakeWork() ? Write(observer) : WriterStep.Idle;
        }
        catch (DiskException e)
        {
            Fail(e, observer);
            return WriterStep.Failed;
        }
    }

    /// <summary>Stops for good: what is in hand or waits will never be acknowledged.</summary>
    internal void Fail(DiskException cause, ILogStoreObserver observer)
    {
        lock (_gate)
        {
            if (_failed)
            {
                return;
            }

            _failed = true;
            observer.Failed(Refusal.DiskFailed(cause));
        }
    }

    private bool TakeWork()
    {
        if (!_inHand)
        {
            _inHand = queue.Take(maxBatchBytes, out _work);
            if (_inHand)
            {
                _work.HardState = (Faults & WalFaults.DropHardState) != 0 ? null : _work.HardState;
                Encode();
            }
        }

        return _inHand;
    }

    private void Encode()
    {
        _encoder.Begin();
        foreach (ref readonly Entry entry in queue.InHand)
        {
            _encoder.Add(in entry);
        }
    }

    private WriterStep Write(ILogStoreObserver observer)
    {
        try
        {
            if (_segment.End + _encoder.FramedBytes > _segment.Header.Capacity)
            {
                space.Check(observer);
                _segment = files.Start(_encoder.FramedBytes, _sequence, map.LastIndex, _hardState);
                map.Add(_segment);
            }
        }
        catch (DiskException e) when (e.Error == DiskError.NoSpace)
        {
            space.MarkFull(observer);
            return WriterStep.OutOfSpace;
        }

        Segment segment = _segment;
        BatchHeader header = Header(segment.End);
        try
        {
            segment.File.Write(segment.End, _encoder.Seal(header, segment.Seed, segment.End));
        }
        catch (DiskException e) when (e.Error == DiskError.NoSpace)
        {
            // Zeroed blocks are normally reused; a copy-on-write file system needs new ones. Nothing was promised.
            space.MarkFull(observer);
            return WriterStep.OutOfSpace;
        }

        if ((Faults & WalFaults.SkipSync) == 0)
        {
            segment.File.Sync();
        }

        Complete(segment, header, observer);
        return WriterStep.Wrote;
    }

    private BatchHeader Header(long offset)
    {
        ReadOnlySpan<Entry> entries = queue.InHand;
        LogIndex first = entries.Length > 0 ? entries[0].Index
            : _work.ResetTerm is not null ? _work.ResetIndex.Next
            : map.LastIndex.Next;
        return new BatchHeader(
            _sequence, _encoder.BodyBytes, first, entries.Length, _work.HardState, _work.ResetTerm, offset);
    }

    private void Complete(Segment segment, in BatchHeader header, ILogStoreObserver observer)
    {
        map.Add(segment, segment.End, header);
        segment.End += header.FramedBytes;
        _sequence++;
        queue.Release();
        _inHand = false;
        files.Used(segment);
        lock (_gate)
        {
            _hardState = header.HardState ?? _hardState;

            // A failure elsewhere (a snapshot, a spare) forbids every later promise, this one included.
            if (!_failed)
            {
                observer.Persisted(_work.Token);
            }
        }
    }
}
