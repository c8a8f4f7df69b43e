using System.Globalization;
using System.Text;

namespace Orleans.Coord.Gateway;

/// <summary><c>conf</c> and <c>dirs</c>.</summary>
internal static class ConfigurationText
{
    /// <summary>The answer to <c>conf</c>.</summary>
    public static void Append(
        StringBuilder text, GatewayOptions options, ServerConfiguration server, int port, int tlsPort)
    {
        CultureInfo plain = CultureInfo.InvariantCulture;
        text.Append(plain, $"clientPort={port}\n");
        text.Append(plain, $"secureClientPort={tlsPort}\n");
        text.Append(plain, $"dataDir={server.DataDirectory}\n");
        text.Append(plain, $"dataDirSize={server.DataDirectoryBytes}\n");
        text.Append(plain, $"dataLogDir={server.LogDirectory}\n");
        text.Append(plain, $"dataLogSize={server.LogDirectoryBytes}\n");
        text.Append(plain, $"tickTime={server.TickTimeMs}\n");
        text.Append(plain, $"maxClientCnxns={options.MaxConnectionsPerAddress}\n");
        text.Append(plain, $"minSessionTimeout={server.MinSessionTimeoutMs}\n");
        text.Append(plain, $"maxSessionTimeout={server.MaxSessionTimeoutMs}\n");
        text.Append(plain, $"clientPortListenBacklog={options.Backlog}\n");
        text.Append(plain, $"serverId={server.ServerId}\n");
        foreach ((string key, string value) in server.More)
        {
            text.Append(plain, $"{key}={value}\n");
        }
    }

    /// <summary>The answer to <c>dirs</c>.</summary>
    public static void AppendSizes(StringBuilder text, ServerConfiguration server)
    {
        CultureInfo plain = CultureInfo.InvariantCulture;
        text.Append(plain, $"datadir_size: {server.DataDirectoryBytes}\n");
        text.Append(plain, $"logdir_size: {server.LogDirectoryBytes}\n");
    }
}
