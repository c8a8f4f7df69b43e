using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;

namespace Orleans.Coord.Gateway;

/// <summary><c>envi</c>: ZooKeeper's keys, with what comes closest to them here.</summary>
internal static class EnvironmentText
{
    /// <summary>The answer to <c>envi</c>.</summary>
    public static string Compose()
    {
        GCMemoryInfo memory = GC.GetGCMemoryInfo();
        var text = new StringBuilder("Environment:\n");
        Line(text, "zookeeper.version", ServerVersion.Text);
        Line(text, "host.name", Dns.GetHostName());
        Line(text, "java.version", RuntimeInformation.FrameworkDescription);
        Line(text, "java.vendor", "none: this is Orleans.Coord, on .NET");
        Line(text, "java.home", RuntimeEnvironment.GetRuntimeDirectory());
        Line(text, "java.class.path", AppContext.BaseDirectory);
        Line(text, "java.library.path", AppContext.BaseDirectory);
        Line(text, "java.io.tmpdir", Path.GetTempPath());
        Line(text, "java.compiler", "<NA>");
        Line(text, "os.name", OperatingSystem.IsLinux() ? "Linux" : Environment.OSVersion.Platform.ToString());
        Line(text, "os.arch", JavaArchitecture());
        Line(text, "os.version", Environment.OSVersion.Version.ToString());
        Line(text, "user.name", Environment.UserName);
        Line(text, "user.home", Environment.GetFolderPath(Environment.SpecialFolder.UserProfile));
        Line(text, "user.dir", Environment.CurrentDirectory);
        Line(text, "os.memory.free", Megabytes(memory.TotalCommittedBytes - memory.HeapSizeBytes));
        Line(text, "os.memory.max", Megabytes(memory.TotalAvailableMemoryBytes));
        Line(text, "os.memory.total", Megabytes(memory.TotalCommittedBytes));
        return text.ToString();
    }

    private static string JavaArchitecture() => RuntimeInformation.OSArchitecture switch
    {
        Architecture.X64 => "amd64",
        Architecture.Arm64 => "aarch64",
        Architecture other => other.ToString(),
    };

    private static string Megabytes(long bytes) =>
        string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, bytes) >> 20}MB");

    private static void Line(StringBuilder text, string key, string value) =>
        text.Append(key).Append('=').Append(value).Append('\n');
}
