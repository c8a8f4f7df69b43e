using Orleans.Coord.Grains;
using Orleans.Coord.Grains.Links;
using Orleans.Coord.SiloHost.Standalone;
using Orleans.Coord.Wal;

namespace Orleans.Coord.SiloHost.Clustered;

/// <summary>Whom a replica listens to: members with the data that it first met them with, opened last, and
/// not removed.</summary>
internal sealed class PeerAdmission(ReplicaStorage storage, GrainPeerTransport? links)
{
    private readonly Lock _gate = new();
    private readonly PeerRegistry _registry = new(storage.Path, storage.Disk);
    private readonly Dictionary<ReplicaId, long> _newest = [];

    /// <summary>Whether envelopes of a member are taken.</summary>
    public bool Admit(ReplicaId peer, ReplicaData data)
    {
        lock (_gate)
        {
            bool isOutdated = data.Generation < _newest.GetValueOrDefault(peer) || links?.IsRefused(peer) == true;
            if (isOutdated || !_registry.Admit(peer, data.Incarnation))
            {
                return false;
            }

            _newest[peer] = data.Generation;
            return true;
        }
    }
}
