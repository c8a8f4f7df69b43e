using System.CommandLine;
using Orleans.Coord.Tree;

namespace Orleans.Coord.SiloHost.Import;

/// <summary><c>coord import</c>: makes a new silo's data directory from a ZooKeeper.</summary>
internal static class ImportCommand
{
    private static readonly Option<string?> From = new("--from")
    {
        Description = "A live ZooKeeper to read, HOST:PORT: persistent znodes, their data, lists and stats",
    };

    private static readonly Option<string?> FromData = new("--from-data")
    {
        Description = "A stopped ZooKeeper's data directory to read (dataDir)",
    };

    private static readonly Option<string?> FromLogs = new("--from-logs")
    {
        Description = "Where its transaction logs are, if elsewhere (dataLogDir)",
    };

    private static readonly Option<string[]> Auth = new("--auth")
    {
        Description = "Credentials for --from, SCHEME:CREDENTIALS, such as digest:super:password; may be repeated",
        AllowMultipleArgumentsPerToken = false,
    };

    private static readonly Option<string[]> Data = new("--data")
    {
        Description = "The new data directory; for an ensemble once for each of its members",
        AllowMultipleArgumentsPerToken = false,
        Required = true,
    };

    private static readonly Option<string> Voters = new("--voters")
    {
        Description = "The ids of the members that start from it, 1,2,3 (default 1)",
        DefaultValueFactory = _ => "1",
    };

    private static readonly Option<long> LeastZxid = new("--above-zxid")
    {
        Description = "A zxid that clients may have seen and the source no longer tells; the log starts above it",
    };

    /// <summary>The command.</summary>
    public static System.CommandLine.Command Create()
    {
        var command = new System.CommandLine.Command(
            "import", "Make a new silo's data from a ZooKeeper, live or its data directory")
        {
            From, FromData, FromLogs, Auth, Data, Voters, LeastZxid,
        };
        command.SetAction(parsed => Run(parsed));
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        try
        {
            Import(parsed);
            return 0;
        }
        catch (Exception e) when (e is StartupException or IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine("coord: " + e.Message);
            return 1;
        }
    }

    private static void Import(ParseResult parsed)
    {
        string[] targets = parsed.GetValue(Data)!;
        ReplicaId[] voters = VotersOf(parsed.GetValue(Voters)!);
        foreach (string target in targets)
        {
            ImportTarget.CheckFree(target);
        }

        var progress = new ProgressBar();
        string spool = Path.GetFullPath(targets[0]).TrimEnd('/') + ".import";
        TreeImport tree = (parsed.GetValue(From), parsed.GetValue(FromData)) switch
        {
            ({ } source, null) => LiveZooKeeper.Read(source, parsed.GetValue(Auth) ?? [], spool, progress),
            (null, { } folder) => ZooKeeperFiles.Read(folder, parsed.GetValue(FromLogs), progress),
            _ => throw new StartupException("Give either --from HOST:PORT or --from-data FOLDER."),
        };
        CoordStateMachine machine = tree.Finish(parsed.GetValue(LeastZxid));
        foreach (string target in targets)
        {
            ImportTarget.Write(Path.GetFullPath(target), voters, machine);
            progress.Say($"wrote {machine.ZnodeCount} znodes at zxid 0x{machine.LastApplied:x} to {target}, verified");
        }

        File.Delete(spool);
        Console.WriteLine($"imported {machine.ZnodeCount} znodes at zxid 0x{machine.LastApplied:x}");
    }

    private static ReplicaId[] VotersOf(string list)
    {
        var voters = new List<ReplicaId>();
        foreach (string part in list.Split(',', StringSplitOptions.TrimEntries))
        {
            voters.Add(byte.TryParse(part, out byte id) && id > 0
                ? new ReplicaId(id)
                : throw new StartupException($"--voters {list} must be ids from 1 to 255, separated by commas."));
        }

        return [.. voters.Distinct()];
    }
}
