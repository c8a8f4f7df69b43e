using System.Globalization;
using Orleans.Coord.Tree;

namespace Orleans.Coord.SiloHost.Administration;

/// <summary>What each member says of itself, by the four-letter word <c>srvr</c>.</summary>
internal static class MemberStates
{
    /// <summary>A table with a line for each member.</summary>
    public static string Table(EnsembleConfig config)
    {
        List<string[]> rows = [["ID", "KIND", "STATE", "ZXID", "PEERS", "CLIENTS"]];
        Parallel.ForEach(
            config.Members,
            member =>
            {
                (string state, string zxid) = Of(member);
                string[] row =
                [
                    member.Id.ToString(CultureInfo.InvariantCulture),
                    member.IsObserver ? "observer" : "participant",
                    state,
                    zxid,
                    string.Create(CultureInfo.InvariantCulture, $"{member.Host}:{member.PeerPort}"),
                    member.Clients.Length == 0 ? "-" : member.Clients,
                ];
                lock (rows)
                {
                    rows.Add(row);
                }
            });
        rows.Sort(1, rows.Count - 1, Comparer<string[]>.Create((a, b) => int.Parse(a[0]).CompareTo(int.Parse(b[0]))));
        int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(i => rows.Max(row => row[i].Length))];
        IEnumerable<string> lines = rows.Select(
            row => string.Join("  ", row.Select((cell, i) => cell.PadRight(widths[i]))).TrimEnd());
        return string.Join('\n', lines) + $"\nconfiguration version 0x{config.Version:x}";
    }

    /// <summary>leader, follower, observer, or why there is none of them; and the member's newest zxid.</summary>
    public static (string State, string Zxid) Of(EnsembleMember member)
    {
        if (ClientAddress(member) is not { } address)
        {
            return ("unknown: no address for clients", "-");
        }

        if (MemberClient.Ask(address, "srvr") is not { } answer)
        {
            return ("unreachable", "-");
        }

        string? mode = Value(answer, "Mode: ");
        string state = mode switch
        {
            null => "not serving",
            "observer" when !member.IsObserver => "catching up",
            _ => mode,
        };
        return (state, Value(answer, "Zxid: ") ?? "-");
    }

    // A member that listens on every address is asked at the one the other members use.
    private static string? ClientAddress(EnsembleMember member)
    {
        string address = member.Clients.Split(';')[0];
        int colon = address.LastIndexOf(':');
        if (colon <= 0)
        {
            return null;
        }

        bool everywhere = address[..colon] is "0.0.0.0" or "[::]";
        return everywhere ? member.Host + address[colon..] : address;
    }

    private static string? Value(string answer, string name) => answer.Split('\n')
        .Where(line => line.StartsWith(name, StringComparison.Ordinal))
        .Select(line => line[name.Length..].Trim())
        .FirstOrDefault();
}
