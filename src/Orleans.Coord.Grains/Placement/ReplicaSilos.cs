using System.Globalization;

namespace Orleans.Coord.Grains.Placement;

/// <summary>Which silo runs which replica, by the cluster's membership: a silo tells its own by its name.</summary>
public sealed class ReplicaSilos(IClusterMembershipService membership, ReplicaHomes homes)
{
    private const string Prefix = "coord-";

    private volatile Snapshot? _active;

    /// <summary>The name of the silo whose own replica it is.</summary>
    public static string NameOf(ReplicaId id) => Prefix + id.Value.ToString(CultureInfo.InvariantCulture);

    /// <summary>The active silo of a member, or null.</summary>
    public SiloAddress? Find(ReplicaId id) => Active().GetValueOrDefault(id);

    /// <summary>The members whose own silos are active.</summary>
    public IReadOnlyCollection<ReplicaId> ActiveMembers => Active().Keys;

    /// <summary>
    /// The key under which a replica is called now; null while no active silo runs it. It names the silo too, where
    /// that is not the replica's own: a grain that has moved would be looked for where it was.
    /// </summary>
    public long? KeyOf(ReplicaId id)
    {
        SortedDictionary<ReplicaId, SiloAddress> active = Active();
        return active.ContainsKey(id) ? id.Value
            : StandIn(id, active.Keys) is { } other ? (other.Value << 8) | id.Value
            : null;
    }

    /// <summary>The replica and the member whose silo runs it, of such a key; null if it is none.</summary>
    public static (ReplicaId Replica, ReplicaId Silo)? ReadKey(long key)
    {
        var (replica, silo) = ((byte)key, key >> 8);
        return replica == 0 || silo is < 0 or > byte.MaxValue
            ? null
            : (new ReplicaId(replica), new ReplicaId(silo == 0 ? replica : (byte)silo));
    }

    /// <summary>The member whose silo stands in for a replica; null where its own is active, or none may.</summary>
    public ReplicaId? StandInFor(ReplicaId id)
    {
        SortedDictionary<ReplicaId, SiloAddress> active = Active();
        return active.ContainsKey(id) ? null : StandIn(id, active.Keys);
    }

    // Every silo comes to the same answer from the same membership, and a silo that comes or goes moves no replica but
    // those that it takes or leaves (rendezvous hashing, Thaler and Ravishankar 1998).
    private ReplicaId? StandIn(ReplicaId id, IEnumerable<ReplicaId> candidates) => homes == ReplicaHomes.OwnSilo
        ? null
        : candidates.OrderBy(candidate => Weight(id, candidate)).Select(c => (ReplicaId?)c).FirstOrDefault();

    private static uint Weight(ReplicaId replica, ReplicaId silo)
    {
        uint mixed = (uint)((replica.Value << 8) | silo.Value) * 2_654_435_761;
        mixed = (mixed ^ (mixed >> 15)) * 2_246_822_519;
        return mixed ^ (mixed >> 13);
    }

    // Asked before each call of a link, so made once for each state of the membership.
    private SortedDictionary<ReplicaId, SiloAddress> Active()
    {
        ClusterMembershipSnapshot now = membership.CurrentSnapshot;
        if (_active is not { } known || known.Of != now.Version)
        {
            _active = known = new Snapshot(now.Version, ActiveOf(now));
        }

        return known.Silos;
    }

    private static SortedDictionary<ReplicaId, SiloAddress> ActiveOf(ClusterMembershipSnapshot snapshot)
    {
        var active = new SortedDictionary<ReplicaId, SiloAddress>();
        foreach (ClusterMember member in snapshot.Members.Values)
        {
            // A silo that was started again may stand beside its dead predecessor for a while.
            if (member.Status == SiloStatus.Active && IdOf(member.Name) is { } id
                && (!active.TryGetValue(id, out SiloAddress? found)
                    || member.SiloAddress.Generation > found.Generation))
            {
                active[id] = member.SiloAddress;
            }
        }

        return active;
    }

    private static ReplicaId? IdOf(string name) =>
        name.StartsWith(Prefix, StringComparison.Ordinal)
        && byte.TryParse(name.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out byte id)
        && id > 0
            ? new ReplicaId(id) : null;

    private sealed record Snapshot(MembershipVersion Of, SortedDictionary<ReplicaId, SiloAddress> Silos);
}

/// <summary>Where a replica may live.</summary>
public enum ReplicaHomes
{
    /// <summary>On the silo that has its data directory.</summary>
    OwnSilo,

    /// <summary>On its own silo while that is active, else on another one: its data are in a store for all.</summary>
    AnySilo,
}
