using System.Runtime.InteropServices;

namespace Orleans.Coord.Replication;

/// <summary>
/// The leader's memory of when each session was last heard of. Deadlines are kept in tick buckets, as in ZooKeeper's
/// expiry queue, but lazily: a touch only moves the deadline, and a session found early in its bucket goes to a later
/// one. Not replicated: a new leader grants every session a full time-out.
/// </summary>
public sealed class SessionLeases
{
    private readonly int _bucketMs;
    private readonly Dictionary<long, Lease> _leases = [];
    private readonly Dictionary<long, List<long>> _buckets = [];
    private long _nextBucket = long.MinValue;

    /// <summary>Creates an empty table.</summary>
    /// <param name="bucketMs">Resolution of expiry, milliseconds; a session lives up to this much longer.</param>
    public SessionLeases(int bucketMs)
    {
        Invariant.Check(bucketMs > 0);
        _bucketMs = bucketMs;
    }

    /// <summary>Number of sessions watched over.</summary>
    public int Count => _leases.Count;

    /// <summary>Starts or renews a session's lease.</summary>
    public void Grant(long sessionId, int generation, int timeoutMs, long nowMs)
    {
        Invariant.Check(timeoutMs > 0);
        ref Lease lease = ref CollectionsMarshal.GetValueRefOrAddDefault(_leases, sessionId, out bool exists);
        lease.Generation = generation;
        lease.TimeoutMs = timeoutMs;
        lease.DeadlineMs = nowMs + timeoutMs;
        if (!exists || lease.Expiring)
        {
            lease.Expiring = false;
            PutInBucket(sessionId, lease.DeadlineMs);
        }
    }

    /// <summary>The session was heard of.</summary>
    public void Touch(long sessionId, long nowMs)
    {
        ref Lease lease = ref CollectionsMarshal.GetValueRefOrNullRef(_leases, sessionId);
        if (!System.Runtime.CompilerServices.Unsafe.IsNullRef(ref lease))
        {
            lease.DeadlineMs = nowMs + lease.TimeoutMs;
        }
    }

    /// <summary>The session has ended.</summary>
    public void Remove(long sessionId) => _leases.Remove(sessionId);

    /// <summary>This member leads no more: deadlines are another's.</summary>
    public void Clear()
    {
        _leases.Clear();
        _buckets.Clear();
        _nextBucket = long.MinValue;
    }

    /// <summary>The leader itself was away: nobody could be heard, so everybody gets a full time-out again.</summary>
    public void GrantAll(long nowMs)
    {
        foreach (long id in _leases.Keys)
        {
            Touch(id, nowMs);
        }
    }

    /// <summary>Milliseconds until the deadline, negative once it has passed; null for an unknown session.</summary>
    public long? Remaining(long sessionId, long nowMs) =>
        _leases.TryGetValue(sessionId, out Lease lease) ? lease.DeadlineMs - nowMs : null;

    /// <summary>All sessions, each with its time-out and the time left, milliseconds; not to be held.</summary>
    public IEnumerable<(long SessionId, int TimeoutMs, long RemainingMs)> All(long nowMs) =>
        _leases.Select(lease => (lease.Key, lease.Value.TimeoutMs, lease.Value.DeadlineMs - nowMs));

    /// <summary>
    /// Finds sessions whose deadline has passed, each once until it is granted again, at most
    /// <paramref name="max"/> of them; the rest stay for the next call, so that a mass expiry spreads.
    /// </summary>
    public void CollectExpired(long nowMs, int max, List<(long SessionId, int Generation)> expired)
    {
        if (_nextBucket == long.MinValue)
        {
            return;
        }

        long current = nowMs / _bucketMs;
        while (_nextBucket <= current && _buckets.Count > 0)
        {
            if (_buckets.TryGetValue(_nextBucket, out List<long>? bucket) && !EmptyBucket(bucket, nowMs, max, expired))
            {
                return;
            }

            _buckets.Remove(_nextBucket);
            _nextBucket++;
        }
    }

    private bool EmptyBucket(List<long> bucket, long nowMs, int max, List<(long SessionId, int Generation)> expired)
    {
        while (bucket.Count > 0)
        {
            if (expired.Count >= max)
            {
                return false;
            }

            long id = bucket[^1];
            bucket.RemoveAt(bucket.Count - 1);
            ref Lease lease = ref CollectionsMarshal.GetValueRefOrNullRef(_leases, id);
            if (System.Runtime.CompilerServices.Unsafe.IsNullRef(ref lease) || lease.Expiring)
            {
                continue;
            }

            if (lease.DeadlineMs > nowMs)
            {
                PutInBucket(id, lease.DeadlineMs);
                continue;
            }

            lease.Expiring = true;
            expired.Add((id, lease.Generation));
        }

        return true;
    }

    // A bucket holds the sessions whose deadline lies before its end, so it is looked at once all have passed.
    private void PutInBucket(long sessionId, long deadlineMs)
    {
        long number = (deadlineMs / _bucketMs) + 1;
        if (_nextBucket == long.MinValue || number < _nextBucket || _buckets.Count == 0)
        {
            _nextBucket = number;
        }

        ref List<long>? bucket = ref CollectionsMarshal.GetValueRefOrAddDefault(_buckets, number, out _);
        (bucket ??= []).Add(sessionId);
    }

    private struct Lease
    {
        public int Generation;
        public int TimeoutMs;
        public long DeadlineMs;
        public bool Expiring;
    }
}
