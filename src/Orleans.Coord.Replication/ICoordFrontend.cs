using System.Net;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Replication;

/// <summary>
/// What client connections talk to: the replica, through its host's mailbox. Every method posts and returns at once,
/// may be called from any thread, and keeps the order of one caller's posts.
/// </summary>
public interface ICoordFrontend
{
    /// <summary>A client's first frame, decoded. The answer goes to <see cref="IClientConnection.Output"/>.</summary>
    void Connect(IClientConnection connection, ConnectRequest request);

    /// <summary>
    /// Whole request frames, each with its four bytes of length, in the order they came. The replica calls
    /// <see cref="ClientFrames.Release"/> once all of them are executed.
    /// </summary>
    void Receive(IClientConnection connection, ClientFrames frames);

    /// <summary>The connection is gone; its session lives on until it expires.</summary>
    void Disconnected(IClientConnection connection);

    /// <summary>Runs an inspection (four-letter words, metrics) in the replica's turn.</summary>
    void Inspect(Action<Replica> inspection);

    /// <summary>
    /// Called by a connection in a turn, at most once a turn: it has output. The host calls its two
    /// <see cref="ITurnOutput"/> methods when the turn ends.
    /// </summary>
    void FlushLater(ITurnOutput output);
}

/// <summary>
/// One client's connection, as the replica sees it. All members but the addresses are for its turn only.
/// </summary>
public interface IClientConnection
{
    /// <summary>The client's address.</summary>
    IPEndPoint RemoteEndPoint { get; }

    /// <summary>What the connection itself proves, for instance <c>x509</c> and a certificate's subject.</summary>
    IReadOnlyList<(string Scheme, string Id)> TransportIdentities => [];

    /// <summary>
    /// Where the replica appends reply and event frames, each with its length. The host sends what is there after
    /// the turn, in one socket write.
    /// </summary>
    JuteWriter Output { get; }

    /// <summary>The replica's own state for this connection, kept here to spare a look-up.</summary>
    object? Attachment { get; set; }

    /// <summary>Something was appended to <see cref="Output"/>: send it when the turn ends. Cheap to repeat.</summary>
    void FlushAfterTurn();

    /// <summary>Send what is in <see cref="Output"/>, then close. The reason goes to the log.</summary>
    void Close(string reason);
}

/// <summary>Request frames on their way through the replica, in a pooled buffer.</summary>
public abstract class ClientFrames
{
    /// <summary>The frames, each with its four bytes of length.</summary>
    public abstract ReadOnlyMemory<byte> Bytes { get; }

    // Requests of these frames not yet executed, plus one while they are being read. The replica counts.
    internal int Unfinished { get; set; }

    /// <summary>All requests in it are executed: the buffer may be reused, and the connection may read on.</summary>
    public abstract void Release();
}
