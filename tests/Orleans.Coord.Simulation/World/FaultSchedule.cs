using Orleans.Coord.Consensus;
using Orleans.Coord.Wal;

namespace Orleans.Coord.Simulation;

/// <summary>Injects the faults that the options allow, one after the other, at random times.</summary>
internal sealed class FaultSchedule(SimWorld world)
{
    private readonly SplitMix64 _random = new(world.Random.Next());
    private readonly Faults[] _kinds =
        [.. Enum.GetValues<Faults>().Where(f => f != Faults.None && world.Options.Faults.HasFlag(f))];

    private readonly HashSet<int> _spoilt = [];
    private bool _over;

    // How many members may be lost for good: the others must still be a majority. A group of one may be lost.
    private int SpareMembers => Math.Max(1, (world.Options.Members - 1) / 2);

    public void Begin() => ScheduleNext();

    /// <summary>Whether a member's disk is lost or damaged: it may be gone at any time.</summary>
    public bool IsSpoilt(int id) => _spoilt.Contains(id);

    /// <summary>Undoes what can be undone: links, clocks, disks, processes.</summary>
    public void HealForGood()
    {
        _over = true;
        world.Network.CalmDown();
        foreach (SimMember member in world.Members)
        {
            Repair(member);
            member.Disk.CrashAfter(int.MaxValue);
            member.Wake();
            member.Start();
        }
    }

    private void ScheduleNext() => world.Time.After(_random.Below(2000 * world.Options.FaultEveryMs), Next);

    private void Next()
    {
        if (_over)
        {
            return;
        }

        ScheduleNext();
        if (_kinds.Length == 0)
        {
            return;
        }

        if (_random.OneIn(5))
        {
            world.Network.Heal();
            Repair(Any());
            return;
        }

        Faults kind = _random.PickOf(_kinds);
        SimMember victim = _random.OneIn(3) ? Leader() ?? Any() : Any();
        world.Trace.Add(world.NowUs, TraceKind.Fault, victim.Id, (long)kind, 0, kind.ToString());
        Network(kind, victim);
        Process(kind, victim);
        Disk(kind, victim);
    }

    private void Network(Faults kind, SimMember victim)
    {
        switch (kind)
        {
            case Faults.Partition:
                Split(_random.Below(5));
                break;
            case Faults.Isolate:
                Isolate(_random.OneIn(2) ? Leader() ?? victim : victim, _random.Below(4));
                break;
            case Faults.Clog:
                for (int other = 1; other <= world.Members.Count; other++)
                {
                    world.Network.Clog(victim.Id, other, world.NowUs + _random.Below(1_500_000));
                }

                break;
            case Faults.ClientCut:
                world.Network.CutClient(_random.PickOf(world.Clients).Id, victim.Id);
                break;
            case Faults.Clients:
                DisturbClient(_random.PickOf(world.Clients));
                break;
            case Faults.Transfer:
                Leader()?.Process?.Post(replica => replica.HandOver());
                break;
        }
    }

    private void Process(Faults kind, SimMember victim)
    {
        switch (kind)
        {
            case Faults.Kill:
                victim.Stop(CrashKind.Kill, DownMs());
                break;
            case Faults.PowerLoss:
                victim.Stop(CrashKind.PowerLoss, DownMs());
                break;
            case Faults.StopAll:
                CrashKind how = _random.Pick(CrashKind.Kill, CrashKind.PowerLoss);
                foreach (SimMember member in world.Members)
                {
                    member.Stop(how, DownMs());
                }

                break;
            case Faults.Pause:
                victim.PauseFor(_random.OneIn(3) ? _random.Between(1, 4 * SimTimes.SessionMs) * 1000L
                    : _random.Below(400_000));
                break;
            case Faults.CrashPoint:
                victim.CrashSoon(_random.Pick(CrashKind.Kill, CrashKind.PowerLoss), _random.Below(30));
                break;
            case Faults.SecondCopy:
                SecondCopy(victim);
                break;
            case Faults.WallClock:
                DisturbClock(victim.Clock);
                break;
        }
    }

