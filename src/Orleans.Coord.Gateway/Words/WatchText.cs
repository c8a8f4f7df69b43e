using System.Globalization;
using System.Text;

namespace Orleans.Coord.Gateway;

/// <summary><c>wchs</c>, <c>wchp</c> and <c>wchc</c>.</summary>
internal static class WatchText
{
    /// <summary>The answer to <c>wchs</c>.</summary>
    public static void AppendSummary(StringBuilder text, ServerStatistics server)
    {
        CultureInfo plain = CultureInfo.InvariantCulture;
        text.Append(plain, $"{server.WatchingSessions} connections watching {server.WatchedPaths} paths\n");
        text.Append(plain, $"Total watches:{server.WatchCount}\n");
    }

    /// <summary>The answer to <c>wchp</c>.</summary>
    public static void AppendByPath(StringBuilder text, IReadOnlyList<WatchReport> watches) =>
        Append(text, watches, static watch => watch.Path, static watch => JavaText.Hex(watch.SessionId));

    /// <summary>The answer to <c>wchc</c>.</summary>
    public static void AppendBySession(StringBuilder text, IReadOnlyList<WatchReport> watches) =>
        Append(text, watches, static watch => JavaText.Hex(watch.SessionId), static watch => watch.Path);

    private static void Append(
        StringBuilder text,
        IReadOnlyList<WatchReport> watches,
        Func<WatchReport, string> group,
        Func<WatchReport, string> item)
    {
        foreach (IGrouping<string, string> lines in watches.GroupBy(group, item))
        {
            text.Append(lines.Key).Append('\n');
            foreach (string line in lines.Distinct(StringComparer.Ordinal))
            {
                text.Append('\t').Append(line).Append('\n');
            }
        }

        text.Append('\n');
    }
}
