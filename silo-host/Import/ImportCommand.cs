using System.CommandLine;
using Orleans.Coord.Replication;
using Orleans.Coord.Tree;
using Orleans.Coord.Wal;

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

    private static readonly Option<string?> FromSnapshot = new("--from-snapshot")
    {
        Description = "A snapshot that a silo took (GET /commands/snapshot, or a file of its data directory)",
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
            "import", "Make a new silo's data from a ZooKeeper, live or its data directory, or from a silo's snapshot")
        {
            From, FromData, FromLogs, FromSnapshot, Auth, Data, Voters, LeastZxid,
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
        long leastZxid = parsed.GetValue(LeastZxid);
        CoordStateMachine machine =
            (parsed.GetValue(From), parsed.GetValue(FromData), parsed.GetValue(FromSnapshot)) switch
            {
                ({ } source, null, null) =>
                    LiveZooKeeper.Read(source, parsed.GetValue(Auth) ?? [], spool, progress).Finish(leastZxid),
                (null, { } folder, null) =>
                    ZooKeeperFiles.Read(folder, parsed.GetValue(FromLogs), progress).Finish(leastZxid),
                (null, null, { } file) => ReadSnapshot(file, leastZxid),
                _ => throw new StartupException(
                    "Give one of --from HOST:PORT, --from-data FOLDER and --from-snapshot FILE."),
            };
        foreach (string target in targets)
        {
            ImportTarget.Write(Path.GetFullPath(target), voters, machine);
            progress.Say($"wrote {machine.ZnodeCount} znodes at zxid 0x{machine.LastApplied:x} to {target}, verified");
        }

        File.Delete(spool);
        Console.WriteLine($"imported {machine.ZnodeCount} znodes at zxid 0x{machine.LastApplied:x}");
    }

    // Its members and sessions stay behind: what starts from it is another group.
    private static CoordStateMachine ReadSnapshot(string file, long leastZxid)
    {
        try
        {
            var saved = CoordStateMachine.Restore(SnapshotFile.ReadChunks(Path.GetFullPath(file), new NativeDisk()));
            return saved.At(
                Math.Max(leastZxid, saved.LastApplied + 1), saved.LastTime, EnsembleConfig.None, saved.FeatureLevel);
        }
        catch (Exception e) when (e is StorageException or SnapshotFormatException or FeatureLevelException)
        {
            throw new StartupException(e.Message, e);
        }
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
