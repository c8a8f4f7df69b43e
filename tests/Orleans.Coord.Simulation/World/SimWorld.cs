using System.Globalization;
using System.Text;
using Orleans.Coord.Consensus;
using Orleans.Coord.Replication;
using Orleans.Coord.Tree;

namespace Orleans.Coord.Simulation;

/// <summary>
/// A whole group and its clients on one thread in virtual time, decided by a seed. First a phase in which any fault
/// may happen and nothing promised may break; then all is healed, and the group must serve everyone again and come
/// to rest within a bound.
/// </summary>
public sealed class SimWorld
{
    /// <summary>How many of the newest events a failure shows.</summary>
    public const int DefaultTraceLines = 80;

    private const int QuietMs = 12_000;
    private readonly List<SimConnection> _connections = [];
    private readonly FaultSchedule _faults;
    private readonly HashSet<int> _met = [];
    private readonly SplitMix64 _secrets;

    /// <summary>Prepares a run; nothing has happened yet.</summary>
    public SimWorld(ulong seed, PlantedBug bug = PlantedBug.None, int traceLines = DefaultTraceLines)
        : this(seed, SimOptions.Draw(new SplitMix64(seed)) with { Bug = bug }, traceLines)
    {
    }

    /// <summary>Prepares a run with options of one's own.</summary>
    public SimWorld(ulong seed, SimOptions options, int traceLines = DefaultTraceLines)
    {
        Seed = seed;
        Options = options;
        Random = new SplitMix64(seed ^ 0x5EED);
        _secrets = new SplitMix64(seed ^ 0xD15C);
        Trace = new SimTrace(traceLines);
        Network = new SimNetwork(this);
        Log = new LogChecker(this);
        Sessions = new SessionChecker(this);
        Locks = new LockChecker(this);
        Replies = new ReplyChecker(this);
        Changes = new ChangeChecker(this);
        ReplicaId[] voters = [.. Enumerable.Range(1, options.Members).Select(i => new ReplicaId((byte)i))];
        Members = [.. voters.Select(voter => new SimMember(this, voter.Value, voters))];
        Clients = [.. Enumerable.Range(1, options.Clients).Select(i => new SimClient(this, i, i <= options.Lockers))];
        _faults = new FaultSchedule(this);
    }

    /// <summary>What decides everything.</summary>
    public ulong Seed { get; }

    /// <summary>What the seed decided beforehand.</summary>
    public SimOptions Options { get; }

    /// <summary>A hash over all that happened: equal for equal runs.</summary>
    public ulong TraceHash => Trace.Hash;

    /// <summary>Figures of the run, for summaries.</summary>
    public SimFigures Figures => new(
        Log.Applied, Log.Elections, Replies.Checked, Replies.Repeated, Registers.Operations, Locks.Taken, Changes.Told,
        Changes.Lost, Trace.Count, NowUs / 1000);

    internal SimScheduler Time { get; } = new();

    internal SplitMix64 Random { get; }

    internal SimTrace Trace { get; }

    internal SimNetwork Network { get; }

    /// <summary>All members there ever were; each at the position of its id, less one.</summary>
    internal List<SimMember> Members { get; }

    internal IReadOnlyList<SimClient> Clients { get; }

    internal LogChecker Log { get; }

    internal SessionChecker Sessions { get; }

    internal LockChecker Locks { get; }

    internal ReplyChecker Replies { get; }

    internal ChangeChecker Changes { get; }

    internal RegisterChecker Registers { get; } = new();

    internal Model Model { get; } = new();

    internal long NowUs => Time.NowUs;

    /// <summary>The client that changes the membership, if one does.</summary>
    internal SimClient? Operator => Clients.FirstOrDefault(client => client.IsOperator);

