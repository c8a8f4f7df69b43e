using System.Globalization;

namespace Orleans.Coord.Chaos;

/// <summary>What to run.</summary>
/// <param name="Silo">The silo's program, a .dll.</param>
/// <param name="Folder">An empty folder for the disks.</param>
/// <param name="Members">3 or 5.</param>
/// <param name="Seconds">How long faults go on.</param>
/// <param name="Seed">Decides the faults and the choices of the load, though not the timing.</param>
/// <param name="Faults">The names of the only faults; null for all.</param>
/// <param name="Namespaces">Hosts and disks of their own; if not, proxies and no disk faults.</param>
internal sealed record Options(
    string Silo, string Folder, int Members, int Seconds, ulong Seed, IReadOnlySet<string>? Faults, bool Namespaces)
{
    public const string Usage =
        "usage: coord-chaos SILO.dll FOLDER [--members 3|5] [--seconds N] [--seed N] [--faults NAME,NAME] "
        + "[--links namespaces|proxies]";

    /// <exception cref="FormatException">The arguments are not understood.</exception>
    public static Options Parse(string[] arguments)
    {
        if (arguments.Length < 2 || arguments.Length % 2 != 0)
        {
            throw new FormatException(Usage);
        }

        var options = new Options(arguments[0], arguments[1], 3, 60, 1, null, true);
        for (int i = 2; i < arguments.Length; i += 2)
        {
            string value = arguments[i + 1];
            options = arguments[i] switch
            {
                "--members" => options with { Members = int.Parse(value, CultureInfo.InvariantCulture) },
                "--seconds" => options with { Seconds = int.Parse(value, CultureInfo.InvariantCulture) },
                "--seed" => options with { Seed = ulong.Parse(value, CultureInfo.InvariantCulture) },
                "--faults" => options with { Faults = value.Split(',').ToHashSet(StringComparer.Ordinal) },
                "--links" when value is "namespaces" or "proxies" =>
                    options with { Namespaces = value == "namespaces" },
                _ => throw new FormatException(Usage),
            };
        }

        return options;
    }
}
