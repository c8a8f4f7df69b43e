using System.Diagnostics;

namespace Orleans.Coord.Gateway;

/// <summary>
/// Minimum, mean and maximum of request latencies. Written in the replica's turn alone; readers on other threads may
/// see a measurement half noted, which monitoring can bear.
/// </summary>
public sealed class LatencyMeter
{
    private long _count;
    private long _ticks;
    private long _minTicks = long.MaxValue;
    private long _maxTicks;
    private long _lastTicks;

    /// <summary>The shortest, in whole milliseconds.</summary>
    public long MinMs => _count == 0 ? 0 : ToMs(_minTicks);

    /// <summary>The longest, in whole milliseconds.</summary>
    public long MaxMs => ToMs(_maxTicks);

    /// <summary>The newest, in whole milliseconds.</summary>
    public long LastMs => ToMs(_lastTicks);

    /// <summary>The mean, in milliseconds.</summary>
    public double AverageMs => _count == 0 ? 0 : _ticks * 1000.0 / Stopwatch.Frequency / _count;

    /// <summary>Forgets all measurements.</summary>
    public void Reset()
    {
        _count = 0;
        _ticks = 0;
        _minTicks = long.MaxValue;
        _maxTicks = 0;
        _lastTicks = 0;
    }

    internal void Add(long ticks, int requests)
    {
        _count += requests;
        _ticks += ticks * requests;
        _lastTicks = ticks;
        _minTicks = Math.Min(_minTicks, ticks);
        _maxTicks = Math.Max(_maxTicks, ticks);
    }

    private static long ToMs(long ticks) => ticks * 1000 / Stopwatch.Frequency;
}
