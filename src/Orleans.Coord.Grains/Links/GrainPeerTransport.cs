using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Coord.Grains.Placement;
using Orleans.Coord.Replication;

namespace Orleans.Coord.Grains.Links;

/// <summary>
/// Links the members of a group through their <see cref="IReplicaGrain"/>s. Members are found by their ids alone, so
/// who they are may change at any time.
/// </summary>
/// <param name="self">This member.</param>
/// <param name="loggers">Makes the logger <c>Orleans.Coord.Links</c>.</param>
public sealed class GrainPeerTransport(ReplicaId self, ILoggerFactory loggers) : IPeerTransport
{
    private readonly ILogger _logger = loggers.CreateLogger("Orleans.Coord.Links");
    private readonly PeerLink?[] _links = new PeerLink?[byte.MaxValue + 1];
    private readonly List<PeerLink> _used = [];
    private volatile IReadOnlySet<ReplicaId> _refused = new HashSet<ReplicaId>();
    private volatile Func<ReplicaId, PeerLink>? _connect;

    /// <summary>Links from now on; what is sent before is dropped.</summary>
    /// <param name="silo">The services of this member's silo, which has joined its cluster.</param>
    /// <param name="data">This member's.</param>
    /// <param name="observer">Learns of members that cannot be reached.</param>
    public void Start(IServiceProvider silo, ReplicaData data, IPeerObserver observer)
    {
        var grains = silo.GetRequiredService<IGrainFactory>();
        var silos = silo.GetRequiredService<ReplicaSilos>();
        _connect = peer => new PeerLink(
            (self, data), peer, grains, silos, observer, _logger);
    }

    /// <summary>Whether the group has removed a member: nothing is sent to it, or taken from it.</summary>
    public bool IsRefused(ReplicaId peer) => _refused.Contains(peer);

    /// <inheritdoc/>
    public void SetPeers(IReadOnlyDictionary<ReplicaId, DnsEndPoint> peers, IReadOnlySet<ReplicaId> refused) =>
        _refused = refused;

    /// <inheritdoc/>
    public void Send(ReplicaId to, ReadOnlySpan<byte> envelope)
    {
        Invariant.Check(to != self && to != ReplicaId.None && envelope.Length > 0);
        if (_refused.Contains(to))
        {
            return;
        }

        if (_links[to.Value] is not { } link)
        {
            if (_connect is not { } connect)
            {
                return;
            }

            _links[to.Value] = link = connect(to);
            _used.Add(link);
        }

        link.Send(envelope);
    }

    /// <inheritdoc/>
    public void Flush()
    {
        foreach (PeerLink link in _used)
        {
            link.Flush();
        }
    }

    /// <summary>Drops what is queued and sends no more. After the replica's last turn only.</summary>
    public void Stop()
    {
        foreach (PeerLink link in _used)
        {
            link.Stop();
        }
    }
}
