using System.Globalization;

namespace Orleans.Coord.Recipes;

/// <summary>A child of a lock's path that stands in its line. Other children are nobody's business here.</summary>
/// <param name="Name">The znode's name.</param>
/// <param name="IsShared">Whether it lets others of its kind in beside it.</param>
/// <param name="Sequence">The server's number, which wraps around.</param>
internal readonly record struct Contender(string Name, bool IsShared, int Sequence)
{
    private const int Digits = 10;

    private static readonly (string Marker, bool IsShared)[] Markers =
    [
        ("__lock__", false), ("__rlock__", true), ("lock-", false), ("__WRIT__", false), ("__READ__", true),
    ];

    public static bool TryParse(string name, out Contender contender)
    {
        foreach ((string marker, bool isShared) in Markers)
        {
            int at = name.LastIndexOf(marker, StringComparison.Ordinal);
            ReadOnlySpan<char> number = at < 0 ? default : name.AsSpan(at + marker.Length);
            if ((number.Length == Digits || (number.Length == Digits + 1 && number[0] == '-'))
                && int.TryParse(number, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int sequence))
            {
                contender = new(name, isShared, sequence);
                return true;
            }
        }

        contender = default;
        return false;
    }

    public static Contender Parse(string name) =>
        TryParse(name, out Contender contender) ? contender : throw new FormatException($"Not a contender: {name}");

    /// <summary>Whether it came earlier; right while the two are less than 2^31 creates apart.</summary>
    public bool IsBefore(Contender other) => unchecked(Sequence - other.Sequence) < 0;

    /// <summary>
    /// The last of those in the list that this one has to wait for; null when there is none. False when this one is
    /// not in the list itself.
    /// </summary>
    public bool TryFindBlocker(IEnumerable<string> names, out string? blocker)
    {
        bool present = false;
        Contender? last = null;
        foreach (string name in names)
        {
            present |= name == Name;
            if (TryParse(name, out Contender other) && other.IsBefore(this) && !(IsShared && other.IsShared)
                && last?.IsBefore(other) != false)
            {
                last = other;
            }
        }

        blocker = last?.Name;
        return present;
    }
}
