using System.Net;
using Orleans.Coord.Consensus;
using Orleans.Coord.Jute;
using Orleans.Coord.Tree;

namespace Orleans.Coord.Replication;

/// <content>
/// Membership: what <c>/zookeeper/config</c> says is to be; the leader brings the consensus group there, one change at
/// a time, and the links follow. A participant is a learner until it has caught up, so a change never costs the group
/// its quorum: while what is wanted cannot be had, the voters stay who they are.
/// </content>
public sealed partial class Replica
{
    private readonly Dictionary<ReplicaId, DnsEndPoint> _given;
    private readonly LogIndex _logAtStart;
    private EnsembleConfig _ensemble;
    private QuorumConfig? _linkedFor;
    private long _handedOverFor;
    private EnsembleConfig? _judgedBy;
    private bool _isRemoved;

    /// <summary>Whether this member was removed: it serves nobody any more, and never will under its id.</summary>
    public bool IsRemoved
    {
        get
        {
            if (!ReferenceEquals(_judgedBy, _machine.Ensemble))
            {
                _judgedBy = _machine.Ensemble;
                _isRemoved = _judgedBy.WasRemoved(_options.Id);
            }

            return _isRemoved;
        }
    }

    /// <summary>Whether this member votes; if not, it is an observer, or waits to be added or promoted.</summary>
    public bool IsVoter => _raft.Configuration.IsVoter(_options.Id);

    /// <summary>Whether the group knows this member, or it waits to be added.</summary>
    public bool IsMember => _raft.Configuration.Contains(_options.Id);

    private bool IsChangeUnderWay =>
        _raft.Configuration.IsJoint || _raft.ConfigurationIndex > _raft.Log.Commit;

    // The first leader of a group writes down whom it was started with.
    private void ProposeFirstMembers()
    {
        if (_options.FirstMembers is null || !_machine.Ensemble.IsEmpty)
        {
            return;
        }

        ProposeMembers(new ReconfigRequest(null, null, _options.FirstMembers, -1));
    }

    /// <summary>
    /// Changes the membership in the name of the host, where a cluster runtime knows who the members are. Judged at
    /// apply as an operator's request is. False: this member does not lead, another change is under way, or there is
    /// no room.
    /// </summary>
    public bool ChangeMembers(in ReconfigRequest request) =>
        Leads && _raft.HasCommittedInTerm && !IsChangeUnderWay && ProposeMembers(request);

    private bool ProposeMembers(in ReconfigRequest request)
    {
        _body.Clear();
        request.Write(_body);
        _command.Clear();
        CommandCodec.WriteRequest(
            _command, CommandOptions.ReconfigAllowed, _now.WallMs, 0, 0, 0, OpCode.Reconfig, default, _body.Written);
        return Propose(_command.Written);
    }

    // After each turn's entries: a change of the configuration, or of the group, is rare and found by its object.
    private void FollowMembership()
    {
        bool changed = !ReferenceEquals(_ensemble, _machine.Ensemble)
            || !ReferenceEquals(_linkedFor, _raft.Configuration);
        if (_peers is null || !changed)
        {
            return;
        }

        ForgetMovedAddresses();
        _ensemble = _machine.Ensemble;
        _linkedFor = _raft.Configuration;
        LinkMembers();
        Reconcile();
    }

    // What the operator said at the start is stale for a member that is moved from then on.
    private void ForgetMovedAddresses()
    {
        if (_machine.Ensemble.Version <= _logAtStart.Value)
        {
            return;
        }

        foreach (EnsembleMember member in _machine.Ensemble.Members)
        {
            EnsembleMember? before = _ensemble.Find(member.Replica);
            if (before is not null && AddressOf(before) != AddressOf(member))
            {
                _given.Remove(member.Replica);
            }
        }
    }

    // Whoever leaves is still linked until the group has let it go: its vote may be needed for that. A member that
    // waits, or has not caught up to its own adding, cannot tell: the leader that sends it the log may be leaving.
    private void LinkMembers()
    {
        if (_ensemble.IsEmpty)
        {
            return;
        }

        var peers = new Dictionary<ReplicaId, DnsEndPoint>();
        foreach (EnsembleMember member in _ensemble.Members)
        {
            AddPeer(peers, member);
        }

        var refused = new HashSet<ReplicaId>();
        foreach (EnsembleMember member in _ensemble.Removed)
        {
            if (!IsMember || _raft.Configuration.Contains(member.Replica))
            {
                AddPeer(peers, member);
            }
            else
            {
                refused.Add(member.Replica);
            }
        }

        // The operator may know of members that this one has not heard of yet.
        foreach ((ReplicaId id, DnsEndPoint address) in _given)
        {
            if (!refused.Contains(id))
            {
                peers.TryAdd(id, address);
            }
        }

        _peers!.SetPeers(peers, refused);
    }

