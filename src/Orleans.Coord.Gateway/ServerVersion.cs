using System.Globalization;
using System.Reflection;

namespace Orleans.Coord.Gateway;

/// <summary>
/// The version text of <c>srvr</c>, <c>stat</c>, <c>mntr</c> and <c>envi</c>. It begins with the ZooKeeper version
/// whose protocol is served, because clients choose features by it, then names the product.
/// </summary>
public static class ServerVersion
{
    /// <summary>The ZooKeeper version whose client protocol is served.</summary>
    public const string Protocol = "3.9.3";

    /// <summary>For instance <c>3.9.3-orleans.coord.0.1.0, built on 2026-01-31 12:00 UTC</c>.</summary>
    public static string Text { get; } = Compose();

    private static string Compose()
    {
        Assembly assembly = typeof(ServerVersion).Assembly;
        string product = assembly.GetName().Version?.ToString(3) ?? "0";
        string file = Environment.ProcessPath ?? "";
        string library = Path.Combine(AppContext.BaseDirectory, "Orleans.Coord.Gateway.dll");
        DateTime built = File.GetLastWriteTimeUtc(File.Exists(library) ? library : file);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{Protocol}-orleans.coord.{product}, built on {built:yyyy-MM-dd HH:mm} UTC");
    }
}
