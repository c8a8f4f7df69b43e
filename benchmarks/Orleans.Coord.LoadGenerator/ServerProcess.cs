using System.Globalization;

namespace Orleans.Coord.LoadGenerator;

/// <summary>Reads what a server process has used, all its threads together, from <c>/proc</c>.</summary>
internal sealed class ServerProcess
{
    // The unit of /proc times is fixed at 1/100 s in Linux's interface to programs.
    private const double TicksPerSecond = 100;
    private const int UserTimeField = 11;
    private const int SystemTimeField = 12;

    private readonly string _directory;

    public ServerProcess(int pid)
    {
        _directory = $"/proc/{pid}";
        if (!Directory.Exists(_directory))
        {
            throw new LoadException(ExitCode.Usage, $"--pid {pid}: there is no such process.");
        }
    }

    public double CpuSeconds()
    {
        // The command name may contain anything, spaces and brackets too: fields are counted from its last bracket.
        string stat = Read("stat");
        string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return (Parse(fields[UserTimeField]) + Parse(fields[SystemTimeField])) / TicksPerSecond;
    }

    /// <summary>Resident memory now and at its highest.</summary>
    public (long Resident, long Peak) MemoryBytes()
    {
        string status = Read("status");
        return (KibibytesOf(status, "VmRSS:") * 1024, KibibytesOf(status, "VmHWM:") * 1024);
    }

    private static long KibibytesOf(string status, string key)
    {
        int start = status.IndexOf(key, StringComparison.Ordinal) + key.Length;
        int end = status.IndexOf("kB", start, StringComparison.Ordinal);
        return Parse(status[start..end].Trim());
    }

    private static long Parse(string number) => long.Parse(number, CultureInfo.InvariantCulture);

    private string Read(string file)
    {
        try
        {
            return File.ReadAllText(Path.Combine(_directory, file));
        }
        catch (IOException)
        {
            throw new LoadException(ExitCode.ServerLost, $"The server process {_directory[6..]} ended during the run.");
        }
    }
}
