using System.Globalization;
using System.Net;
using Orleans.Coord.Tree;

namespace Orleans.Coord.SiloHost;

/// <summary>
/// Setting <c>Coord:Members</c>: the members of an ensemble and where each listens for the others.
/// </summary>
/// <param name="ById">Each member by its id.</param>
internal sealed record Members(IReadOnlyDictionary<ReplicaId, EnsembleMember> ById)
{
    /// <summary>
    /// Reads <c>1=host:2888,2=host:2888,3=host:2888</c>, each perhaps with <c>;host:2181</c> or <c>;2181</c>; null when
    /// the setting is empty: one silo alone.
    /// </summary>
    /// <exception cref="StartupException">It cannot be read, or does not name this silo.</exception>
    public static Members? Parse(CoordSettings settings)
    {
        if (string.IsNullOrWhiteSpace(settings.Members))
        {
            return null;
        }

        var members = new SortedDictionary<ReplicaId, EnsembleMember>();
        foreach (string part in settings.Members.Split(',', StringSplitOptions.TrimEntries))
        {
            if (ParseOne(part) is not { } member || !members.TryAdd(member.Replica, member))
            {
                throw new StartupException(
                    $"Setting Coord:Members has '{part}'; each member is ID=HOST:PORT or ID=HOST:PORT;CLIENTS, "
                    + "its id from 1 to 255, CLIENTS the port or the host and port where clients connect.");
            }
        }

        return members.ContainsKey(settings.Replica)
            ? new Members(members)
            : throw new StartupException(
                $"Setting Coord:ReplicaId is {settings.ReplicaId}, "
                + $"which Coord:Members does not have: {settings.Members}.");
    }

    /// <summary>Where a member listens for the others.</summary>
    public DnsEndPoint AddressOf(ReplicaId id) => new(ById[id].Host, ById[id].PeerPort);

    /// <summary>The addresses of all members but one.</summary>
    public Dictionary<ReplicaId, DnsEndPoint> Others(ReplicaId self) =>
        ById.Keys.Where(id => id != self).ToDictionary(id => id, AddressOf);

    /// <summary>Some of the members in ZooKeeper's form, for <c>/zookeeper/config</c>.</summary>
    public string TextOf(IEnumerable<ReplicaId> ids) =>
        string.Join(',', ids.Where(ById.ContainsKey).Select(id => ById[id]));

    /// <summary>Reads <c>ID=HOST:PORT</c> or <c>ID=HOST:PORT;CLIENTS</c>; null if it is something else.</summary>
    public static EnsembleMember? ParseOne(string text)
    {
        string[] pair = text.Split('=', 2);
        string[] addresses = pair[^1].Split(';', 2);
        int colon = addresses[0].LastIndexOf(':');
        if (pair.Length != 2 || colon <= 0
            || !byte.TryParse(pair[0], NumberStyles.None, CultureInfo.InvariantCulture, out byte id) || id == 0
            || !ushort.TryParse(
                addresses[0].AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port))
        {
            return null;
        }

        string host = addresses[0][..colon];
        string clients = addresses.Length == 1 ? ""
            : addresses[1].Contains(':', StringComparison.Ordinal) ? ";" + addresses[1]
            : $";{host}:{addresses[1]}";
        string line = string.Create(
            CultureInfo.InvariantCulture, $"server.{id}={host}:{port}:{ElectionPort(port)}{clients}");
        return EnsembleMember.TryParse(line, out EnsembleMember? member) ? member : null;
    }

    // ZooKeeper's text wants a second port, for elections; ours need none, so it is only ZooKeeper's usual number.
    private static int ElectionPort(ushort peerPort) =>
        peerPort + 1000 <= ushort.MaxValue ? peerPort + 1000 : peerPort - 1000;
}
