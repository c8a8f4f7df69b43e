using System.Net;
using Microsoft.Extensions.Logging;

namespace Orleans.Coord.Gateway;

/// <summary>The gateway's log lines. Event ids are stable: alarms may be built on them.</summary>
internal static partial class GatewayLog
{
    [LoggerMessage(100, LogLevel.Information, "Listening for clients on {EndPoint}")]
    public static partial void Listening(ILogger logger, EndPoint endPoint);

    [LoggerMessage(101, LogLevel.Information, "Stopped listening on {EndPoint}; {Connections} connections closed")]
    public static partial void Stopped(ILogger logger, EndPoint endPoint, int connections);

    [LoggerMessage(102, LogLevel.Error, "Accepting clients on {EndPoint} failed; trying again")]
    public static partial void AcceptFailed(ILogger logger, Exception exception, EndPoint endPoint);

    [LoggerMessage(103, LogLevel.Information, "Not listening on {EndPoint} as well: {Reason}")]
    public static partial void NoSecondLoopback(ILogger logger, EndPoint endPoint, string reason);

    [LoggerMessage(104, LogLevel.Error, "The changed TLS files cannot be used, the old ones serve on: {Reason}")]
    public static partial void OldCertificates(ILogger logger, string reason);

    [LoggerMessage(110, LogLevel.Warning, "Refused {Client}: {Reason}")]
    public static partial void Refused(ILogger logger, IPEndPoint client, string reason);

    [LoggerMessage(111, LogLevel.Warning, "Closed {Client}: {Reason}")]
    public static partial void Malformed(ILogger logger, IPEndPoint client, string reason);

    [LoggerMessage(112, LogLevel.Debug, "Closed {Client}: {Reason}")]
    public static partial void Closed(ILogger logger, IPEndPoint client, string reason);

    [LoggerMessage(113, LogLevel.Debug, "{Client} ended its connection: {How}")]
    public static partial void Ended(ILogger logger, IPEndPoint client, string how);

    [LoggerMessage(114, LogLevel.Error, "Closed {Client}: a fault in the gateway; please report it")]
    public static partial void Fault(ILogger logger, Exception exception, IPEndPoint client);

    [LoggerMessage(115, LogLevel.Warning, "{Count} more lines about closed connections left out in the last second")]
    public static partial void LeftOut(ILogger logger, long count);

    [LoggerMessage(116, LogLevel.Debug, "Answered {Word} to {Client}")]
    public static partial void Word(ILogger logger, string word, IPEndPoint client);
}
