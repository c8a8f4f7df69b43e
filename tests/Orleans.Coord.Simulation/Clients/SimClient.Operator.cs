using System.Globalization;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Simulation;

/// <content>
/// The operator, who is a client like others besides: members are added, promoted, demoted, removed and replaced, one
/// request after the other. It never asks for a group that those who have lost their disks could stop.
/// </content>
internal sealed partial class SimClient
{
    private const int AuthXid = -4;
    private const int MaxMembers = 6;
    private const int LeaderKnowsMs = 1500;
    private long _operatesNotBeforeUs;

    /// <summary>Whether it changes the membership.</summary>
    public bool IsOperator { get; }

    /// <summary>No request of it is under way, and none that is lost can take effect any more.</summary>
    public bool AsksNothing => IsServed && !_pending.Any(request => request.Op == OpCode.Reconfig);

    /// <summary>Asks for nothing before the leader must have noticed who is gone.</summary>
    public void WaitForLeaderToKnow() => _operatesNotBeforeUs = NowUs + (LeaderKnowsMs * 1000L);

    private void BeginOperating()
    {
        if (IsOperator)
        {
            Frame(AuthXid, OpCode.Auth, RequestBody.Auth("digest", SimOptions.SuperUser));
        }
    }

    /// <summary>Whether it has asked for a change.</summary>
    private bool Operate()
    {
        bool due = AsksNothing && NowUs >= _operatesNotBeforeUs && !_world.Model.Ensemble.IsEmpty
            && (_world.IsHealed || _random.OneIn(8));
        if (!due || Change() is not { } change)
        {
            return false;
        }

        ModelEnsemble ensemble = _world.Model.Ensemble;
        if (!ensemble.After(change.Joining, change.Leaving, 0).Survives(_world.IsSpoilt))
        {
            return false;
        }

        // Named after the configuration that it was thought out for, so that no two changes add up to a third.
        byte[] body = RequestBody.Reconfig(change.Joining, change.Leaving, ensemble.Version);
        Send(OpCode.Reconfig, body, ModelEnsemble.Path);
        return true;
    }

    private (string Joining, string Leaving)? Change()
    {
        ModelEnsemble ensemble = _world.Model.Ensemble;
        int one = _random.PickOf([.. ensemble.Ids]);
        int lost = ensemble.Ids.FirstOrDefault(id => _world.Members[id - 1].IsGone);
        if (_world.IsHealed)
        {
            return lost != 0 ? ("", Text(lost)) : null;
        }

        int spare = ensemble.Ids.Count < MaxMembers ? Spare() : 0;
        return _random.Below(6) switch
        {
            0 or 1 when spare != 0 => (SimOptions.LineOf(spare, observer: _random.OneIn(3)), ""),
            2 when spare != 0 => (SimOptions.LineOf(spare), Text(lost != 0 ? lost : one)),
            3 => (SimOptions.LineOf(one, observer: ensemble.IsVoter(one)), ""),
            4 => (SimOptions.LineOf(Math.Max(1, one - 1)), ""),
            _ => ("", Text(one)),
        };
    }

    // One that waits already, or a new one; not while another process goes under a member's id, which whoever is new
    // would take for the member itself: a member that lost its disk is removed first.
    private int Spare()
    {
        SimMember? waiting = _world.Members.Find(
            m => !_world.Model.Ensemble.Has(m.Id) && !_world.Model.Ensemble.WasRemoved(m.Id));
        bool mistakable = _world.Members.Exists(m => m.IsHaunted && !_world.Model.Ensemble.WasRemoved(m.Id));
        return mistakable || (waiting is null && _world.Members.Count == SimOptions.MaxIds) ? 0
            : (waiting ?? _world.AddWaiting()).Id;
    }

    private static string Text(int id) => id.ToString(CultureInfo.InvariantCulture);
}
