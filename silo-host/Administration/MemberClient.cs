using System.Net.Sockets;
using Orleans.Coord.Jute;
using Orleans.Coord.Tree;

namespace Orleans.Coord.SiloHost.Administration;

/// <summary>What changing the membership needs of a member: its configuration, and another one.</summary>
internal sealed class MemberClient : IDisposable
{
    private const int TimeoutMs = 10_000;
    private readonly ZooKeeperConnection _connection;

    private MemberClient(ZooKeeperConnection connection) => _connection = connection;

    /// <summary>Opens a session at the first of some servers that serves.</summary>
    /// <param name="servers">HOST:PORT, separated by commas.</param>
    /// <exception cref="StartupException">None of them does; the sentence says what the last one answered.</exception>
    public static MemberClient Connect(string servers)
    {
        Exception? last = null;
        foreach (string server in servers.Split(',', StringSplitOptions.TrimEntries))
        {
            if (!ZooKeeperConnection.TryParse(server, out string host, out ushort port))
            {
                throw new StartupException($"--server names '{server}'; a server is HOST:PORT.");
            }

            try
            {
                return new MemberClient(ZooKeeperConnection.Open(host, port, TimeoutMs));
            }
            catch (Exception e) when (e is IOException or SocketException)
            {
                last = e;
            }
        }

        throw new StartupException(
            $"No member serves clients at {servers} ({last?.Message.TrimEnd('.')}); name one that does with --server.",
            last!);
    }

    /// <summary>Asks a four-letter word at HOST:PORT; null where nobody answers.</summary>
    public static string? Ask(string server, string word) =>
        ZooKeeperConnection.TryParse(server, out string host, out ushort port)
            ? ZooKeeperConnection.Ask(host, port, word, TimeoutMs)
            : null;

    /// <summary>Shows who asks.</summary>
    /// <param name="credentials">user:password of the digest scheme.</param>
    /// <exception cref="IOException">The connection broke.</exception>
    public CoordErrorCode Authenticate(string credentials) => _connection.Authenticate("digest", credentials);

    /// <summary>Reads the ensemble's configuration as it was committed last.</summary>
    /// <exception cref="IOException">The connection broke.</exception>
    public EnsembleConfig ReadConfiguration()
    {
        const string Path = "/zookeeper/config";
        _connection.Call(OpCode.Sync, static body => body.WriteString(Path), out _);
        CoordErrorCode code = _connection.Call(
            OpCode.GetData,
            static body =>
            {
                body.WriteString(Path);
                body.WriteBool(false);
            },
            out byte[] reply);
        return code == CoordErrorCode.Ok && EnsembleConfig.TryRead(
            new JuteReader(reply).ReadBuffer(), default, out EnsembleConfig? config)
            ? config
            : throw new StartupException($"The configuration cannot be read there: {code}.");
    }

    /// <summary>Asks for another configuration.</summary>
    /// <exception cref="IOException">The connection broke: whether it was changed is not known.</exception>
    public CoordErrorCode Reconfigure(ReconfigRequest request) =>
        _connection.Call(OpCode.Reconfig, body => request.Write(body), out _);

    /// <summary>Ends the session.</summary>
    public void Dispose() => _connection.Dispose();
}
