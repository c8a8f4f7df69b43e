using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Orleans.Coord.Tree;

/// <summary>
/// One member in ZooKeeper's text form, <c>server.ID=host:port:port:participant;host:clientPort</c>
/// (QuorumPeer.QuorumServer). The second port is ZooKeeper's for elections; nothing listens there.
/// </summary>
/// <param name="Id">As requested; only 1 to 255 becomes a member.</param>
/// <param name="Host">Name or address, an IPv6 address without brackets.</param>
/// <param name="PeerPort">Where it listens for the other members.</param>
/// <param name="ElectionPort">Differs from <paramref name="PeerPort"/>; kept for the text alone.</param>
/// <param name="IsObserver">Whether it is never to vote.</param>
/// <param name="Clients">Where clients connect, <c>host:port</c>, perhaps with <c>;host:securePort</c>; may be empty.
/// </param>
public sealed record EnsembleMember(
    long Id, string Host, ushort PeerPort, ushort ElectionPort, bool IsObserver, string Clients)
{
    private const int MaxHostLength = 253;

    /// <summary>The id as the consensus group knows it; only for a member of a configuration.</summary>
    public ReplicaId Replica => new(checked((byte)Id));

    /// <summary>Reads <c>server.ID=SPEC</c>.</summary>
    public static bool TryParse(string line, [NotNullWhen(true)] out EnsembleMember? member)
    {
        member = null;
        string[] parts = line.Split('=');
        return parts.Length == 2
            && long.TryParse(
                parts[0].AsSpan(parts[0].LastIndexOf('.') + 1).Trim(), NumberStyles.AllowLeadingSign,
                NumberFormatInfo.InvariantInfo, out long id)
            && TryParse(id, parts[1].Trim(), out member);
    }

    /// <summary>The line of the configuration's text.</summary>
    public override string ToString()
    {
        string kind = IsObserver ? "observer" : "participant";
        string clients = Clients.Length == 0 ? "" : ";" + Clients;
        return string.Create(
            NumberFormatInfo.InvariantInfo,
            $"server.{Id}={Bracketed(Host)}:{PeerPort}:{ElectionPort}:{kind}{clients}");
    }

    /// <summary>Whether both claim an address that only one of them can have; loopback ones are not compared.</summary>
    internal bool ConflictsWith(EnsembleMember other)
    {
        return (!IsUnspecific(Host) && Host == other.Host && Overlaps(other)) || SharesClients(other);

        bool Overlaps(EnsembleMember o) => PeerPort == o.PeerPort || PeerPort == o.ElectionPort
            || ElectionPort == o.PeerPort || ElectionPort == o.ElectionPort;
    }

    private static bool TryParse(long id, string spec, [NotNullWhen(true)] out EnsembleMember? member)
    {
        member = null;
        string[] parts = spec.Split(';');
        if (parts.Length > 3 || !TrySplitHost(parts[0], out string host, out string[] rest)
            || rest.Length is < 2 or > 3
            || !TryPort(rest[0], out ushort peer) || !TryPort(rest[1], out ushort election) || peer == election
            || !TryKind(rest, out bool observer) || !TryClients(parts.AsSpan(1), out string clients))
        {
            return false;
        }

        member = new EnsembleMember(id, host, peer, election, observer, clients);
        return true;
    }

    private static bool TryKind(string[] rest, out bool observer)
    {
        string kind = rest.Length == 3 ? rest[2].Trim() : "participant";
        observer = kind.Equals("observer", StringComparison.OrdinalIgnoreCase);
        return observer || kind.Equals("participant", StringComparison.OrdinalIgnoreCase);
    }

    // A port alone means every address of the host.
    private static bool TryClients(ReadOnlySpan<string> parts, out string clients)
    {
        clients = "";
        for (int i = 0; i < parts.Length; i++)
        {
            if (i > 0)
            {
                clients += ";";
            }

            if (parts[i].Length == 0)
            {
                continue;
            }

            string text = parts[i].Contains(':', StringComparison.Ordinal) ? parts[i] : "0.0.0.0:" + parts[i];
            if (!TrySplitHost(text, out string host, out string[] port) || port.Length != 1
                || !TryPort(port[0], out ushort number))
            {
                return false;
            }

            clients += string.Create(NumberFormatInfo.InvariantInfo, $"{Bracketed(host)}:{number}");
        }

        return true;
    }

    private static bool TrySplitHost(string text, out string host, out string[] rest)
    {
        int end = text.StartsWith('[') ? text.IndexOf(']', StringComparison.Ordinal) : text.IndexOf(
            ':', StringComparison.Ordinal);
        host = end <= 0 ? "" : text[0] == '[' ? text[1..end] : text[..end];
        string after = end < 0 ? "" : text[0] == '[' ? text[(end + 1)..] : text[end..];
        rest = after.StartsWith(':') ? after[1..].Split(':') : [];
        return host.Length is > 0 and <= MaxHostLength && rest.Length > 0 && IsHost(host);
    }

    private static bool IsHost(string host)
    {
        foreach (char c in host)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('.' or '-' or '_' or ':' or '%'))
            {
                return false;
            }
        }

        return true;
    }

    private static bool TryPort(string text, out ushort port) => ushort.TryParse(
        text.AsSpan().Trim(), NumberStyles.None, NumberFormatInfo.InvariantInfo, out port) && port > 0;

    private static string Bracketed(string host) =>
        host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : host;

    private static bool IsUnspecific(string host) =>
        host is "0.0.0.0" or "::" or "::1" or "localhost" || host.StartsWith("127.", StringComparison.Ordinal);

    private bool SharesClients(EnsembleMember other) =>
        Clients.Length > 0 && Clients == other.Clients && !IsUnspecific(Clients[..Clients.LastIndexOf(':')]);
}
