namespace Orleans.Coord.Grains;

/// <summary>
/// One connection of a session, without a socket; the key is made up by the client, a new one for each connection.
/// Lives on the silo that the first call reaches, and is served by that silo's replica. What it carries is
/// ZooKeeper's protocol: a connect request and its answer, then requests, replies and watch events. A session outlives
/// its connections: a client that loses one presents the session's id and password through another grain.
/// </summary>
[Alias("coord.ISessionGrain")]
public interface ISessionGrain : IGrainWithGuidKey
{
    /// <summary>
    /// Takes whole frames, each with its four bytes of length; the first one of all is the connect request. Returns
    /// when there is room for more. A batch that came before is passed over, so a call that failed may be repeated.
    /// </summary>
    /// <param name="number">1 for the first batch, then one more each time.</param>
    /// <param name="received">The newest output that the client has: what is kept up to it is forgotten.</param>
    /// <param name="frames">At most some hundred kilobytes, unless one frame alone is larger.</param>
    /// <exception cref="ReplicaRefusedException">The connection is not here, or is over.</exception>
    [Alias("Send")]
    [ResponseTimeout("00:00:05")]
    Task SendAsync(long number, long received, [Immutable] byte[] frames);

    /// <summary>
    /// What the replica sends, in order and without a gap. Ends when the replica closes the connection. After a break
    /// it can be called again, with the newest number that came.
    /// </summary>
    /// <param name="after">The newest output that the client has; 0 for none.</param>
    /// <param name="cancellation">Ends the stream.</param>
    /// <exception cref="ReplicaRefusedException">The connection is not here, or the output is not kept.</exception>
    [Alias("Receive")]
    IAsyncEnumerable<SessionOutput> ReceiveAsync(long after, CancellationToken cancellation = default);

    /// <summary>The client lets go of the connection; its session lives on until it expires.</summary>
    [Alias("Close")]
    Task CloseAsync();
}

/// <summary>Frames that a turn of the replica sent to one connection.</summary>
/// <param name="Number">1 for the first, then one more each time.</param>
/// <param name="Frames">Replies and events, each with its four bytes of length.</param>
[GenerateSerializer]
[Immutable]
[Alias("coord.SessionOutput")]
public readonly record struct SessionOutput([property: Id(0)] long Number, [property: Id(1)] byte[] Frames);
