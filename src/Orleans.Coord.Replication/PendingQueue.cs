using Orleans.Coord.Jute;

namespace Orleans.Coord.Replication;

/// <summary>What a queued request waits for.</summary>
internal enum PendingKind : byte
{
    /// <summary>Its entry's turn to be applied.</summary>
    Write,

    /// <summary>A read-index barrier.</summary>
    Barrier,

    /// <summary>Only for the requests of its session before it.</summary>
    Local,
}

/// <summary>A request that was received and not yet answered.</summary>
internal struct PendingRequest
{
    public PendingKind Kind;
    public OpCode Op;
    public int Xid;
    public CoordErrorCode Code;
    public ulong Ticket;
    public ClientFrames Frames;
    public int Offset;
    public int Length;
}

/// <summary>A session's requests in the order they came: a ring that grows and is reused.</summary>
internal struct PendingQueue
{
    private PendingRequest[]? _ring;
    private int _head;

    /// <summary>Requests waiting.</summary>
    public int Count { get; private set; }

    /// <summary>The oldest request; only when <see cref="Count"/> is above 0.</summary>
    public readonly ref PendingRequest Head => ref this[0];

    /// <summary>The requests from the oldest, 0, on.</summary>
    public readonly ref PendingRequest this[int i]
    {
        get
        {
            Invariant.Check((uint)i < (uint)Count);
            return ref _ring![(_head + i) & (_ring.Length - 1)];
        }
    }

    /// <summary>Adds a request at the end.</summary>
    public void Enqueue(in PendingRequest request)
    {
        _ring ??= new PendingRequest[4];
        if (Count == _ring.Length)
        {
            Grow();
        }

        _ring[(_head + Count) & (_ring.Length - 1)] = request;
        Count++;
    }

    /// <summary>Takes the oldest request away.</summary>
    public PendingRequest Dequeue()
    {
        PendingRequest request = Head;
        _ring![_head] = default;
        _head = (_head + 1) & (_ring.Length - 1);
        Count--;
        return request;
    }

    /// <summary>The barrier with this ticket is passed: it waits for the requests before it only.</summary>
    public readonly void Pass(ulong ticket)
    {
        for (int i = 0; i < Count; i++)
        {
            ref PendingRequest request = ref this[i];
            if (request.Kind == PendingKind.Barrier && request.Ticket == ticket)
            {
                request.Kind = PendingKind.Local;
                return;
            }
        }
    }

    private void Grow()
    {
        var larger = new PendingRequest[_ring!.Length * 2];
        for (int i = 0; i < Count; i++)
        {
            larger[i] = _ring[(_head + i) & (_ring.Length - 1)];
        }

        _ring = larger;
        _head = 0;
    }
}
