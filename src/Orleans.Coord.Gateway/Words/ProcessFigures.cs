using System.Globalization;

namespace Orleans.Coord.Gateway;

/// <summary>What the operating system knows about this process. −1 where it does not tell, as in ZooKeeper.</summary>
internal static class ProcessFigures
{
    /// <summary>Files and sockets that are open.</summary>
    public static long OpenFileDescriptors()
    {
        try
        {
            return Directory.GetFileSystemEntries("/proc/self/fd").Length;
        }
        catch (IOException)
        {
            return -1;
        }
    }

    /// <summary>How many files and sockets may be open.</summary>
    public static long MaxFileDescriptors()
    {
        try
        {
            string? line = File.ReadLines("/proc/self/limits")
                .FirstOrDefault(static line => line.StartsWith("Max open files", StringComparison.Ordinal));
            string? soft = line?.Split(' ', StringSplitOptions.RemoveEmptyEntries).ElementAtOrDefault(3);
            return long.TryParse(soft, CultureInfo.InvariantCulture, out long count) ? count : -1;
        }
        catch (IOException)
        {
            return -1;
        }
    }

    /// <summary>How long the process has been running.</summary>
    public static long UptimeMs()
    {
        using var process = System.Diagnostics.Process.GetCurrentProcess();
        return (long)(DateTime.UtcNow - process.StartTime.ToUniversalTime()).TotalMilliseconds;
    }
}
