namespace Orleans.Coord.Gateway;

/// <summary>
/// Back-pressure of all connections together: while too many requests are unexecuted, nobody is read on. And the room
/// for large requests, of which a few could fill the memory.
/// </summary>
internal sealed class SharedIntake(int maxRequests, int largeRequestBytes, long maxLargeBytes)
{
    private readonly Lock _lock = new();
    private readonly List<IntakeGate> _waiting = [];
    private int _requests;
    private int _waiters;
    private long _largeBytes;
    private long _waits;
    private long _rejectedLarge;

    /// <summary>How often a connection had to wait for requests of all.</summary>
    public long Waits => Volatile.Read(ref _waits);

    /// <summary>Large requests for which there was no room.</summary>
    public long RejectedLarge => Volatile.Read(ref _rejectedLarge);

    /// <summary>Requests were posted.</summary>
    public void Enter(int frames) => Interlocked.Add(ref _requests, frames);

    /// <summary>Requests were executed. At half of the limit those who wait go on.</summary>
    public void Leave(int frames)
    {
        int requests = Interlocked.Add(ref _requests, -frames);
        Invariant.Check(requests >= 0);
        if (requests > maxRequests / 2 || Volatile.Read(ref _waiters) == 0)
        {
            return;
        }

        IntakeGate[] gates;
        lock (_lock)
        {
            gates = [.. _waiting];
            _waiting.Clear();
            Volatile.Write(ref _waiters, 0);
        }

        foreach (IntakeGate gate in gates)
        {
            gate.SharedHasRoom();
        }
    }

    /// <summary>Whether a connection must wait until its gate is told that there is room.</summary>
    public bool MustWait(IntakeGate gate)
    {
        if (maxRequests <= 0 || Volatile.Read(ref _requests) < maxRequests)
        {
            return false;
        }

        lock (_lock)
        {
            // Listed first, looked at again afterwards: whoever makes room between the two sees it in the list.
            _waiting.Add(gate);
            Interlocked.Exchange(ref _waiters, _waiting.Count);
            if (Volatile.Read(ref _requests) >= maxRequests)
            {
                _waits++;
                return true;
            }

            _waiting.RemoveAt(_waiting.Count - 1);
            Volatile.Write(ref _waiters, _waiting.Count);
            return false;
        }
    }

    /// <summary>Whether a request of this length is a large one.</summary>
    public bool IsLarge(int length) => largeRequestBytes > 0 && length > largeRequestBytes;

    /// <summary>Takes room for a large request; false when there is none.</summary>
    public bool TryEnterLarge(int length)
    {
        if (Interlocked.Add(ref _largeBytes, length) <= maxLargeBytes)
        {
            return true;
        }

        LeaveLarge(length);
        Interlocked.Increment(ref _rejectedLarge);
        return false;
    }

    /// <summary>Gives the room back.</summary>
    public void LeaveLarge(int length) => Invariant.Check(Interlocked.Add(ref _largeBytes, -length) >= 0);
}
