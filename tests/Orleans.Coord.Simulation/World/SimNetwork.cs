using Orleans.Coord.Wal;

namespace Orleans.Coord.Simulation;

/// <summary>
/// The links: between members envelopes are lost, repeated, late and out of order; between a client and a member bytes
/// come in order or, once the link is cut, not any more.
/// </summary>
internal sealed class SimNetwork(SimWorld world)
{
    private readonly SplitMix64 _random = new(world.Random.Next());
    private readonly bool[,] _cut = new bool[SimOptions.MaxIds + 1, SimOptions.MaxIds + 1];
    private readonly HashSet<(int Client, int Member)> _clientCuts = [];
    private readonly long[,] _cloggedUntilUs = new long[SimOptions.MaxIds + 1, SimOptions.MaxIds + 1];
    private bool _calm;

    public void Cut(int from, int to) => _cut[from, to] = true;

    public void CutClient(int client, int member) => _clientCuts.Add((client, member));

    public bool IsClientCut(int client, int member) => _clientCuts.Contains((client, member));

    public void Clog(int from, int to, long untilUs) => _cloggedUntilUs[from, to] = untilUs;

    /// <summary>All links work again; what is under way stays under way.</summary>
    public void Heal()
    {
        Array.Clear(_cut);
        Array.Clear(_cloggedUntilUs);
        _clientCuts.Clear();
    }

    /// <summary>From now on nothing is lost or late.</summary>
    public void CalmDown()
    {
        Heal();
        _calm = true;
    }

    /// <summary>An envelope of one process of a member for another member.</summary>
    public void Send(SimProcess from, int to, byte[] bytes)
    {
        SimOptions options = world.Options;
        world.Trace.Add(world.NowUs, TraceKind.Sent, from.Id, to, ((long)bytes.Length << 8) | bytes[0]);
        world.Trace.Mix(Crc32C.Compute(0, bytes));
        bool lost = _cut[from.Id, to] || (!_calm && _random.Percent(options.DropPercent));
        if (lost)
        {
            world.Trace.Add(world.NowUs, TraceKind.Lost, from.Id, to);
            return;
        }

        long delay = Delay();
        delay = Math.Max(delay, _cloggedUntilUs[from.Id, to] - world.NowUs);
        if (!_calm && options.Faults.HasFlag(Faults.Delay) && _random.OneIn(40))
        {
            delay += _random.Between(10_000, 600_000);
        }

        world.Time.After(delay, () => world.Members[to - 1].Arrive(from, bytes));
        if (!_calm && options.Faults.HasFlag(Faults.Duplicate) && _random.OneIn(20))
        {
            long again = delay + (_random.OneIn(4) ? _random.Between(1000, 3_000_000) : Delay());
            world.Time.After(again, () => world.Members[to - 1].Arrive(from, bytes));
        }
    }

    /// <summary>A delay like most.</summary>
    public long Delay() => 50 + _random.Below(_calm ? 1000 : world.Options.DelayUs);
}
