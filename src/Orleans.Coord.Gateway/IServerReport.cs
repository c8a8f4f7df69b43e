namespace Orleans.Coord.Gateway;

/// <summary>What the four-letter words need to know about the replica. The host gathers it in a turn.</summary>
public interface IServerReport
{
    /// <summary>Reads the figures at one moment.</summary>
    /// <param name="parts">Which of the costly parts are wanted.</param>
    /// <param name="cancellationToken">Cancelled when the client has waited long enough.</param>
    /// <returns>Null while the replica can't serve: the words then say so, as ZooKeeper's do.</returns>
    ValueTask<ServerStatistics?> ReadAsync(ReportParts parts, CancellationToken cancellationToken);

    /// <summary>Ends a session, as its expiry would, because an operator wants so.</summary>
    /// <param name="sessionId">Which.</param>
    /// <param name="cancellationToken">Cancelled when the operator has waited long enough.</param>
    /// <returns>False if there is no such session, or nobody can end it now.</returns>
    ValueTask<bool> EndSessionAsync(long sessionId, CancellationToken cancellationToken);
}

/// <summary>The parts of a report that take time in proportion to the number of sessions or watches.</summary>
[Flags]
public enum ReportParts
{
    /// <summary>Only the figures.</summary>
    None = 0,

    /// <summary><see cref="ServerStatistics.Sessions"/>.</summary>
    Sessions = 1,

    /// <summary><see cref="ServerStatistics.Watches"/>.</summary>
    Watches = 2,

    /// <summary><see cref="ServerStatistics.Digests"/>.</summary>
    Digests = 4,
}
