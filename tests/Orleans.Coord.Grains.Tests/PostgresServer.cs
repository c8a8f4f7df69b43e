using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Orleans.Coord.Grains.Tests;

/// <summary>A PostgreSQL server of its own in a temporary folder; as root it runs as the user postgres.</summary>
internal sealed class PostgresServer
{
    private const string Programs = "/usr/lib/postgresql/15/bin";

    private readonly string _folder = Directory.CreateTempSubdirectory("coord-postgres-").FullName;
    private readonly int _port = FreePort();

    public PostgresServer()
    {
        if (IsRoot)
        {
            Run("/usr/bin/chown", "postgres", _folder);
        }

        Run("initdb", "--auth=trust", "--no-sync", "--username=coord");
        Start();
    }

    /// <summary>Whether it is installed here.</summary>
    public static bool IsInstalled => Directory.Exists(Programs);

    public string ConnectionString => string.Create(
        CultureInfo.InvariantCulture, $"Host=127.0.0.1;Port={_port};Username=coord;Database=postgres;Timeout=3");

    private static bool IsRoot => Environment.UserName == "root";

    /// <summary>Ends the server as a crash would, and starts it again.</summary>
    public void Restart()
    {
        Run("pg_ctl", "stop", "--mode=immediate", "--wait");
        Start();
    }

    /// <summary>Ends the server and takes its data away.</summary>
    public void End()
    {
        Run("pg_ctl", "stop", "--mode=immediate", "--wait");
        Directory.Delete(_folder, recursive: true);
    }

    private void Start() => Run(
        "pg_ctl", "start", "--wait", "--silent", $"--log={_folder}/log",
        string.Create(
            CultureInfo.InvariantCulture, $"--options=-p {_port} -k {_folder} -c listen_addresses=127.0.0.1"));

    private void Run(string program, params string[] options)
    {
        bool isOwn = !program.Contains('/', StringComparison.Ordinal);
        string[] command = isOwn ? [$"{Programs}/{program}", $"--pgdata={_folder}/data", .. options]
            : [program, .. options];
        if (isOwn && IsRoot)
        {
            command = ["/usr/sbin/runuser", "--user=postgres", "--", .. command];
        }

        // The server keeps what it inherits open: nobody may wait for its output to end.
        var start = new ProcessStartInfo(
            "/bin/sh", ["-c", "exec \"$@\" >/dev/null 2>&1 </dev/null", "sh", .. command])
        {
            WorkingDirectory = _folder,
        };
        using Process process = Process.Start(start)!;
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

/// <summary>A test with a real PostgreSQL; skipped where that is not installed.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PostgresFactAttribute : FactAttribute
{
    public PostgresFactAttribute()
    {
        if (!PostgresServer.IsInstalled)
        {
            Skip = "PostgreSQL 15 is not installed";
        }
    }
}
