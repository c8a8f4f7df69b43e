using Orleans.Coord.Chaos.Lab;

namespace Orleans.Coord.Chaos;

/// <summary>Breaks things, one after the other, as the seed has it, and mends them again.</summary>
internal sealed class Nemesis
{
    private readonly Ensemble _ensemble;
    private readonly SplitMix64 _choices;
    private readonly IReadOnlyList<Fault> _faults;

    public Nemesis(Ensemble ensemble, Options options)
    {
        _ensemble = ensemble;
        _choices = new SplitMix64(options.Seed);
        Fault[] all =
        [
            new("kill", KillAsync),
            new("kill-leader", KillLeaderAsync),
            new("kill-many", KillManyAsync),
            new("freeze", FreezeAsync),
            new("isolate-leader", IsolateLeaderAsync),
            new("one-way", CutOneWayAsync),
            new("split", SplitAsync),
            new("ring", CutRingAsync),
            new("stop", StopAsync),
            new("full-disk", FillDisksAsync),
            new("slow-disk", SlowDiskAsync),
        ];
        bool stalls = options.Namespaces && MemberDisk.MayMountFiles;
        _faults = [.. all.Where(fault => (options.Faults is null || options.Faults.Contains(fault.Name))
            && (stalls || fault.Name != "slow-disk") && (options.Namespaces || fault.Name != "full-disk"))];
        if (_faults.Count == 0)
        {
            throw new ArgumentException(
                $"None of these faults is known; there are {string.Join(", ", all.Select(fault => fault.Name))}.",
                nameof(options));
        }
    }

    /// <summary>How often each fault was brought about.</summary>
    public SortedDictionary<string, int> Tally { get; } = new(StringComparer.Ordinal);

    private IReadOnlyList<Member> Members => _ensemble.Members;

    private Member Any => Members[_choices.Below(Members.Count)];

    /// <summary>Brings about faults until the time is up, each mended before the next.</summary>
    /// <param name="stop">Ends it; the fault under way is mended first.</param>
    /// <exception cref="LivenessException">A healed ensemble did not come back.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            Fault fault = _faults[_choices.Below(_faults.Count)];
            string what = await fault.BringAbout();
            Say($"{fault.Name}: {what}");
            Tally[fault.Name] = Tally.GetValueOrDefault(fault.Name) + 1;
            _ensemble.Heal();

            // Now and then the next fault strikes before the last is got over.
            if (_choices.Below(3) > 0 && !await _ensemble.WaitForAllAsync(TimeSpan.FromSeconds(60)))
            {
                throw new LivenessException($"{fault.Name} ({what}) was mended, and a minute later not all serve");
            }

