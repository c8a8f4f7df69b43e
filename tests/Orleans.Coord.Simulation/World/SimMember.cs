using Orleans.Coord.Consensus;
using Orleans.Coord.Replication;
using Orleans.Coord.Wal;

namespace Orleans.Coord.Simulation;

/// <summary>
/// One member: its machine, its disk, and the process that runs on it, if one does. A process that ends by itself is
/// started again after a while, as a supervisor would.
/// </summary>
/// <param name="world">The world it is in.</param>
/// <param name="id">Its id.</param>
/// <param name="firstVoters">Whom it is started with; nobody if it waits to be added.</param>
internal sealed class SimMember(SimWorld world, int id, IReadOnlyList<ReplicaId> firstVoters)
{
    private readonly SplitMix64 _random = new(world.Random.Next());
    private SimProcess? _ghost;
    private CrashKind _pendingCrash;
    private long _durable;

    public int Id => id;

    public IReadOnlyList<ReplicaId> FirstVoters => firstVoters;

    public SimDisk Disk { get; private set; } = new(world.Random.Next()) { CapacityBytes = 64 << 20 };

    public SimClock Clock { get; } = new(
        world.Time, world.Options.DriftPermille == 0 ? 0
            : world.Random.Between(-world.Options.DriftPermille, world.Options.DriftPermille));

    public SimProcess? Process { get; private set; }

    public long PausedUntilUs { get; private set; }

    public bool IsPaused => PausedUntilUs > world.NowUs;

    /// <summary>Bits of its disk were flipped, so it may refuse to start or stop at any time.</summary>
    public bool IsDamaged { get; private set; }

    /// <summary>It has refused its damaged disk, or lost it: it does not come back.</summary>
    public bool IsGone { get; private set; }

    /// <summary>Whether a second process goes under its id.</summary>
    public bool IsHaunted => _ghost is { IsAlive: true };

    /// <summary>Disk operations take so many times longer.</summary>
    public int DiskSlowness { get; set; } = 1;

    public long DiskDelayUs(SplitMix64 random) => 20 + ((long)random.Below(world.Options.DiskUs) * DiskSlowness);

    /// <summary>Starts a process, unless one runs.</summary>
    public void Start()
    {
        if (Process is not null || IsGone)
        {
            return;
        }

        PausedUntilUs = 0;
        try
        {
            Process = new SimProcess(world, this, Disk);
            world.Trace.Add(world.NowUs, TraceKind.Start, id, Process.Replica.Machine.LastApplied);
            bool clean = IsDamaged || !Process.Notes.Any(note => note.Contains("damaged", StringComparison.Ordinal));
            SimViolationException.Unless(
                clean, "storage", $"member {id} found damage: {string.Join(' ', Process.Notes)}");
            SimViolationException.Unless(
                Process.Durable >= _durable, "storage",
                $"member {id} opens its log with {Process.Durable} as the last entry; {_durable} was durable");
            Process.Seen = Process.Replica.Machine.LastApplied;
            Process.Begin();
        }
        catch (SimCrashException)
        {
            Crashed();
        }
        catch (StorageException e)
        {
            Refused(e);
        }
    }

    /// <summary>Ends the process, if one runs, in the way named; it is started again after a while.</summary>
    public void Stop(CrashKind kind, int downMs)
    {
        if (Process is null)
        {
            return;
        }

        world.Trace.Add(world.NowUs, TraceKind.Died, id, (long)kind);
        EndProcess(kind);
        StartAfter(downMs);
    }

    public void Wake() => PausedUntilUs = 0;

    public void PauseFor(long us) => PausedUntilUs = Math.Max(PausedUntilUs, world.NowUs + us);

    /// <summary>The machine stops at one of the next disk operations.</summary>
    public void CrashSoon(CrashKind kind, int operations)
    {
        _pendingCrash = kind;
        Disk.CrashAfter(operations);
    }

    /// <summary>The replica stops itself: storage has failed.</summary>
    public void Halt(SimProcess process, StorageException error)
    {
        if (process != Process)
        {
            process.End();
            return;
        }

        world.Trace.Add(world.NowUs, TraceKind.Halted, id, 0, 0, error.Message);
        EndProcess(CrashKind.Kill);
        StartAfter(_random.Between(50, 1000));
    }

    /// <summary>Runs a part of the process; a stop of the machine ends it there.</summary>
    public void Guard(SimProcess process, Action work)
    {
        try
        {
            work();
        }
        catch (SimCrashException) when (process == Process)
        {
            Crashed();
        }
        catch (StorageException e)
        {
            Halt(process, e);
        }
        catch (DivergenceException e)
        {
            throw new SimViolationException("divergence guard", $"member {id}: {e.Message}");
        }
    }

