using System.Net;
using Microsoft.Extensions.Logging;

namespace Orleans.Coord.Tcp;

/// <summary>The transport's log lines. Event ids are stable: alarms may be built on them.</summary>
internal static partial class PeerLog
{
    [LoggerMessage(200, LogLevel.Information, "Member {Self} of {Cluster} listens for the others on {EndPoint}")]
    public static partial void Listening(ILogger logger, ReplicaId self, string cluster, EndPoint endPoint);

    [LoggerMessage(201, LogLevel.Information, "Stopped listening for the other members on {EndPoint}")]
    public static partial void Stopped(ILogger logger, EndPoint endPoint);

    [LoggerMessage(202, LogLevel.Error, "Accepting members on {EndPoint} failed; trying again")]
    public static partial void AcceptFailed(ILogger logger, Exception exception, EndPoint endPoint);

    [LoggerMessage(210, LogLevel.Information, "Linked to member {Peer} at {Address}")]
    public static partial void Linked(ILogger logger, ReplicaId peer, string address);

    [LoggerMessage(211, LogLevel.Warning, "The link to member {Peer} broke: {Reason}")]
    public static partial void Broke(ILogger logger, ReplicaId peer, string reason);

    [LoggerMessage(212, LogLevel.Warning, "Cannot link to member {Peer} at {Address}: {Reason}; trying on")]
    public static partial void CannotLink(ILogger logger, ReplicaId peer, string address, string reason);

    [LoggerMessage(213, LogLevel.Information, "Member {Peer} has linked from {Remote}")]
    public static partial void Accepted(ILogger logger, ReplicaId peer, EndPoint? remote);

    [LoggerMessage(214, LogLevel.Information, "The link from member {Peer} ended: {Reason}")]
    public static partial void Ended(ILogger logger, ReplicaId peer, string reason);

    [LoggerMessage(215, LogLevel.Warning, "More than {Bytes} bytes wait for member {Peer}: envelopes are dropped")]
    public static partial void QueueFull(ILogger logger, int bytes, ReplicaId peer);

    [LoggerMessage(216, LogLevel.Warning, "Envelopes for member {Peer} are dropped: it is not in the configuration")]
    public static partial void NoAddress(ILogger logger, ReplicaId peer);

    [LoggerMessage(217, LogLevel.Information, "Member {Peer} is no peer any more, or has another address")]
    public static partial void Left(ILogger logger, ReplicaId peer);

    [LoggerMessage(
        218, LogLevel.Information, "Member {Peer} is new here and listens at {Host}:{Port}: linked for the time being")]
    public static partial void Guest(ILogger logger, ReplicaId peer, string host, int port);

    [LoggerMessage(220, LogLevel.Warning, "Refused {Remote}: {Reason}")]
    public static partial void Refused(ILogger logger, EndPoint? remote, string reason);

    [LoggerMessage(221, LogLevel.Warning, "Closed {Remote}: {Reason}")]
    public static partial void Malformed(ILogger logger, EndPoint? remote, string reason);

    [LoggerMessage(222, LogLevel.Error, "Closed the link with {Other}: a fault in this member; please report it")]
    public static partial void Fault(ILogger logger, Exception exception, string other);

    [LoggerMessage(223, LogLevel.Warning, "{Count} more lines about closed connections left out")]
    public static partial void LeftOut(ILogger logger, long count);
}
