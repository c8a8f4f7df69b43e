using System.Globalization;
using System.Net;

namespace Orleans.Coord.Tcp;

/// <summary>Reads the addresses of members as an operator writes them.</summary>
public static class PeerAddress
{
    /// <summary>
    /// Reads <c>host:port</c>, where the host is a name, an IPv4 address, or an IPv6 address in brackets.
    /// </summary>
    /// <exception cref="FormatException">The text is something else; the message is for the operator.</exception>
    public static DnsEndPoint Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int colon = text.LastIndexOf(':');
        string host = colon < 0 ? "" : text[..colon];
        if (host.StartsWith('[') && host.EndsWith(']'))
        {
            host = host[1..^1];
        }
        else if (host.Contains(':', StringComparison.Ordinal))
        {
            host = "";
        }

        bool isPort = ushort.TryParse(
            text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port);
        if (host.Length == 0 || !isPort || port == 0)
        {
            throw new FormatException(
                $"'{text}' is not the address of a member: write host:port, for instance 10.0.0.7:2888.");
        }

        return new DnsEndPoint(host, port);
    }
}
