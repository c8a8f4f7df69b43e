using System.CommandLine;
using Microsoft.Extensions.Configuration;

namespace Orleans.Coord.SiloHost;

/// <summary>The silo's command line.</summary>
internal static class Program
{
    // A stop hands over, lets clients go and syncs; past this it is cut short.
    private static readonly TimeSpan _stopTime = TimeSpan.FromSeconds(20);

    private static readonly Option<int?> Port = new("--port")
    {
        Description = "Port for ZooKeeper clients; 0 takes a free one (Coord:ClientPort, default 2181)",
    };

    private static readonly Option<string?> Data = new("--data")
    {
        Description = "Folder for the log and the snapshots (Coord:DataDirectory, default ./data)",
    };

    private static readonly Option<string?> Address = new("--address")
    {
        Description = "Where to listen: localhost, * or an IP address (Coord:ClientAddress, default localhost)",
    };

    private static readonly Option<string[]> Set = new("--set")
    {
        Description = "Any setting, as Section:Key=Value; may be repeated",
        AllowMultipleArgumentsPerToken = false,
    };

    private static readonly Option<string?> Config = new("--config")
    {
        Description = "The settings file (default ./appsettings.json)",
    };

    private static readonly Option<bool> AcceptTailLoss = new("--accept-tail-loss")
    {
        Description = "Start although the log's last batch is damaged and may have been acknowledged",
    };

    private static readonly Option<string?> Host = new("--host")
    {
        Description = "orleans or standalone: what links silos (Coord:Host, default orleans where built in)",
    };

    private static readonly Option<int?> Nodes = new("--nodes")
    {
        Description = "Run 3, 5 or 7 silos of one ensemble on this machine; --port is the first one's client port",
    };

    private static Task<int> Main(string[] arguments)
    {
        var up = new Command("up", "Run a silo until Ctrl-C")
        {
            Port, Data, Address, Set, Config, Host, Nodes, AcceptTailLoss,
        };
        up.SetAction((parsed, cancelled) => GuardAsync(() => RunAsync(parsed, cancelled)));
        var initialize = new Command("init-db", "Prepare the database of Coord:Database; may be repeated")
        {
            Set, Config,
        };
        initialize.SetAction((parsed, _) => GuardAsync(() => InitializeDatabaseAsync(parsed)));
        var root = new RootCommand("Orleans.Coord: a coordination service that speaks ZooKeeper's protocol")
        {
            up, initialize, Administration.MemberCommand.Create(), Import.ImportCommand.Create(),
        };
        // `dotnet run --project silo-host` without a word means "up".
        ParseResult parsed = root.Parse(arguments.Length == 0 ? ["up"] : arguments);
        return parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = _stopTime });
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancelled)
    {
        IConfigurationRoot configuration = SettingsLoader.Load(parsed.GetValue(Config), Overrides(parsed));
        CoordSettings settings = SettingsLoader.Bind(configuration);
        return parsed.GetValue(Nodes) is { } nodes
            ? await Ensemble.RunAsync(settings, nodes, ForEveryMember(parsed), cancelled)
            : await Standalone.SiloRunner.RunAsync(settings, configuration, cancelled);
    }

    private static async Task<int> InitializeDatabaseAsync(ParseResult parsed)
    {
        IConfigurationRoot configuration = SettingsLoader.Load(parsed.GetValue(Config), Overrides(parsed));
        await Hosts.InitializeDatabaseAsync(SettingsLoader.Bind(configuration));
        Console.WriteLine("coord: the database is ready for silos");
        return 0;
    }

    private static async Task<int> GuardAsync(Func<Task<int>> command)
    {
        try
        {
            return await command();
        }
        catch (StartupException e)
        {
            await Console.Error.WriteLineAsync("coord: " + e.Message);
            return 1;
        }
    }

    // Port, data and identity are each member's own; the rest is passed on as it came.
    private static string[] ForEveryMember(ParseResult parsed)
    {
        List<string> options = [];
        foreach (string pair in parsed.GetValue(Set) ?? [])
        {
            options.AddRange(["--set", pair]);
        }

        if (parsed.GetValue(Config) is { } config)
        {
            options.AddRange(["--config", config]);
        }

        if (parsed.GetValue(Address) is { } address)
        {
            options.AddRange(["--address", address]);
        }

        return [.. options];
    }

    private static IEnumerable<KeyValuePair<string, string?>> Overrides(ParseResult parsed)
    {
        foreach (string pair in parsed.GetValue(Set) ?? [])
        {
            int equals = pair.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
            {
                throw new StartupException($"--set {pair} has no value; write --set Section:Key=Value.");
            }

            yield return new(pair[..equals], pair[(equals + 1)..]);
        }

        if (parsed.GetValue(Port) is { } port)
        {
            yield return new("Coord:ClientPort", port.ToString());
        }

        if (parsed.GetValue(Data) is { } data)
        {
            yield return new("Coord:DataDirectory", data);
        }

        if (parsed.GetValue(Address) is { } address)
        {
            yield return new("Coord:ClientAddress", address);
        }

        if (parsed.GetValue(Host) is { } host)
        {
            yield return new("Coord:Host", host);
        }

        if (parsed.GetValue(AcceptTailLoss))
        {
            yield return new("Coord:AcceptTailLoss", "true");
        }
    }
}