    private void Disk(Faults kind, SimMember victim)
    {
        switch (kind)
        {
            case Faults.SlowDisk:
                victim.DiskSlowness = _random.Pick(5, 20, 100);
                break;
            case Faults.SyncError:
                int syncs = _random.Below(10);
                victim.Disk.Fault = (what, _) => what == "sync" && syncs-- == 0 ? DiskError.Io : null;
                break;
            case Faults.DiskFull:
                // Mostly one alone, often so full that its log stands still at once while the others' goes on.
                if (!_random.OneIn(4))
                {
                    world.Members.ForEach(GiveRoom);
                }

                int room = _random.Below(60 << 10);
                victim.Disk.CapacityBytes = victim.Disk.UsedBytes + (room % 2 == 0 ? room : room >> 5);
                break;
            case Faults.BitFlip when Spoil(victim):
                victim.FlipBit();
                if (_random.OneIn(2))
                {
                    victim.Stop(CrashKind.Kill, DownMs());
                }

                break;
            case Faults.WipedDisk when world.HaveAllMet && Spoil(victim):
                victim.Wipe();
                break;
        }
    }

    private static void Repair(SimMember member)
    {
        member.DiskSlowness = 1;
        member.Disk.Fault = null;
        GiveRoom(member);
        member.Clock.Thaw();
    }

    private static void GiveRoom(SimMember member) => member.Disk.CapacityBytes = 64 << 20;

    // Halves, one direction of some links, a bridge, a ring, single links.
    private void Split(int shape)
    {
        int members = world.Members.Count;
        int side = _random.Below(1 << members);
        int bridge = _random.Below(members);
        for (int a = 0; a < members; a++)
        {
            for (int b = 0; b < members; b++)
            {
                bool across = ((side >> a) & 1) != ((side >> b) & 1);
                int apart = Math.Abs(a - b);
                bool cut = shape switch
                {
                    0 => across,
                    1 => across && ((side >> a) & 1) != 0,
                    2 => across && a != bridge && b != bridge,
                    3 => apart > 1 && apart < members - 1,
                    _ => _random.OneIn(4),
                };
                if (cut)
                {
                    world.Network.Cut(a + 1, b + 1);
                }
            }
        }
    }

    private void Isolate(SimMember member, int shape)
    {
        for (int other = 1; other <= world.Members.Count; other++)
        {
            if (shape != 1)
            {
                world.Network.Cut(member.Id, other);
            }

            if (shape != 2)
            {
                world.Network.Cut(other, member.Id);
            }

            if (_random.OneIn(4))
            {
                world.Members[other - 1].Process?.Post(
                    replica => replica.PeerUnreachable(new ReplicaId((byte)member.Id)));
            }
        }
    }

    private void DisturbClient(SimClient client)
    {
        switch (_random.Below(4))
        {
            case 0 when !client.IsOperator && world.Clients.Count(c => c.IsSilent) < world.Clients.Count / 3:
                client.FallSilent();
                break;
            case 1:
                client.SayGoodbye();
                break;
            default:
                client.Leave();
                break;
        }
    }

    private void SecondCopy(SimMember victim)
    {
        // A member that is about to join must not meet the copy before the member.
        bool mistakable = !world.HaveAllMet || world.Operator is { AsksNothing: false };
        if (_random.OneIn(2) || mistakable)
        {
            victim.TrySecondProcess();
        }
        else
        {
            victim.HauntFor(_random.Between(100, 2000));
        }
    }

    private void DisturbClock(SimClock clock)
    {
        switch (_random.Below(3))
        {
            case 0:
                clock.Freeze();
                break;
            case 1:
                clock.Thaw();
                break;
            default:
                clock.Jump(_random.Between(-1, 1) * _random.Pick(50L, 5_000L, 10_000_000L));
                break;
        }
    }

    private bool Spoil(SimMember member)
    {
        bool spare = world.Options.HasOperator ? MayLose(member) : _spoilt.Count < SpareMembers;
        if (!spare || member.IsGone || !_spoilt.Add(member.Id))
        {
            return false;
        }

        world.Operator?.WaitForLeaderToKnow();
        return true;
    }

    // No change is under way or asked for, and of the voters a majority keeps its disks.
    private bool MayLose(SimMember member) =>
        world.Model.Ensemble.Has(member.Id) && world.IsSettled && world.Operator is { AsksNothing: true }
        && world.Model.Ensemble.Survives(id => id == member.Id || IsSpoilt(id));

    private int DownMs() => _random.OneIn(4) ? _random.Between(100, 2 * SimTimes.SessionMs) : _random.Below(300);

    private SimMember Any() => _random.PickOf(world.Members);

    private SimMember? Leader() => world.Members
        .Where(m => m.Process is { Replica.Raft.Role: RaftRole.Leader })
        .MaxBy(m => m.Process!.Replica.Raft.Term.Value);
}
