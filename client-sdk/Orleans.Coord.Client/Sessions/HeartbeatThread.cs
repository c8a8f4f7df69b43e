using System.Diagnostics;

namespace Orleans.Coord.Client;

/// <summary>What the heartbeat thread keeps alive.</summary>
internal interface IHeartbeatTarget
{
    /// <summary>Does what is due and returns when to call again, in milliseconds of the thread's clock.</summary>
    long Beat(long nowMs);
}

/// <summary>
/// One thread per process that keeps every session alive. It needs no thread-pool thread: it sends the pings and
/// reads the answers itself, so a process whose pool is starved keeps its sessions.
/// </summary>
internal static class HeartbeatThread
{
    private static readonly Lock ListGate = new();
    private static readonly AutoResetEvent Nudged = new(initialState: false);
    private static readonly List<IHeartbeatTarget> Targets = [];
    private static bool _started;

    /// <summary>Milliseconds of a clock that never goes back.</summary>
    public static long NowMs => (long)Stopwatch.GetElapsedTime(0).TotalMilliseconds;

    public static void Register(IHeartbeatTarget target)
    {
        lock (ListGate)
        {
            Targets.Add(target);
            if (!_started)
            {
                _started = true;
                new Thread(Run)
                {
                    Name = "Orleans.Coord heartbeats",
                    IsBackground = true,
                    Priority = ThreadPriority.AboveNormal,
                }.Start();
            }
        }

        Nudge();
    }

    public static void Unregister(IHeartbeatTarget target)
    {
        lock (ListGate)
        {
            Targets.Remove(target);
        }
    }

    /// <summary>Makes the thread look at all targets now, since one's next moment came nearer.</summary>
    public static void Nudge() => Nudged.Set();

    private static void Run()
    {
        while (true)
        {
            IHeartbeatTarget[] targets;
            lock (ListGate)
            {
                targets = Targets.ToArray();
            }

            long next = long.MaxValue;
            foreach (IHeartbeatTarget target in targets)
            {
                next = Math.Min(next, target.Beat(NowMs));
            }

            // At least a millisecond, so that a target that asks for "now" cannot spin the thread.
            Nudged.WaitOne(next == long.MaxValue ? -1 : (int)Math.Clamp(next - NowMs, 1, int.MaxValue));
        }
    }
}
