using System.Globalization;
using System.Text;

namespace Orleans.Coord.Gateway;

/// <summary><c>dump</c>: sessions and their ephemeral znodes, and connections.</summary>
internal static class DumpText
{
    /// <summary>The answer to <c>dump</c>.</summary>
    public static void Append(StringBuilder text, ServerStatistics server, IEnumerable<ClientConnection> connections)
    {
        text.Append("SessionTracker dump:\n");
        if (server.LocalSessions is { } local)
        {
            AppendTimed(text, "Local Session", local);
        }

        AppendSessions(text, server.Sessions, server.LocalSessions is null ? "Session" : "Global Session");
        text.Append("ephemeral nodes dump:\n");
        AppendEphemerals(text, server.Sessions);
        text.Append("Connections dump:\n");
        AppendSets(
            text,
            "Connections",
            connections.Select(static connection => (
                connection.ExpiresAt,
                $"ip: {JavaText.Address(connection.RemoteEndPoint)} " +
                $"sessionId: {JavaText.Hex(connection.Statistics.SessionId)}")));
    }

    private static void AppendTimed(StringBuilder text, string what, IReadOnlyList<SessionReport> sessions) =>
        AppendSets(
            text, what, sessions.Select(static session => (session.ExpiresAt!.Value, JavaText.Hex(session.Id))));

    private static void AppendSessions(StringBuilder text, IReadOnlyList<SessionReport> sessions, string what)
    {
        if (sessions.All(static session => session.ExpiresAt is not null))
        {
            AppendTimed(text, what, sessions);
            return;
        }

        // Followers of ZooKeeper list time-outs in place of the times that only the leader knows.
        text.Append(CultureInfo.InvariantCulture, $"Global Sessions({sessions.Count}):\n");
        foreach (SessionReport session in sessions.OrderBy(static session => session.Id))
        {
            text.Append(CultureInfo.InvariantCulture, $"{JavaText.Hex(session.Id)}\t{session.TimeoutMs}ms\n");
        }
    }

    private static void AppendEphemerals(StringBuilder text, IReadOnlyList<SessionReport> sessions)
    {
        List<SessionReport> owners = [.. sessions.Where(static session => session.Ephemerals.Count > 0)];
        text.Append(CultureInfo.InvariantCulture, $"Sessions with Ephemerals ({owners.Count}):\n");
        foreach (SessionReport session in owners)
        {
            text.Append(CultureInfo.InvariantCulture, $"{JavaText.Hex(session.Id)}:\n");
            foreach (string path in session.Ephemerals)
            {
                text.Append('\t').Append(path).Append('\n');
            }
        }
    }

    // ZooKeeper keeps sets of things that expire at the same tick, here the same second.
    private static void AppendSets(StringBuilder text, string what, IEnumerable<(DateTimeOffset At, string Line)> items)
    {
        CultureInfo plain = CultureInfo.InvariantCulture;
        List<IGrouping<long, string>> sets =
        [
            .. items
                .GroupBy(static item => item.At.ToUnixTimeSeconds(), static item => item.Line)
                .OrderBy(static set => set.Key),
        ];
        text.Append(plain, $"{what} Sets ({sets.Count})/({sets.Sum(static set => set.Count())}):\n");
        foreach (IGrouping<long, string> set in sets)
        {
            string at = JavaText.Date(DateTimeOffset.FromUnixTimeSeconds(set.Key));
            text.Append(plain, $"{set.Count()} expire at {at}:\n");
            foreach (string line in set)
            {
                text.Append('\t').Append(line).Append('\n');
            }
        }
    }
}
