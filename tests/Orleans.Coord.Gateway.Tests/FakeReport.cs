namespace Orleans.Coord.Gateway.Tests;

/// <summary>A replica's figures, made up.</summary>
internal sealed class FakeReport : IServerReport
{
    public ServerStatistics? Statistics { get; set; } = Sample;

    /// <summary>Whether it never answers.</summary>
    public bool IsStuck { get; init; }

    public ReportParts LastParts { get; private set; }

    public static ServerStatistics Sample { get; } = new()
    {
        Mode = "standalone",
        LastZxid = 0x1f,
        ZnodeCount = 8,
        EphemeralCount = 1,
        ApproximateDataBytes = 53,
        SessionCount = 2,
        WatchCount = 3,
        WatchedPaths = 2,
        WatchingSessions = 2,
        Configuration = new ServerConfiguration
        {
            DataDirectory = "/data/version-2",
            DataDirectoryBytes = 67109337,
            LogDirectory = "/log/version-2",
            LogDirectoryBytes = 4096,
            ServerId = 3,
        },
        Sessions =
        [
            new SessionReport(0x1000018d0b70000, 10_000, At(40), ["/e", "/f"]),
            new SessionReport(0x1000018d0b70001, 10_000, At(40), []),
            new SessionReport(0x1000018d0b70002, 30_000, At(20), []),
        ],
        Watches = [new("/a", 0x10), new("/a", 0x11), new("/a/b", 0x10), new("/a/b", 0x10)],
    };

    public async ValueTask<ServerStatistics?> ReadAsync(ReportParts parts, CancellationToken cancellationToken)
    {
        LastParts = parts;
        if (IsStuck)
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }

        return Statistics;
    }

    public List<long> EndedSessions { get; } = [];

    public ValueTask<bool> EndSessionAsync(long sessionId, CancellationToken cancellationToken)
    {
        EndedSessions.Add(sessionId);
        return ValueTask.FromResult(sessionId != 0);
    }

    private static DateTimeOffset At(int second) => new(2026, 11, 21, 3, 10, second, TimeSpan.Zero);
}
