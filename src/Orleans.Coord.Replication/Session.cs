using Orleans.Coord.Jute;
using Orleans.Coord.Tree;

namespace Orleans.Coord.Replication;

/// <summary>Where a session's connection stands.</summary>
internal enum SessionState : byte
{
    /// <summary>The entry that creates or attaches the session is not applied yet; frames wait.</summary>
    Attaching,

    /// <summary>Requests are served.</summary>
    Live,

    /// <summary>The connection is closed or closing; nothing more is sent.</summary>
    Dead,
}

/// <summary>
/// One client's session as its connection's replica sees it: the owner of its request order and of its outgoing
/// stream. What outlives the connection (password, time-out, ephemerals) is in the replicated session table.
/// </summary>
internal sealed class Session(IClientConnection connection, ConnectRequest request, CallerIdentities identities)
{
    private readonly Queue<ClientFrames> _backlog = [];
    private (ClientFrames? Frames, int Offset) _interrupted;

    /// <summary>The client.</summary>
    public IClientConnection Connection { get; } = connection;

    /// <summary>What the client asked for when it connected.</summary>
    public ConnectRequest Request { get; } = request;

    /// <summary>Who the caller has shown to be; sent along with each write.</summary>
    public CallerIdentities Identities { get; } = identities;

    /// <summary>The SASL exchange, once one has begun.</summary>
    public DigestMd5Exchange? Sasl { get; set; }

    /// <summary>Session id; 0 until it is chosen.</summary>
    public long Id { get; set; }

    /// <summary>The password that the welcome carries.</summary>
    public ReadOnlyMemory<byte> Password { get; set; }

    /// <summary>Whether only this member knows the session; until its first write.</summary>
    public bool IsLocal { get; set; }

    /// <summary>Whether it is served reads only, as there was no quorum when it connected.</summary>
    public bool IsReadOnly { get; set; }

    /// <summary>Whether no leader watches over this connection's session.</summary>
    public bool IsUnlogged => IsLocal || IsReadOnly;

    /// <summary>Raised by each attach; writes of an older one are refused at apply.</summary>
    public int Generation { get; set; }

    /// <summary>Position of the session's last proposed write in this generation.</summary>
    public long LastPosition { get; set; }

    /// <summary>Where the connection stands.</summary>
    public SessionState State { get; set; }

    /// <summary>
    /// A request was received after which none is served any more: a goodbye, or one that ends in a close.
    /// </summary>
    public bool SaidLast { get; set; }

    /// <summary>
    /// Whether it stands in the replica's list of sessions to be served again after the next entries.
    /// </summary>
    public bool Stalled { get; set; }

    /// <summary>Syncs among the pending requests.</summary>
    public int Barriers { get; set; }

    /// <summary>Heartbeats that wait for the leader's word.</summary>
    public int WaitingPings { get; set; }

    /// <summary>When the log was told of it, on the monotonic clock; null while no answer is awaited.</summary>
    public long? AttachingSinceMs { get; set; }

    /// <summary>
    /// When, on the monotonic clock, the oldest pending request was asked for, or one before it was answered.
    /// </summary>
    public long ProgressMs { get; set; }

    /// <summary>Requests received and not yet answered.</summary>
    public PendingQueue Pending;

    /// <summary>Whether frames wait to be looked at.</summary>
    public bool HasBacklog => _interrupted.Frames is not null || _backlog.Count > 0;

    /// <summary>Keeps frames for later, behind all that wait already.</summary>
    public void Postpone(ClientFrames frames) => _backlog.Enqueue(frames);

    /// <summary>Keeps the frames that were being served, from an offset on: they come first when it goes on.</summary>
    public void Interrupt(ClientFrames frames, int offset)
    {
        Invariant.Check(_interrupted.Frames is null);
        _interrupted = (frames, offset);
    }

    /// <summary>Takes the oldest frames that wait, and where to go on in them.</summary>
    public (ClientFrames Frames, int Offset) TakeBacklog()
    {
        if (_interrupted is ({ } frames, int offset))
        {
            _interrupted = default;
            return (frames, offset);
        }

        return (_backlog.Dequeue(), 0);
    }

    /// <summary>Drops all that waits; the connection is gone.</summary>
    public void Abandon()
    {
        State = SessionState.Dead;
        while (Pending.Count > 0)
        {
            Finished(Pending.Dequeue().Frames);
        }

        while (HasBacklog)
        {
            Finished(TakeBacklog().Frames);
        }
    }

    /// <summary>One request (or the reading) of these frames is done; the last one gives the buffer back.</summary>
    public static void Finished(ClientFrames frames)
    {
        Invariant.Check(frames.Unfinished > 0);
        if (--frames.Unfinished == 0)
        {
            frames.Release();
        }
    }
}
