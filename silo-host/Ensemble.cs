using System.Diagnostics;
using System.Globalization;

namespace Orleans.Coord.SiloHost;

/// <summary>
/// Runs a whole ensemble on this machine, each member a process of its own with its own data directory: to try it,
/// and to see what failures look like. A member that dies is started again.
/// </summary>
internal sealed class Ensemble
{
    private static readonly TimeSpan _restartDelay = TimeSpan.FromSeconds(1);

    private readonly int _count;
    private readonly int _firstPort;
    private readonly string _data;
    private readonly string[] _options;
    private readonly string[] _group;
    private readonly TaskCompletionSource[] _ready;

    private Ensemble(string host, int count, int firstPort, string data, string[] options)
    {
        _count = count;
        _firstPort = firstPort;
        _data = data;
        _options = options;
        _group = host == Hosts.Orleans
            ? [
                "Coord:Host=" + host,
                "Coord:Voters=" + string.Join(',', Enumerable.Range(1, count)),
                "Coord:ClusterDirectory=" + Path.Combine(data, "cluster"),
            ]
            : [
                "Coord:Host=" + host,
                "Coord:Members=" + string.Join(',', PeerPorts(count, data).Select((port, i) => string.Create(
                    CultureInfo.InvariantCulture, $"{i + 1}=127.0.0.1:{port};127.0.0.1:{firstPort + i}"))),
            ];
        _ready = [.. Enumerable.Range(0, count).Select(
            _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously))];
    }

    /// <summary>Runs the members until cancelled.</summary>
    /// <param name="settings">Checked settings: the first client port and the folder that gets a folder each.</param>
    /// <param name="count">3, 5 or 7.</param>
    /// <param name="options">Options that every member is given.</param>
    /// <param name="cancelled">Ends them all.</param>
    /// <exception cref="StartupException">The number or the ports do not do, or a member refuses to start.</exception>
    public static async Task<int> RunAsync(
        CoordSettings settings, int count, string[] options, CancellationToken cancelled)
    {
        if (count is not (3 or 5 or 7))
        {
            throw new StartupException(
                $"--nodes is {count}; it must be 3, 5 or 7, so that a majority survives failures.");
        }

        if (settings.ClientPort == 0 || settings.ClientPort + count > 65_536)
        {
            throw new StartupException(
                $"--port is {settings.ClientPort}; the members take this port and the {count - 1} that follow.");
        }

        string data = Path.GetFullPath(settings.DataDirectory);
        string host = Hosts.Choose(settings);
        Console.WriteLine($"coord: {count} silos of one ensemble, {host} host; data in {data}/1 to {data}/{count}");
        var ensemble = new Ensemble(host, count, settings.ClientPort, data, options);
        return await ensemble.RunAsync(cancelled);
    }

    private async Task<int> RunAsync(CancellationToken cancelled)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancelled);
        Task<int>[] members = [.. Enumerable.Range(1, _count).Select(id => KeepRunningAsync(id, ending))];
        Task allReady = Task.WhenAll(_ready.Select(r => r.Task));
        Task first = await Task.WhenAny([allReady, .. members]);
        if (first == allReady)
        {
            Console.WriteLine("ready " + string.Join(',', Enumerable.Range(0, _count).Select(
                i => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{_firstPort + i}"))));
        }

        int[] codes = await Task.WhenAll(members);
        return codes.Max();
    }

    // A member that was ready once is started again when it dies; one that never was has a reason that it printed.
    private async Task<int> KeepRunningAsync(int id, CancellationTokenSource ending)
    {
        while (true)
        {
            int code = await RunMemberAsync(id, ending.Token);
            if (ending.IsCancellationRequested)
            {
                return _ready[id - 1].Task.IsCompleted ? 0 : code;
            }

            if (!_ready[id - 1].Task.IsCompleted)
            {
                await ending.CancelAsync();
                return code == 0 ? 1 : code;
            }

            Console.WriteLine($"coord: silo {id} ended with code {code}; starting it again");
            await Task.Delay(_restartDelay, ending.Token).ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }

    private async Task<int> RunMemberAsync(int id, CancellationToken cancelled)
    {
        using Process process = new() { StartInfo = StartInfo(id), EnableRaisingEvents = true };
        process.OutputDataReceived += (_, line) => Pass(id, line.Data);
        process.ErrorDataReceived += (_, line) => Pass(id, line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        await using (cancelled.Register(() => Terminate(process)))
        {
            await process.WaitForExitAsync(CancellationToken.None);
        }

        return process.ExitCode;
    }

    private ProcessStartInfo StartInfo(int id)
    {
        string port = (_firstPort + id - 1).ToString(CultureInfo.InvariantCulture);
        return new ProcessStartInfo(Environment.ProcessPath!)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            ArgumentList =
            {
                typeof(Ensemble).Assembly.Location, "up", "--port", port,
                "--data", Path.Combine(_data, id.ToString(CultureInfo.InvariantCulture)),
                "--set", "Coord:ReplicaId=" + id.ToString(CultureInfo.InvariantCulture),
            },
        }.With(_options).With(_group.SelectMany(setting => new[] { "--set", setting }));
    }

    private void Pass(int id, string? line)
    {
        if (line is null)
        {
            return;
        }

        if (line.StartsWith("ready ", StringComparison.Ordinal))
        {
            _ready[id - 1].TrySetResult();
        }
        else
        {
            Console.WriteLine($"[{id}] {line}");
        }
    }

    // SIGTERM, so that the member hands over and closes its files; .NET has no portable word for it.
    private static void Terminate(Process process)
    {
        try
        {
            using Process kill = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]);
            kill.WaitForExit();
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            // It has ended by itself.
        }
    }

    // The ports of the last time, if they are still free: the ensemble's configuration has them.
    private static int[] PeerPorts(int count, string data)
    {
        string file = Path.Combine(data, "peer-ports");
        int[] ports = File.Exists(file)
            ? [.. File.ReadLines(file).Select(line => int.TryParse(line, out int port) ? port : 0)]
            : [];
        if (ports.Length != count || !Array.TrueForAll(ports, FreePorts.IsFree))
        {
            ports = [.. FreePorts.Find(count)];
            Directory.CreateDirectory(data);
            File.WriteAllLines(file, ports.Select(port => port.ToString(CultureInfo.InvariantCulture)));
        }

        return ports;
    }
}

/// <summary>Helps to write a start in one expression.</summary>
internal static class ProcessStartInfoExtensions
{
    /// <summary>Adds arguments.</summary>
    public static ProcessStartInfo With(this ProcessStartInfo info, IEnumerable<string> arguments)
    {
        foreach (string argument in arguments)
        {
            info.ArgumentList.Add(argument);
        }

        return info;
    }
}
