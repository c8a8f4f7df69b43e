using System.Net;

namespace Orleans.Coord.SiloHost;

/// <summary>
/// Setting <c>Coord:Members</c>: the voters of a static ensemble and where each listens for the others.
/// </summary>
/// <param name="Peers">Host and port of each member, by its id.</param>
internal sealed record Members(IReadOnlyDictionary<ReplicaId, DnsEndPoint> Peers)
{
    /// <summary>
    /// Reads <c>1=host:2888,2=host:2888,3=host:2888</c>; null when the setting is empty: one silo alone.
    /// </summary>
    /// <exception cref="StartupException">It cannot be read, or does not name this silo.</exception>
    public static Members? Parse(CoordSettings settings)
    {
        if (string.IsNullOrWhiteSpace(settings.Members))
        {
            return null;
        }

        var peers = new SortedDictionary<ReplicaId, DnsEndPoint>();
        foreach (string part in settings.Members.Split(',', StringSplitOptions.TrimEntries))
        {
            string[] pair = part.Split('=', 2);
            int colon = pair[^1].LastIndexOf(':');
            bool readable = pair.Length == 2 && colon > 0
                && byte.TryParse(pair[0], out byte id) && id > 0
                && ushort.TryParse(pair[1].AsSpan(colon + 1), out ushort port) && port > 0
                && peers.TryAdd(new ReplicaId(id), new DnsEndPoint(pair[1][..colon].Trim('[', ']'), port));
            if (!readable)
            {
                throw new StartupException(
                    $"Setting Coord:Members has '{part}'; each member is ID=HOST:PORT, its id from 1 to 255.");
            }
        }

        return peers.ContainsKey(settings.Replica)
            ? new Members(peers)
            : throw new StartupException(
                $"Setting Coord:ReplicaId is {settings.ReplicaId}, "
                + $"which Coord:Members does not have: {settings.Members}.");
    }
}
