namespace Orleans.Coord.Grains;

/// <summary>
/// One member of the consensus group; the key is its replica id, with the id of the member whose silo stands in for
/// its own in the bits above. Lives on the silo that owns the member's data and nowhere else: a call fails while no
/// such silo is active.
/// </summary>
[Alias("coord.IReplicaGrain")]
public interface IReplicaGrain : IGrainWithIntegerKey
{
    /// <summary>
    /// Brings envelopes of the consensus group to the member's mailbox, and returns when they are in it. A sender
    /// makes one call at a time and gathers meanwhile: Orleans keeps no order between calls, and a reordered envelope
    /// costs a resending. An answer also tells the sender that the link works.
    /// </summary>
    /// <param name="from">Replica id of the sender.</param>
    /// <param name="incarnation">The sender's data: others under the same id are refused.</param>
    /// <param name="generation">Rises each time the sender's data are opened: an earlier opener is refused.</param>
    /// <param name="envelopes">Each with four bytes of length before it, big-endian.</param>
    /// <exception cref="ReplicaRefusedException">The member is not here, or does not talk to this sender.</exception>
    [Alias("Receive")]
    [ResponseTimeout("00:00:02")]
    Task ReceiveAsync(byte from, ulong incarnation, long generation, [Immutable] byte[] envelopes);

    /// <summary>
    /// The member as <c>/zookeeper/config</c> is to show it, <c>server.ID=host:port:port:observer;host:port</c>: the
    /// address of its silo, and the one for clients.
    /// </summary>
    /// <exception cref="ReplicaRefusedException">The member is not here.</exception>
    [Alias("Describe")]
    [ResponseTimeout("00:00:02")]
    Task<string> DescribeAsync();
}
