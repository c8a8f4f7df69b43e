using System.Net;
using Microsoft.Extensions.Logging;

namespace Orleans.Coord.Client;

/// <summary>What the client says of itself.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Connected to {Server}: session {SessionId:x}, time-out {TimeoutMs} ms")]
    public static partial void Connected(ILogger logger, EndPoint server, long sessionId, int timeoutMs);

    [LoggerMessage(2, LogLevel.Warning, "Connection to {Server} of session {SessionId:x} lost: {Reason}")]
    public static partial void ConnectionLost(ILogger logger, EndPoint server, long sessionId, string reason);

    [LoggerMessage(3, LogLevel.Information, "No connection to {Server}: {Reason}")]
    public static partial void ConnectFailed(ILogger logger, EndPoint server, string reason);

    [LoggerMessage(4, LogLevel.Error, "Session {SessionId:x} has expired: {Reason}")]
    public static partial void Expired(ILogger logger, long sessionId, string reason);

    [LoggerMessage(5, LogLevel.Error, "The server refused the credential of scheme {Scheme}: {Code}")]
    public static partial void AuthRefused(ILogger logger, string scheme, CoordErrorCode code);
}
