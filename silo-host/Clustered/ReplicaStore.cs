using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Coord.SiloHost.Standalone;
using Orleans.Coord.Wal;
using Orleans.Storage;

namespace Orleans.Coord.SiloHost.Clustered;

/// <summary>The replicas' data in Orleans' grain storage: any silo of the cluster can open any replica.</summary>
internal sealed partial class ReplicaStore(IServiceProvider silo, CoordSettings settings, ILoggerFactory loggers)
    : IDisposable
{
    private const string ProviderName = "coord";

    private readonly ILogger _logger = loggers.CreateLogger("Orleans.Coord.Storage");
    private readonly List<RecordDisk> _disks = [];

    /// <summary>Adds the provider to a silo.</summary>
    public static void Configure(ISiloBuilder silo, CoordSettings settings) =>
        silo.AddAdoNetGrainStorage(ProviderName, options =>
        {
            options.Invariant = Database.Invariant;
            options.ConnectionString = settings.Database;
            options.GrainStorageSerializer = new RecordSerializer();
            options.DeleteStateOnClear = true;
        });

    /// <summary>A replica's disk; owned by nobody yet.</summary>
    public (RecordDisk Disk, ReplicaStorage Storage) Of(ReplicaId replica)
    {
        var records = new GrainRecordStore(silo.GetRequiredKeyedService<IGrainStorage>(ProviderName), replica);
        string owner = $"silo {settings.ReplicaId} (process {Environment.ProcessId} on {Environment.MachineName})";
        var disk = new RecordDisk(records, owner, error =>
        {
            if (error is null)
            {
                Back(_logger, replica);
            }
            else
            {
                Away(_logger, replica, error.Message);
            }
        });
        lock (_disks)
        {
            _disks.Add(disk);
        }

        return (disk, new ReplicaStorage(disk, $"/{settings.ClusterId}/replica-{replica}"));
    }

    /// <summary>A replica runs here no more.</summary>
    public void Release(RecordDisk disk)
    {
        lock (_disks)
        {
            _disks.Remove(disk);
        }

        disk.Dispose();
    }

    /// <summary>The process is ending: nobody waits for a database that is away any more.</summary>
    public void StopWaiting()
    {
        lock (_disks)
        {
            _disks.ForEach(disk => disk.StopWaiting());
        }
    }

    public void Dispose()
    {
        lock (_disks)
        {
            _disks.ForEach(disk => disk.Dispose());
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The grain storage does not answer; replica {Replica} waits: {Reason}")]
    private static partial void Away(ILogger logger, ReplicaId replica, string reason);

    [LoggerMessage(2, LogLevel.Information, "The grain storage answers replica {Replica} again")]
    private static partial void Back(ILogger logger, ReplicaId replica);
}
