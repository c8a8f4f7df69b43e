using System.Net;

namespace Orleans.Coord.Replication;

/// <summary>
/// Carries envelopes between the members of a group. Best effort: an envelope may be lost (never changed), and links
/// keep order only while they last. Called by the replica in its turn; nothing here waits.
/// </summary>
public interface IPeerTransport
{
    /// <summary>Queues an envelope for a member; the bytes are copied. Dropped where its queue is full.</summary>
    void Send(ReplicaId to, ReadOnlySpan<byte> envelope);

    /// <summary>
    /// Names the other members from now on, and where each listens; called in the turn that learns of a change, with
    /// all of them each time. Links to those who stay where they were go on undisturbed. A transport that finds members
    /// by their ids alone need not care.
    /// </summary>
    /// <param name="peers">The others.</param>
    /// <param name="refused">Who was a member once and must not be linked.</param>
    void SetPeers(IReadOnlyDictionary<ReplicaId, DnsEndPoint> peers, IReadOnlySet<ReplicaId> refused)
    {
    }

    /// <summary>The turn is over: what was queued goes out, in one write for each link.</summary>
    void Flush();
}

/// <summary>Receives what a transport brings. Called from its threads: posts to the mailbox.</summary>
public interface IPeerObserver
{
    /// <summary>
    /// An envelope came. The receiver keeps slices of it, so the memory belongs to it from now on and is never reused.
    /// </summary>
    void Received(ReplicaId from, ReadOnlyMemory<byte> envelope);

    /// <summary>The link to a member broke, or could not be made: what was queued for it is lost.</summary>
    void Unreachable(ReplicaId peer);
}