    private void AddPeer(Dictionary<ReplicaId, DnsEndPoint> peers, EnsembleMember member)
    {
        if (member.Replica != _options.Id)
        {
            peers.Add(member.Replica, _given.GetValueOrDefault(member.Replica) ?? new(member.Host, member.PeerPort));
        }
    }

    /// <summary>The next step from the group as it is to the one that is wanted, if one can be made now.</summary>
    private void Reconcile()
    {
        EnsembleConfig wanted = _machine.Ensemble;
        if (wanted.IsEmpty || !_raft.HasCommittedInTerm || IsChangeUnderWay)
        {
            return;
        }

        QuorumConfig next = NextConfiguration(wanted);
        if (next.Equals(_raft.Configuration))
        {
            return;
        }

        if (!next.IsVoter(_options.Id) && _handedOverFor != wanted.Version)
        {
            // Once: if nobody takes it, the group elects another leader when this one has removed itself.
            _handedOverFor = wanted.Version;
            if (HandOver(next.IsVoter))
            {
                return;
            }
        }

        if (_raft.ProposeConfiguration(next).IsAccepted)
        {
            _raftHasWork = true;
        }
    }

    private QuorumConfig NextConfiguration(EnsembleConfig wanted)
    {
        QuorumConfig now = _raft.Configuration;
        var voters = new List<ReplicaId>();
        var learners = new List<ReplicaId>();
        var joining = new List<ReplicaId>();
        int caughtUp = 0;
        bool allJoined = true;
        foreach (EnsembleMember member in wanted.Members)
        {
            ReplicaId id = member.Replica;
            if (member.IsObserver)
            {
                learners.Add(id);
            }
            else
            {
                voters.Add(id);
                bool isCaughtUp = _raft.IsCaughtUp(id);
                caughtUp += isCaughtUp ? 1 : 0;
                allJoined &= isCaughtUp || now.IsVoter(id);
            }

            if (!now.IsVoter(id))
            {
                joining.Add(id);
            }
        }

        bool ready = allJoined && caughtUp > voters.Count / 2;
        return ready
            ? QuorumConfig.Create([.. voters], [.. learners])
            : QuorumConfig.Create(now.Voters, [.. joining]);
    }

    /// <summary>What the leader knows of a request to change the membership when it proposes it.</summary>
    private CommandOptions LeadersView(ReadOnlySpan<byte> body)
    {
        if (_raft.Configuration.IsJoint)
        {
            return CommandOptions.ReconfigUnderWay;
        }

        bool readable = ReconfigRequest.TryRead(body, out ReconfigRequest request);
        if (!readable || !_machine.Ensemble.TryChange(request, 0, out EnsembleConfig? next))
        {
            return CommandOptions.None;
        }

        int voters = 0;
        int counted = 0;
        foreach (EnsembleMember member in next.Members)
        {
            // Who is new is waited for; of those who stay and of those who are new a quorum must be there.
            bool isNew = member.Id is < 1 or > byte.MaxValue || !_raft.Configuration.IsVoter(member.Replica);
            voters += member.IsObserver ? 0 : 1;
            counted += !member.IsObserver && (isNew || _raft.IsCaughtUp(member.Replica)) ? 1 : 0;
        }

        return counted > voters / 2 ? CommandOptions.None : CommandOptions.NewConfigLacksQuorum;
    }

    // To the voter that needs least to catch up: until it has, no write is taken.
    private bool HandOver(Func<ReplicaId, bool> mayTakeOver)
    {
        ReplicaId successor = ReplicaId.None;
        foreach (ReplicaId voter in _raft.Configuration.Voters)
        {
            bool can = voter != _options.Id && mayTakeOver(voter) && _raft.IsCaughtUp(voter);
            if (can && (successor == ReplicaId.None || _raft.MatchOf(voter) > _raft.MatchOf(successor)))
            {
                successor = voter;
            }
        }

        _raftHasWork = true;
        return successor != ReplicaId.None && _raft.TransferLeadership(successor);
    }

    private static (string Host, ushort Port) AddressOf(EnsembleMember member) => (member.Host, member.PeerPort);
}
