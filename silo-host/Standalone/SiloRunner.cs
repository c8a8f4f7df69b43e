using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Orleans.Coord.Replication;
using Orleans.Coord.Tree;

namespace Orleans.Coord.SiloHost.Standalone;

/// <summary>Runs one silo from start to stop and tells the operator about it.</summary>
internal static class SiloRunner
{
    /// <summary>Serves until cancelled (exit code 0) or until the replica has to stop (exit code 1).</summary>
    /// <exception cref="StartupException">The silo cannot start.</exception>
    public static async Task<int> RunAsync(
        CoordSettings settings, IConfiguration configuration, CancellationToken cancelled)
    {
        using ILoggerFactory loggers = CreateLoggers(configuration);
        // Ends after the replica, which hands over to the others first.
        await using IClusterRuntime? cluster = Hosts.Create(settings, loggers);
        string what = settings.Members.Length == 0 ? "one silo" : $"silo {settings.ReplicaId} of an ensemble";
        what = cluster?.Description ?? what + ", standalone host";
        Say($"{what}; data in {Path.GetFullPath(settings.DataDirectory)}");
        ReplicaStorage? storage = cluster is null ? null : await cluster.OpenStorageAsync();
        await using StandaloneSilo silo = Open(settings, loggers, cluster, storage);
        foreach (string note in silo.Notes)
        {
            Say(note);
        }

        _ = TellOfRemovalAsync(silo);
        if (!await silo.IsMemberAsync())
        {
            Say(cluster is not null
                ? "it joins as an observer: the leader adds it, and the port for clients opens then"
                : $"it waits to be added: ./coord member add {settings.ReplicaId}=HOST:PORT --clients PORT with this "
                    + "silo's addresses, and --server with a member's; the port for clients opens then");
        }

        long zxid;
        int znodes;
        try
        {
            (zxid, znodes) = await silo.ServeAsync(cancelled);
        }
        catch (OperationCanceledException)
        {
            Say("stopped before it served");
            return 0;
        }

        string address = ListenAddress.ForClients(settings, silo.ClientEndPoint.Port);
        Say($"recovered {znodes} znodes at zxid 0x{zxid:x}; listening on {silo.ClientEndPoint}");
        Say($"connect any ZooKeeper client, for instance: zkCli.sh -server {address}; Ctrl-C stops");
        Console.WriteLine("ready " + address);
        Exception? failure = await WaitAsync(silo, cluster, cancelled);
        if (failure is null)
        {
            Say("stopping");
            return 0;
        }

        await Console.Error.WriteLineAsync("coord: the silo has to stop. " + Explain(failure));
        return 1;
    }

    private static async Task TellOfRemovalAsync(StandaloneSilo silo)
    {
        await silo.Removed;
        Say(
            "this silo was removed from its ensemble: it serves nobody any more, and never will under this id; stop it "
            + "when you like, delete its data directory, and use a new id if it is to come back");
    }

    private static StandaloneSilo Open(
        CoordSettings settings, ILoggerFactory loggers, IClusterRuntime? cluster, ReplicaStorage? storage)
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new StartupException(
                "A silo runs on Linux: its log calls the kernel's own sync. Use WSL or a container.");
        }

        try
        {
            return StandaloneSilo.Open(settings, ListenAddress.Parse(settings), loggers, cluster, storage);
        }
        catch (Exception e) when (e is StorageException or FeatureLevelException)
        {
            throw new StartupException(e.Message, e);
        }
        catch (ArgumentException e)
        {
            // The gateway's options check themselves, and name the setting first.
            throw new StartupException("Setting Coord:" + e.Message, e);
        }
    }

    private static async Task<Exception?> WaitAsync(
        StandaloneSilo silo, IClusterRuntime? cluster, CancellationToken cancelled)
    {
        var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using (cancelled.Register(() => stop.TrySetResult()))
        {
            Task first = await Task.WhenAny(silo.Failure, cluster?.Failure ?? stop.Task, stop.Task);
            return first is Task<Exception> failure ? await failure : null;
        }
    }

    // These are sentences for the operator already; anything else is a defect, and its trace helps us.
    private static string Explain(Exception failure) =>
        failure is StorageException or FeatureLevelException or DivergenceException
            ? failure.Message : failure.ToString();

    private static void Say(string line) => Console.WriteLine("coord: " + line);

    private static ILoggerFactory CreateLoggers(IConfiguration configuration) => LoggerFactory.Create(logging => logging
        .AddConfiguration(configuration.GetSection("Logging"))
        .AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "yyyy-MM-dd HH:mm:ss.fff ";
            console.ColorBehavior = LoggerColorBehavior.Disabled;
        })
        // Who starts a silo and does not read its output must not stop it: lines are dropped instead.
        .AddConsole(console => console.QueueFullMode = ConsoleLoggerQueueFullMode.DropWrite));
}