    /// <summary>
    /// Whether there are several members and each has met each other one; those removed too, who may come back with
    /// what they knew.
    /// </summary>
    internal bool HaveAllMet
    {
        get
        {
            int[] ids = [.. MemberIds, .. Model.Ensemble.Removed];
            return ids.Length > 1 && ids.All(a => ids.All(b => a == b || _met.Contains((a << 8) | b)));
        }
    }

    /// <summary>Whether the group is as it is to be, everybody knows it, and nobody is down for a while.</summary>
    internal bool IsSettled => MemberIds.Select(id => Members[id - 1]).All(
        m => m.IsGone || (m.Process is { } p && Model.Ensemble.IsWhat(p.Replica.Raft)));

    /// <summary>Whether a member's disk is lost or damaged.</summary>
    internal bool IsSpoilt(int id) => _faults.IsSpoilt(id);

    /// <summary>Whether faults are over.</summary>
    internal bool IsHealed { get; private set; }

    /// <summary>Where clients look for a member: at the end their users have given them a list that is right.</summary>
    internal IReadOnlyList<SimMember> Servers => IsHealed ? [.. Joined] : Members;

    // Whoever belongs to the group now.
    private IReadOnlyCollection<int> MemberIds => Model.Ensemble.IsEmpty
        ? [.. Enumerable.Range(1, Options.Members)]
        : Model.Ensemble.Ids;

    /// <summary>Runs all of it.</summary>
    /// <exception cref="SimViolationException">A checker saw a promise broken.</exception>
    /// <exception cref="InvariantException">The code under test found its own state broken.</exception>
    public void Run()
    {
        foreach (SimMember member in Members)
        {
            member.Start();
        }

        _faults.Begin();
        RunFor(Options.UnsafeMs);
        Trace.Add(NowUs, TraceKind.Phase, 0, 0, 0, "all is healed");
        IsHealed = true;
        _faults.HealForGood();
        int[] before = [.. Clients.Select(client => client.Acknowledged)];
        RunUntil(
            SimTimes.RecoverMs, "all members and clients to be served once healed",
            () => IsLost || (Joined.All(Serves)
                && Clients.Select((c, i) => c.IsSilent || c.Acknowledged > before[i]).All(ok => ok)));
        if (Options.HasOperator)
        {
            RunUntil(SimTimes.RecoverMs, "the group to be as it is wanted", IsAsWanted);
        }

        Trace.Add(NowUs, TraceKind.Phase, 0, 0, 0, "clients fall quiet");
        foreach (SimClient client in Clients)
        {
            client.Quieten();
        }

        RunUntil(QuietMs, "all to come to rest", IsAtRest);
        foreach (SimMember member in Joined.Where(m => m.Process is not null))
        {
            StateChecker.Verify(member.Process!, Model);
        }

        Registers.Verify(Model);
        foreach (SimMember member in Members)
        {
            Trace.Mix((ulong)member.Disk.Checksum());
        }
    }