    /// <summary>An envelope arrives, from a process that may have ended since.</summary>
    public void Arrive(SimProcess from, byte[] bytes)
    {
        // Under an id that two use, either may be the one that is reached.
        bool haunted = _ghost is { IsAlive: true } && (Process is null || _random.OneIn(2));
        SimProcess? process = haunted ? _ghost : Process;
        if (process is not { IsAlive: true })
        {
            return;
        }

        bool linked = Admits(process, from)
            && (!from.IsAlive || world.Members[from.Id - 1].Admits(from, process));
        if (linked)
        {
            world.Met(id, from.Id);
            world.Trace.Add(world.NowUs, TraceKind.Took, id, from.Id, bytes.Length);
            process.Post(replica => replica.PeerMessage(new ReplicaId((byte)from.Id), bytes));
        }
    }

    /// <summary>A second process on the same disk must find the directory owned.</summary>
    public void TrySecondProcess()
    {
        if (Process is null)
        {
            return;
        }

        try
        {
            new SimProcess(world, this, Disk).End();
        }
        catch (StorageException e) when (e.Message.Contains("in use", StringComparison.Ordinal))
        {
            world.Trace.Add(world.NowUs, TraceKind.Refused, id, 0, 0, "a second process on its disk");
            return;
        }
        catch (SimCrashException)
        {
            Crashed();
            return;
        }

        throw new SimViolationException("ownership", $"a second process of member {id} was let onto its disk");
    }

    /// <summary>A process with this member's id and an empty disk joins in, beside the one that runs.</summary>
    public void HauntFor(int ms)
    {
        _ghost?.End();
        SimProcess ghost = new(world, this, new SimDisk(_random.Next()), isGhost: true);
        _ghost = ghost;
        ghost.Begin();
        world.Time.After(ms * 1000L, ghost.End);
    }

    /// <summary>The disk is replaced by an empty one; the id is used on, which the others must not fall for.</summary>
    public void Wipe()
    {
        EndProcess(CrashKind.Kill);
        Disk = new SimDisk(_random.Next());
        IsGone = true;
        HauntFor(world.Options.UnsafeMs + SimTimes.RecoverMs);
    }

    /// <summary>Flips a bit somewhere on the disk.</summary>
    public void FlipBit()
    {
        string[] files = [.. Disk.Files.Where(file => Disk.LengthOf(file) > 0)];
        if (files.Length > 0)
        {
            IsDamaged = true;
            string file = _random.PickOf(files);
            long offset = 0;
            for (int tries = 0; tries < 8 && (tries == 0 || Disk.IsZero(file, offset)); tries++)
            {
                // Rather where something is written than in the empty rest.
                offset = _random.Below((int)Disk.LengthOf(file));
            }

            world.Trace.Add(world.NowUs, TraceKind.Fault, id, offset, 0, "bit flipped in " + file);
            Disk.FlipBit(file, offset, _random.Below(8));
        }
    }

    public override string ToString() =>
        $"member {id}: {(IsGone ? "gone" : Process is null ? "down" : (IsPaused ? "paused, " : "") + Process)}";

    // Whom it meets for the first time it writes down.
    private bool Admits(SimProcess own, SimProcess other)
    {
        bool admits = false;
        Guard(own, () => admits = own.Admits(other));
        return admits;
    }

    private void Crashed()
    {
        world.Trace.Add(world.NowUs, TraceKind.Died, id, (long)_pendingCrash, 1);
        EndProcess(_pendingCrash);
        StartAfter(_random.Between(20, 1000));
    }

    private void EndProcess(CrashKind kind)
    {
        SimProcess? process = Process;
        Process = null;
        _durable = process?.Durable ?? _durable;
        Disk.Restart(kind);
        process?.End();
        world.ProcessEnded(this);
    }

    private void StartAfter(int ms) => world.Time.After(ms * 1000L, Start);

    private void Refused(StorageException error)
    {
        world.Trace.Add(world.NowUs, TraceKind.Refused, id, 0, 0, error.Message);
        Disk.Restart(CrashKind.Kill);
        if (error.InnerException is DiskException)
        {
            // A failing or full disk: another attempt later.
            StartAfter(_random.Between(200, 1000));
            return;
        }

        SimViolationException.Unless(IsDamaged, "storage", $"member {id} refuses a sound disk: {error.Message}");
        bool named = error.Message.Contains("/data", StringComparison.Ordinal);
        SimViolationException.Unless(named, "storage", $"the refusal names no file: {error.Message}");
        IsGone = true;
    }
}
