namespace Orleans.Coord.Simulation;

/// <summary>Virtual time, and what is to happen when. Microseconds since the world began.</summary>
internal sealed class SimScheduler
{
    private readonly PriorityQueue<Action, (long At, long Order)> _due = new();
    private const int MaxActions = 1_000_000;
    private long _order;
    private int _ran;

    public long NowUs { get; private set; }

    public int Pending => _due.Count;

    public void After(long delayUs, Action action) => At(NowUs + delayUs, action);

    /// <summary>What is due at the same time happens in the order in which it was asked for.</summary>
    public void At(long us, Action action)
    {
        Invariant.Check(us >= NowUs);
        _due.Enqueue(action, (us, _order++));
    }

    /// <summary>Runs the next thing that is due by a time; false, at that time, if there is none.</summary>
    public bool RunNext(long untilUs)
    {
        if (!_due.TryPeek(out _, out (long At, long Order) next) || next.At > untilUs)
        {
            NowUs = Math.Max(NowUs, untilUs);
            return false;
        }

        SimViolationException.Unless(++_ran < MaxActions, "livelock", "too much happens for so little time");
        Action action = _due.Dequeue();
        NowUs = next.At;
        action();
        return true;
    }
}
