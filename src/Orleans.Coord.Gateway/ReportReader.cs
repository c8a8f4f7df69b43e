namespace Orleans.Coord.Gateway;

/// <summary>Asks the replica for its figures, with patience: a turn may be long, or never come.</summary>
internal static class ReportReader
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(5);

    /// <summary>The figures; null while nothing is served, or if they do not come in time.</summary>
    public static async ValueTask<ServerStatistics?> TryReadAsync(this IServerReport? report, ReportParts parts)
    {
        if (report is null)
        {
            return null;
        }

        using var patience = new CancellationTokenSource(_patience);
        try
        {
            return await report.ReadAsync(parts, patience.Token);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    /// <summary>Ends a session; false if there is none, or it could not be ended in time.</summary>
    public static async ValueTask<bool> TryEndSessionAsync(this IServerReport? report, long sessionId)
    {
        if (report is null)
        {
            return false;
        }

        using var patience = new CancellationTokenSource(_patience);
        try
        {
            return await report.EndSessionAsync(sessionId, patience.Token);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
