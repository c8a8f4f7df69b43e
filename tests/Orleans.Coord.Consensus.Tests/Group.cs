using Orleans.Coord.Consensus.Tests.Sim;

namespace Orleans.Coord.Consensus.Tests;

/// <summary>
/// A small group for scenarios that read like the paper: the test says who ticks, which messages are lost and whose
/// disk hangs; <see cref="Settle"/> delivers until nobody has anything to say.
/// </summary>
internal sealed class Group
{
    private readonly List<Message> _network = [];
    private readonly HashSet<(int From, int To)> _cut = [];
    private readonly HashSet<int> _hungDisks = [];
    private readonly RaftOptions _options;

    public Group(int voters, int spares = 0, RaftOptions? options = null, RaftFaults faults = RaftFaults.None)
    {
        _options = options ?? new RaftOptions();
        QuorumConfig config = Config([.. Enumerable.Range(1, voters)]);
        for (int i = 1; i <= voters + spares; i++)
        {
            var member = new Member(Id(i), _options, Checker, faults);
            member.Store.Format(i <= voters ? config : QuorumConfig.Empty);
            member.Start((ulong)i);
            Members.Add(member);
        }
    }

    public SafetyChecker Checker { get; } = new();

    public List<Member> Members { get; } = [];

    /// <summary>Every message that was sent, lost or not.</summary>
    public List<Message> Sent { get; } = [];

    /// <summary>Messages for which this is true are lost.</summary>
    public Predicate<Message> Loses { get; set; } = _ => false;

    public RaftNode this[int id] => Member(id).Node;

    public Member Member(int id) => Members[id - 1];

    public static ReplicaId Id(int id) => new((byte)id);

    public static QuorumConfig Config(int[] voters, params int[] learners) => QuorumConfig.Create(
        [.. voters.Select(Id)], [.. learners.Select(Id)]);

    /// <summary>A group in which member 1 leads and its no-op is committed everywhere.</summary>
    public static Group Led(int voters, int spares = 0, RaftOptions? options = null)
    {
        var group = new Group(voters, spares, options);
        group.Elect(1);
        return group;
    }

    /// <summary>Makes a member leader, whether or not the others still hear another: as by a transfer.</summary>
    public Group Elect(int id)
    {
        this[id].Step(new TimeoutNow(Members[id % Members.Count].Id, Id(id), this[id].Term));
        Settle();
        Assert.Equal(RaftRole.Leader, this[id].Role);
        Tick(_options.HeartbeatTicks, id);
        return this;
    }

    public ProposeResult Propose(int id, string text = "x")
    {
        ProposeResult result = Member(id).Propose(System.Text.Encoding.UTF8.GetBytes(text));
        Settle();
        return result;
    }

    /// <summary>Lets time pass for some members, or for all, delivering after each tick.</summary>
    public void Tick(int ticks, params int[] ids)
    {
        for (int i = 0; i < ticks; i++)
        {
            foreach (Member member in Members.Where(m => m.IsUp && (ids.Length == 0 || ids.Contains(m.Id.Value))))
            {
                member.Node.Tick();
            }

            Settle();
        }
    }

    /// <summary>
    /// Loses Appends with entries of that term, but for those that will be refused, and those to one member.
    /// </summary>
    public void LoseSuccessfulAppendsOf(Term term, int but = 0) => Loses = message =>
        message is Append { Entries.Length: > 0 } append && append.Entries.Span[^1].Term == term && append.To != Id(but)
        && Member(append.To.Value).IsUp && this[append.To.Value].Log.LastIndex >= append.PrevLogIndex;

    public void Isolate(int id)
    {
        foreach (Member other in Members)
        {
            _cut.Add((id, other.Id.Value));
            _cut.Add((other.Id.Value, id));
        }
    }

    public void Cut(int from, int to) => _cut.Add((from, to));

    public void Heal() => _cut.Clear();

    public void HangDisk(int id) => _hungDisks.Add(id);

    public void FreeDisk(int id)
    {
        _hungDisks.Remove(id);
        Settle();
    }

    public void Restart(int id)
    {
        Member(id).Crash();
        Member(id).Start((ulong)id + 100);
    }

    /// <summary>Another owner runs a member from now on; returns the one before, which hears of nothing.</summary>
    public Member TakeOver(int id)
    {
        Member before = Member(id);
        Members[id - 1] = before.TakenOver((ulong)id + 200);
        return before;
    }

    public void Settle()
    {
        bool busy = true;
        while (busy)
        {
            foreach (Member member in Members.Where(member => member.IsUp))
            {
                Serve(member);
            }

            Message[] due = [.. _network];
            _network.Clear();
            foreach (Message message in due.Where(m => Member(m.To.Value).IsUp))
            {
                this[message.To.Value].Step(message);
            }

            busy = due.Length > 0;
        }
    }

    private void Serve(Member member)
    {
        bool busy = true;
        while (busy)
        {
            busy = member.Turn(Post);
            if (_hungDisks.Contains(member.Id.Value))
            {
                continue;
            }

            if (member.Store.PendingWrites > 0)
            {
                member.CompleteWrite();
                busy = true;
            }
            else if (member.PendingSnapshot is not null)
            {
                member.CompleteSnapshot();
                busy = true;
            }
        }
    }

    private void Post(Message message)
    {
        Sent.Add(message);
        if (!_cut.Contains((message.From.Value, message.To.Value)) && !Loses(message))
        {
            _network.Add(message);
        }
    }
}
