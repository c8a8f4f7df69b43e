using System.Globalization;

namespace Orleans.Coord.Grains.Placement;

/// <summary>Which silo owns which replica, by the cluster's membership: a silo tells by its name.</summary>
internal sealed class ReplicaSilos(IClusterMembershipService membership)
{
    /// <summary>The name of the silo that owns a replica.</summary>
    public static string NameOf(ReplicaId id) => "coord-" + id.Value.ToString(CultureInfo.InvariantCulture);

    /// <summary>The active silo that owns a replica, or null.</summary>
    public SiloAddress? Find(ReplicaId id)
    {
        string name = NameOf(id);
        SiloAddress? found = null;
        foreach (ClusterMember member in membership.CurrentSnapshot.Members.Values)
        {
            // A silo that was started again may stand beside its dead predecessor for a while.
            if (member.Status == SiloStatus.Active && member.Name == name
                && (found is null || member.SiloAddress.Generation > found.Generation))
            {
                found = member.SiloAddress;
            }
        }

        return found;
    }
}