    /// <summary>The newest events and the state of everyone, for the message of a failure.</summary>
    public string Describe()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"seed {Seed}\noptions {Options}\n").Append(Trace.Describe());
        text.Append(Model.Ensemble.IsEmpty ? "" : Model.Ensemble + "\n");
        foreach (SimMember member in Members)
        {
            text.AppendLine(member.ToString());
        }

        foreach (SimClient client in Clients)
        {
            text.AppendLine(client.ToString());
        }

        return text.ToString();
    }

    internal void AfterTurn(SimProcess process)
    {
        if (Members[process.Id - 1].Process == process)
        {
            Log.AfterTurn(process);
        }
    }

    /// <summary>The others may notice at once, or not.</summary>
    internal void ProcessEnded(SimMember member)
    {
        foreach (SimConnection connection in _connections.Where(c => !c.HasPeer))
        {
            connection.Broken();
        }

        _connections.RemoveAll(c => !c.HasPeer);
        foreach (SimMember other in Members)
        {
            if (other != member && Random.OneIn(2))
            {
                other.Process?.Post(replica => replica.PeerUnreachable(new ReplicaId((byte)member.Id)));
            }
        }
    }

    /// <summary>A member on an empty disk that waits until the others add it, under a new id.</summary>
    internal SimMember AddWaiting()
    {
        var member = new SimMember(this, Members.Count + 1, []);
        Members.Add(member);
        member.Start();
        return member;
    }

    /// <summary>
    /// What a silo has from the operating system's generator: a new disk's incarnation, and in each life the secret of
    /// its sessions' passwords. Checksums depend on it, and so does what a flipped bit does.
    /// </summary>
    internal ulong NewSecret() => _secrets.Next() | 1;

    internal void Connected(SimConnection connection) => _connections.Add(connection);

    internal void Met(int a, int b) => _met.Add((a << 8) | b);

    /// <summary>An entry is applied for the first time anywhere.</summary>
    internal void OnCommitted(long index, EntryKind kind, ReadOnlyMemory<byte> payload)
    {
        if (kind != EntryKind.Command)
        {
            Model.Pass(index);
            return;
        }

        bool readable = Command.TryRead(payload.Span, out Command command);
        SimViolationException.Unless(readable, "log matching", $"entry {index} holds no command");
        long ended = Model.Apply(index, command);
        if (ended != 0)
        {
            Sessions.OnEnded(ended);
        }
    }

    // The only member has refused its damaged disk, by name: that is all that can be asked of it.
    private bool IsLost => Members.All(member => member.IsGone);

    private IEnumerable<SimMember> Joined => MemberIds.Select(id => Members[id - 1]);

    // Nobody in it is lost for good, and whoever is not in it any more serves nobody.
    private bool IsAsWanted() => IsSettled && Operator!.AsksNothing && Joined.All(member => !member.IsGone)
        && Members.Except(Joined).All(member => member.Process is not { Replica.CanServe: true });

    private bool Serves(SimMember member) => member.IsGone || member.Process is { Replica.CanServe: true };

    private bool IsAtRest() => IsLost || (
        Clients.All(client => client.IsSilent || (client.IsServed && client.IsIdle))
        && Model.Sessions.Keys.All(id => Clients.Any(client => !client.IsSilent && client.SessionId == id))
        && Joined.All(member => Serves(member) && HasAll(member)));

    private bool HasAll(SimMember member) =>
        member.IsGone || (member.Process!.Replica.Machine.LastApplied == Log.Applied
            && member.Process.Replica.Raft.Log.LastIndex.Value == Log.Applied);

    private void RunFor(int ms)
    {
        long until = NowUs + (ms * 1000L);
        while (Time.RunNext(until))
        {
        }
    }

    private void RunUntil(int boundMs, string what, Func<bool> condition)
    {
        long until = NowUs + (boundMs * 1000L);
        for (int i = 0; Time.RunNext(until); i++)
        {
            if (i % 16 == 0 && condition())
            {
                return;
            }
        }

        SimViolationException.Unless(condition(), "liveness", $"never came within {boundMs} ms: {what}");
    }
}

/// <summary>What a run amounted to.</summary>
/// <param name="Entries">Entries committed.</param>
/// <param name="Elections">Elections won.</param>
/// <param name="Replies">Replies checked.</param>
/// <param name="Repeats">Answers to numbered writes that clients had seen before.</param>
/// <param name="RegisterOps">Operations in the linearizability check.</param>
/// <param name="LocksTaken">Times the lock was taken.</param>
/// <param name="Changes">Changes that clients were told of when they asked for them.</param>
/// <param name="HistoriesLost">Times that the changes asked for were forgotten.</param>
/// <param name="Events">Events in the trace.</param>
/// <param name="VirtualMs">Virtual time.</param>
public readonly record struct SimFigures(
    long Entries, int Elections, int Replies, int Repeats, int RegisterOps, int LocksTaken, int Changes,
    int HistoriesLost, long Events, long VirtualMs);
