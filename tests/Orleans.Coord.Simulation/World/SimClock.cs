using Orleans.Coord.Replication;

namespace Orleans.Coord.Simulation;

/// <summary>A member's two clocks: the monotonic one may run fast or slow, the other also jump and stop.</summary>
internal sealed class SimClock(SimScheduler time, int driftPermille)
{
    private const long StartWallMs = 1_600_000_000_000;
    private const long StartMonotonicMs = 1_000_000;
    private long _offsetMs;
    private long? _frozenAtMs;

    public TurnTime Now => new(_frozenAtMs ?? WallMs, StartMonotonicMs + ElapsedMs);

    public void Jump(long ms) => _offsetMs += ms;

    public void Freeze() => _frozenAtMs ??= WallMs;

    public void Thaw() => _frozenAtMs = null;

    private long ElapsedMs => time.NowUs / 1000 * (1000 + driftPermille) / 1000;

    private long WallMs => StartWallMs + ElapsedMs + _offsetMs;
}
