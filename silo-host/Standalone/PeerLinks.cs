using System.Net;
using Microsoft.Extensions.Logging;
using Orleans.Coord.Tcp;
using Orleans.Coord.Wal;

namespace Orleans.Coord.SiloHost.Standalone;

/// <summary>Makes the links of an ensemble from settings and the data directory's identity.</summary>
internal sealed class PeerLinks(CoordSettings settings, Members members, DataDirectory directory, IDisk disk)
    : IIncarnationRegistry
{
    private readonly PeerRegistry _registry = new(directory.Path, disk);

    public bool Admit(ReplicaId member, ulong incarnation) => _registry.Admit(member, incarnation);

    public TcpPeerTransport Create(ILoggerFactory loggers) => new(
        new PeerTransportOptions
        {
            Self = settings.Replica,
            Cluster = settings.EnsembleName,
            Incarnation = directory.Incarnation,
            Listen = Listen(members.AddressOf(settings.Replica)),
            Peers = members.Others(settings.Replica),
            AdmitGuests = true,
            Tls = PeerTlsFiles.Load(settings.PeerTls),
        },
        this,
        loggers);

    private static IPEndPoint Listen(DnsEndPoint own)
    {
        bool loopback = own.Host == "localhost"
            || (IPAddress.TryParse(own.Host, out IPAddress? address) && IPAddress.IsLoopback(address));
        return new IPEndPoint(loopback ? IPAddress.Loopback : IPAddress.Any, own.Port);
    }
}
