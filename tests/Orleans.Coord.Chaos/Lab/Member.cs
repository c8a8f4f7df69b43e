using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Orleans.Coord.Chaos.Lab;

/// <summary>One silo of the ensemble: a process on a host and a disk of its own.</summary>
internal sealed class Member(int id, string silo, Network network, MemberDisk disk)
{
    private readonly Lock _gate = new();
    private readonly StringBuilder _output = new();
    private Process? _process;

    public int Id { get; } = id;

    public MemberDisk Disk { get; } = disk;

    /// <summary>Where clients reach it.</summary>
    public string ClientAddress
    {
        get
        {
            (string host, int port) = network.ClientAddress(Id);
            return string.Create(CultureInfo.InvariantCulture, $"{host}:{port}");
        }
    }

    public bool IsRunning => _process is { HasExited: false };

    /// <summary>Why it ended when nobody told it to; null while all is well.</summary>
    public string? Complaint { get; private set; }

    /// <summary>All that it has printed.</summary>
    public string Output
    {
        get
        {
            lock (_gate)
            {
                return _output.ToString();
            }
        }
    }

    public void Start()
    {
        Process process = new() { StartInfo = StartInfo(), EnableRaisingEvents = true };
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        Keep("--- start");
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        _process = process;
    }

    /// <summary>Sends a signal to the process, if there is one.</summary>
    public void Signal(string name)
    {
        if (IsRunning)
        {
            Shell.Signal(name, _process!.Id);
        }
    }

    /// <summary>Ends it with a signal and waits for the end.</summary>
    public void End(string signal)
    {
        if (_process is not { } process)
        {
            return;
        }

        Signal(signal);
        process.WaitForExit();
        Keep($"--- ended after {signal} with code {process.ExitCode}");
        _process = null;
    }

    /// <summary>Notes a complaint, and starts it again, when it has ended although nobody told it to.</summary>
    public void StartAgainIfEnded()
    {
        if (_process is { HasExited: true } process)
        {
            Complaint ??= $"member {Id} ended by itself with code {process.ExitCode}";
            Start();
        }
    }

    /// <summary>leader, follower or observer; null while it serves nobody.</summary>
    public string? Mode() => Ask("srvr").Split('\n')
        .FirstOrDefault(line => line.StartsWith("Mode: ", StringComparison.Ordinal))?["Mode: ".Length..];

    /// <summary>What it says of itself, and how full its disk is.</summary>
    public string Describe() => string.Create(
        CultureInfo.InvariantCulture,
        $"member {Id}: {(IsRunning ? "runs" : "ended")}, {Disk.FreeBytes >> 20} MiB free\n{Ask("mntr")}");

    private string Ask(string word)
    {
        try
        {
            using var connection = new TcpClient { SendTimeout = 2000, ReceiveTimeout = 2000 };
            (string host, int port) = network.ClientAddress(Id);
            if (!connection.ConnectAsync(host, port).Wait(2000))
            {
                return "no connection within 2 s";
            }

            connection.GetStream().Write(Encoding.ASCII.GetBytes(word));
            using var reader = new StreamReader(connection.GetStream());
            return reader.ReadToEnd();
        }
        catch (Exception e) when (e is IOException or SocketException or AggregateException)
        {
            return e.Message;
        }
    }

    private ProcessStartInfo StartInfo()
    {
        (string host, string members) = network.Settings(Id);
        string[] words =
        [
            .. network.Launcher(Id), silo, "up",
            "--data", Path.Combine(Disk.Folder, "data"), "--address", host,
            "--port", network.ClientAddress(Id).Port.ToString(CultureInfo.InvariantCulture),
            "--set", $"Coord:ReplicaId={Id}", "--set", "Coord:Members=" + members,
            // Small files, so that segments roll and snapshots are taken and sent within a short run.
            "--set", "Coord:SegmentBytes=8388608", "--set", "Coord:SnapshotLogBytes=4194304",
            "--set", "Coord:DiskReserveBytes=33554432", "--set", "Coord:TickTimeMs=1000",
        ];
        var info = new ProcessStartInfo(words[0], words[1..])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        info.Environment["DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS"] = "1";
        return info;
    }

    private void Keep(string? line)
    {
        lock (_gate)
        {
            _output.Append(CultureInfo.InvariantCulture, $"{DateTime.UtcNow:HH:mm:ss.fff} ").AppendLine(line);
        }
    }
}
