using System.Globalization;
using System.Net;

namespace Orleans.Coord.Client;

/// <summary>The servers of a connection string, handed out round robin, so that a lost one is not tried next.</summary>
internal sealed class ServerList
{
    private const int DefaultPort = 2181;
    private readonly DnsEndPoint[] _servers;
    private int _next;

    private ServerList(DnsEndPoint[] servers, string root)
    {
        _servers = servers;
        Root = root;
    }

    /// <summary>The path after the servers; <c>/</c> when there is none.</summary>
    public string Root { get; }

    public int Count => _servers.Length;

    public bool Contains(DnsEndPoint server) => Array.IndexOf(_servers, server) >= 0;

    public ServerList WithRoot(string root) => new(_servers, root);

    public DnsEndPoint Next()
    {
        DnsEndPoint server = _servers[_next];
        _next = (_next + 1) % _servers.Length;
        return server;
    }

    public static ServerList Parse(string connectionString, bool shuffle)
    {
        ArgumentNullException.ThrowIfNull(connectionString);
        int slash = connectionString.IndexOf('/', StringComparison.Ordinal);
        string hosts = slash < 0 ? connectionString : connectionString[..slash];
        string root = slash < 0 ? "/" : connectionString[slash..];
        DnsEndPoint[] servers = hosts
            .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(ParseServer)
            .ToArray();
        if (servers.Length == 0)
        {
            throw new FormatException($"'{connectionString}' names no server");
        }

        if (shuffle)
        {
            Random.Shared.Shuffle(servers);
        }

        return new(servers, root);
    }

    private static DnsEndPoint ParseServer(string text)
    {
        string host = text;
        int port = DefaultPort;
        int colon = text.LastIndexOf(':');
        bool inBrackets = text.StartsWith('[');
        if (colon >= 0 && (!inBrackets || colon > text.IndexOf(']', StringComparison.Ordinal)))
        {
            host = text[..colon];
            if (!int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port)
                || port is < 1 or > 65_535)
            {
                throw new FormatException($"'{text}' has no valid port");
            }
        }

        host = inBrackets ? host.Trim('[', ']') : host;
        return host.Length == 0 || (!inBrackets && host.Contains(':', StringComparison.Ordinal))
            ? throw new FormatException($"'{text}' is not host:port")
            : new DnsEndPoint(host, port);
    }
}
