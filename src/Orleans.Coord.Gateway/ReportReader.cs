namespace Orleans.Coord.Gateway;

/// <summary>Asks the replica, with patience: a turn may be long, or never come.</summary>
internal static class ReportReader
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(5);

    /// <summary>The figures; null while nothing is served, or if they do not come in time.</summary>
    public static ValueTask<ServerStatistics?> TryReadAsync(this IServerReport? report, ReportParts parts) =>
        InTimeAsync(report, (replica, patience) => replica.ReadAsync(parts, patience));

    /// <summary>Ends a session; false if there is none, or it could not be ended in time.</summary>
    public static ValueTask<bool> TryEndSessionAsync(this IServerReport? report, long sessionId) =>
        InTimeAsync(report, (replica, patience) => replica.EndSessionAsync(sessionId, patience));

    /// <summary>Whether the replica takes a turn in time, be it to say that it serves nobody.</summary>
    public static ValueTask<bool> TakesTurnsAsync(this IServerReport? report) =>
        InTimeAsync(report, static async (replica, patience) =>
        {
            await replica.ReadAsync(ReportParts.None, patience);
            return true;
        });

    private static async ValueTask<T?> InTimeAsync<T>(
        IServerReport? report, Func<IServerReport, CancellationToken, ValueTask<T>> ask)
    {
        if (report is null)
        {
            return default;
        }

        using var patience = new CancellationTokenSource(_patience);
        try
        {
            return await ask(report, patience.Token);
        }
        catch (OperationCanceledException)
        {
            return default;
        }
    }
}
