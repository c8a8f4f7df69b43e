using System.Globalization;
using System.Text;

namespace Orleans.Coord.Gateway;

/// <summary>Answers four-letter words in ZooKeeper's format, letter by letter: people's monitoring parses it.</summary>
internal sealed class FourLetterAnswers(
    GatewayOptions options,
    GatewayCounters counters,
    ConnectionTable connections,
    SharedIntake intake,
    TraceMask traceMask,
    IServerReport? report,
    Func<(int Plain, int Tls)> ports)
{
    private const string NotServing = "This ZooKeeper instance is not currently serving requests\n";

    private readonly HashSet<string> _allowed = FourLetterWord.Parse(options.FourLetterWords);

    /// <summary>The answer to a word. Never fails: a server that can't tell says that it is not serving.</summary>
    /// <param name="word">The word.</param>
    /// <param name="argument">What came behind it; 0 for most.</param>
    public async ValueTask<string> AnswerAsync(string word, long argument)
    {
        if (!_allowed.Contains(word))
        {
            return $"{word} is not executed because it is not in the whitelist.";
        }

        switch (word)
        {
            case "ruok":
                return "imok";
            case "envi":
                return EnvironmentText.Compose();
            case "gtmk":
                return traceMask.Value.ToString(CultureInfo.InvariantCulture);
            case "stmk":
                traceMask.Value = argument;
                return argument.ToString(CultureInfo.InvariantCulture);
        }

        ServerStatistics? server = await report.TryReadAsync(word switch
        {
            "dump" => ReportParts.Sessions,
            "wchc" or "wchp" => ReportParts.Watches,
            "hash" => ReportParts.Digests,
            _ => ReportParts.None,
        });
        if (server is null)
        {
            return word == "isro" ? "null" : NotServing;
        }

        return Compose(word, server);
    }

    private string Compose(string word, ServerStatistics server)
    {
        switch (word)
        {
            case "isro":
                return server.Mode == "read-only" ? "ro" : "rw";
            case "crst":
                connections.ResetStatistics();
                return "Connection stats reset.\n";
            case "srst":
                counters.Reset();
                return "Server stats reset.\n";
        }

        var text = new StringBuilder();
        switch (word)
        {
            case "srvr":
                ServerText.Append(text, counters, connections, server, withClients: false);
                break;
            case "stat":
                ServerText.Append(text, counters, connections, server, withClients: true);
                break;
            case "cons":
                ServerText.AppendConnections(text, connections.All, brief: false);
                break;
            case "mntr":
                MonitorText.Append(text, MonitorText.Figures(counters, connections, intake, server));
                break;
            case "conf":
                ConfigurationText.Append(text, options, server.Configuration, ports().Plain, ports().Tls);
                break;
            case "dirs":
                ConfigurationText.AppendSizes(text, server.Configuration);
                break;
            case "dump":
                DumpText.Append(text, server, connections.All);
                break;
            case "hash":
                foreach ((long zxid, ulong digest) in server.Digests)
                {
                    text.Append(CultureInfo.InvariantCulture, $"{zxid:x}: {digest}\n");
                }

                break;
            case "wchs":
                WatchText.AppendSummary(text, server);
                break;
            case "wchp":
                WatchText.AppendByPath(text, server.Watches);
                break;
            case "wchc":
                WatchText.AppendBySession(text, server.Watches);
                break;
        }

        return text.ToString();
    }
}
