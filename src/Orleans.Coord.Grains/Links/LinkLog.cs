using Microsoft.Extensions.Logging;

namespace Orleans.Coord.Grains.Links;

/// <summary>What the links tell the operator.</summary>
internal static partial class LinkLog
{
    [LoggerMessage(1, LogLevel.Information, "Replica {Peer} answers again")]
    public static partial void Up(ILogger logger, ReplicaId peer);

    [LoggerMessage(2, LogLevel.Warning, "Replica {Peer} cannot be reached: {Reason}")]
    public static partial void Down(ILogger logger, ReplicaId peer, string reason);
}