            await PauseAsync(300, 1500);
        }
    }

    private static void Say(string what) => Console.WriteLine($"  {DateTime.UtcNow:HH:mm:ss.fff} {what}");

    private async Task<string> KillAsync()
    {
        Member member = Any;
        member.End("KILL");
        return $"member {member.Id}, for {await PauseAsync(100, 3000)} ms";
    }

    private async Task<string> KillLeaderAsync()
    {
        Member? leader = _ensemble.Leader();
        leader?.End("KILL");
        return leader is null ? "nobody leads" : $"member {leader.Id}, for {await PauseAsync(100, 3000)} ms";
    }

    // A majority, or all: what was acknowledged is on disk, and nowhere else.
    private async Task<string> KillManyAsync()
    {
        List<Member> victims = Shuffled();
        int count = (Members.Count / 2) + 1 + _choices.Below(Members.Count / 2 + 1);
        victims.RemoveRange(count, victims.Count - count);
        victims.ForEach(member => member.Signal("KILL"));
        victims.ForEach(member => member.End("KILL"));
        return $"members {Names(victims)}, for {await PauseAsync(100, 1500)} ms";
    }

    private async Task<string> FreezeAsync()
    {
        Member member = _choices.Below(2) == 0 ? _ensemble.Leader() ?? Any : Any;
        member.Signal("STOP");
        bool beyondSessions = _choices.Below(4) == 0;
        return $"member {member.Id}, for {await (beyondSessions ? PauseAsync(7000, 9000) : PauseAsync(100, 3000))} ms";
    }

    private async Task<string> IsolateLeaderAsync()
    {
        Member leader = _ensemble.Leader() ?? Any;
        foreach (Member other in Members)
        {
            _ensemble.Network.Cut(leader.Id, other.Id);
            _ensemble.Network.Cut(other.Id, leader.Id);
        }

        return $"member {leader.Id}, for {await PauseAsync(500, 8000)} ms";
    }

    private async Task<string> CutOneWayAsync()
    {
        List<Member> two = Shuffled()[..2];
        _ensemble.Network.Cut(two[0].Id, two[1].Id);
        return $"from {two[0].Id} to {two[1].Id}, for {await PauseAsync(500, 6000)} ms";
    }

    private async Task<string> SplitAsync()
    {
        List<Member> one = Shuffled();
        List<Member> other = one[..(1 + _choices.Below(one.Count - 1))];
        one = [.. one.Except(other)];
        foreach (Member a in one)
        {
            foreach (Member b in other)
            {
                _ensemble.Network.Cut(a.Id, b.Id);
                _ensemble.Network.Cut(b.Id, a.Id);
            }
        }

        return $"{Names(one)} from {Names(other)}, for {await PauseAsync(500, 8000)} ms";
    }

    // Each member reaches only its two neighbours.
    private async Task<string> CutRingAsync()
    {
        List<Member> ring = Shuffled();
        for (int i = 0; i < ring.Count; i++)
        {
            for (int j = 0; j < ring.Count; j++)
            {
                int distance = Math.Abs(i - j);
                if (distance > 1 && distance < ring.Count - (ring.Count > 3 ? 1 : 0))
                {
                    _ensemble.Network.Cut(ring[i].Id, ring[j].Id);
                }
            }
        }

        return $"{Names(ring)}, for {await PauseAsync(500, 6000)} ms";
    }

    private async Task<string> StopAsync()
    {
        Member member = _choices.Below(2) == 0 ? _ensemble.Leader() ?? Any : Any;
        member.End("TERM");
        return $"member {member.Id}, for {await PauseAsync(100, 1500)} ms";
    }

    private async Task<string> FillDisksAsync()
    {
        List<Member> victims = Shuffled()[..(1 + _choices.Below(Members.Count))];
        long left = _choices.Below(40) << 20;
        victims.ForEach(member => member.Disk.Fill(left));
        return $"of members {Names(victims)} to {left >> 20} MiB, for {await PauseAsync(1000, 4000)} ms";
    }

    private async Task<string> SlowDiskAsync()
    {
        Member member = _choices.Below(2) == 0 ? _ensemble.Leader() ?? Any : Any;
        int stalls = 1 + _choices.Below(8);
        int total = 0;
        for (int i = 0; i < stalls; i++)
        {
            member.Disk.Stall();
            total += await PauseAsync(50, 500);
            member.Disk.Heal();
            await PauseAsync(1, 20);
        }

        return $"of member {member.Id}, {stalls} stalls of {total} ms in all";
    }

    private List<Member> Shuffled()
    {
        List<Member> members = [.. Members];
        for (int i = members.Count - 1; i > 0; i--)
        {
            int j = _choices.Below(i + 1);
            (members[i], members[j]) = (members[j], members[i]);
        }

        return members;
    }

    private async Task<int> PauseAsync(int leastMs, int mostMs)
    {
        int ms = leastMs + _choices.Below(mostMs - leastMs);
        await Task.Delay(ms);
        return ms;
    }

    private static string Names(IEnumerable<Member> members) => string.Join('+', members.Select(member => member.Id));

    /// <summary>Something that goes wrong: brings it about, lets it last, and tells what it was.</summary>
    private sealed record Fault(string Name, Func<Task<string>> BringAbout);
}

/// <summary>A healed ensemble does not serve.</summary>
internal sealed class LivenessException(string message) : Exception(message);
