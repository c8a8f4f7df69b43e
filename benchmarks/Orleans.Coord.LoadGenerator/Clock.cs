using System.Diagnostics;

namespace Orleans.Coord.LoadGenerator;

/// <summary>Monotonic nanoseconds; on Linux, the only platform of this tool, a stopwatch tick is one.</summary>
internal static class Clock
{
    public const long Second = 1_000_000_000;

    public static long Now => Stopwatch.GetTimestamp();

    public static long FromMilliseconds(long milliseconds) => milliseconds * 1_000_000;

    public static long FromSeconds(double seconds) => (long)(seconds * Second);
}
