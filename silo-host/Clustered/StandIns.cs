using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Coord.Grains;
using Orleans.Coord.Grains.Links;
using Orleans.Coord.Grains.Placement;
using Orleans.Coord.Replication;
using Orleans.Coord.SiloHost.Standalone;
using Orleans.Coord.Tree;
using Orleans.Coord.Wal;

namespace Orleans.Coord.SiloHost.Clustered;

/// <summary>
/// Runs voters whose own silos are gone, where their data are in a store that all silos reach: so a quorum heals
/// without an operator. A silo that comes back takes its replica over, and the one that stood in for it stops.
/// </summary>
internal sealed partial class StandIns : IAsyncDisposable
{
    // Where the whole cluster is started, silos come one after the other.
    private static readonly TimeSpan _patienceAtStart = TimeSpan.FromSeconds(5);

    // A silo that is only started again is back sooner.
    private static readonly TimeSpan _holdDown = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _period = TimeSpan.FromMilliseconds(200);

    // A replica that cannot be run here, or soon stops, is tried again less and less often.
    private static readonly TimeSpan _longestRetry = TimeSpan.FromSeconds(5);

    private readonly CoordSettings _settings;
    private readonly IServiceProvider _silo;
    private readonly ReplicaStore _store;
    private readonly ReplicaHost _own;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _logger;
    private readonly ReplicaSilos _silos;
    private readonly LocalReplicas _local;
    private readonly Dictionary<ReplicaId, Running> _running = [];
    private readonly Dictionary<ReplicaId, long> _goneSince = [];
    private readonly Dictionary<ReplicaId, Trouble> _troubles = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _watch;
    private volatile RecordDisk? _opening;

    private StandIns(
        CoordSettings settings, IServiceProvider silo, ReplicaStore store, ReplicaHost own, ILoggerFactory loggers)
    {
        _settings = settings;
        _silo = silo;
        _store = store;
        _own = own;
        _loggers = loggers;
        _logger = loggers.CreateLogger("Orleans.Coord.StandIns");
        _silos = silo.GetRequiredService<ReplicaSilos>();
        _local = silo.GetRequiredService<LocalReplicas>();
        _watch = WatchAsync();
    }

    /// <summary>Watches the cluster until disposed.</summary>
    public static StandIns Start(
        CoordSettings settings, IServiceProvider silo, ReplicaStore store, ReplicaHost own, ILoggerFactory loggers) =>
        new(settings, silo, store, own, loggers);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        // It may wait for a database that is away.
        _opening?.StopWaiting();
        await _watch;
        foreach (ReplicaId id in _running.Keys.ToArray())
        {
            await StopAsync(id, "this silo stops");
        }

        _stop.Dispose();
    }

    private async Task WatchAsync()
    {
        await PauseAsync(_patienceAtStart);
        string? told = null;
        // Once the own replica has stopped, this silo is about to end.
        while (!_stop.IsCancellationRequested && !_own.Pump.Failure.IsCompleted)
        {
            try
            {
                await LookAsync();
                told = null;
            }
            catch (OperationCanceledException)
            {
                return;
            }
#pragma warning disable CA1031 // Whatever it is, the next look may find it gone; the operator hears of it, once.
            catch (Exception e)
#pragma warning restore CA1031
            {
                if (told != e.Message)
                {
                    told = e.Message;
                    Failed(_logger, e);
                }
            }

            await PauseAsync(_period);
        }
    }

    private Task PauseAsync(TimeSpan time) =>
        Task.Delay(time, _stop.Token).ContinueWith(_ => { }, TaskScheduler.Default);

    private async Task LookAsync()
    {
        List<ReplicaId> mine = await MineAsync();
        foreach (ReplicaId id in _troubles.Keys.Where(id => !mine.Contains(id)).ToArray())
        {
            _troubles.Remove(id);
        }

        foreach ((ReplicaId id, Running running) in _running.ToArray())
        {
            if (running.Host.Pump.Failure.IsCompleted)
            {
                string reason = (await running.Host.Pump.Failure).Message;
                await StopAsync(id, reason);
                if (Environment.TickCount64 - running.Since > _longestRetry.TotalMilliseconds)
                {
                    _troubles.Remove(id);
                }

                Postpone(id, reason);
            }
            else if (!mine.Contains(id))
            {
                await StopAsync(id, "it has another home");
            }
            else
            {
                // It serves no clients: a member that does leads better.
                await running.Host.AskAsync(replica => replica.HandOver()).WaitAsync(_stop.Token);
            }
        }

        foreach (ReplicaId id in mine.Where(id => !_running.ContainsKey(id) && IsDue(id)))
        {
            // Not on this thread: what the data need to be recovered is waited for.
            await Task.Run(() => Run(id));
        }
    }

    // Voters that this silo is to stand in for, by the membership of group and cluster.
    private async Task<List<ReplicaId>> MineAsync()
    {
        IReadOnlyList<ReplicaId> voters = await _own.AskAsync<IReadOnlyList<ReplicaId>>(
            replica => [.. replica.Raft.Configuration.Voters]).WaitAsync(_stop.Token);
        long now = Environment.TickCount64;
        List<ReplicaId> mine = [];
        foreach (ReplicaId id in voters)
        {
            ReplicaId? standIn = _silos.StandInFor(id);
            if (standIn is null)
            {
                _goneSince.Remove(id);
                continue;
            }

            _goneSince.TryAdd(id, now);
            if (standIn == _local.OwnId && now - _goneSince[id] >= _holdDown.TotalMilliseconds)
            {
                mine.Add(id);
            }
        }

        return mine;
    }

    private void Run(ReplicaId id)
    {
        (RecordDisk disk, ReplicaStorage storage) = _store.Of(id);
        ReplicaHost? host = null;
        _opening = disk;
        if (_stop.IsCancellationRequested)
        {
            disk.StopWaiting();
        }

        try
        {
            host = ReplicaHost.Open(_settings, storage, _loggers);
            IReadOnlyList<ReplicaId> voters = FirstVoters.Settle(
                storage.Path, storage.Disk, _settings.VoterIds.Contains(id) ? _settings.VoterIds : []);
            var links = new GrainPeerTransport(id, _loggers);
            var admission = new PeerAdmission(storage, links);
            host.Start(ReplicaHost.OptionsOf(_settings, id, voters), links);
            _running.Add(id, new Running(host, disk, links, Environment.TickCount64));
            _local.Add(new LocalReplica(id, host.Pump, host.Pump, admission.Admit));
            links.Start(_silo, new ReplicaData(host.Directory.Incarnation, host.Directory.Generation), host.Pump);
            Runs(_logger, id);
        }
#pragma warning disable CA1031 // Whatever it is, this silo's own replica has nothing to do with it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            host?.Directory.Dispose();
            _store.Release(disk);
            if (!_stop.IsCancellationRequested && Postpone(id, e.Message))
            {
                NotRun(_logger, id, e is StorageException or FeatureLevelException ? e.Message : e.ToString());
            }
        }
        finally
        {
            _opening = null;
        }
    }

    private bool IsDue(ReplicaId id) =>
        !_troubles.TryGetValue(id, out Trouble? trouble) || Environment.TickCount64 >= trouble.NotBefore;

    // Each time for twice as long. Whether it is for another reason than the last time.
    private bool Postpone(ReplicaId id, string reason)
    {
        Trouble? last = _troubles.GetValueOrDefault(id);
        TimeSpan pause = last is null ? _period : 2 * last.Pause;
        pause = pause < _longestRetry ? pause : _longestRetry;
        _troubles[id] = new Trouble(reason, Environment.TickCount64 + (long)pause.TotalMilliseconds, pause);
        return reason != last?.Reason;
    }

    private async Task StopAsync(ReplicaId id, string reason)
    {
        if (!_running.Remove(id, out Running? running))
        {
            return;
        }

        _local.Remove(id);
        await running.Host.HandOverAsync();
        running.Links.Stop();
        running.Disk.StopWaiting();
        await running.Host.DisposeAsync();
        _store.Release(running.Disk);
        Stopped(_logger, id, reason);
    }

    [LoggerMessage(1, LogLevel.Information, "This silo stands in for the one of replica {Replica}, which is gone")]
    private static partial void Runs(ILogger logger, ReplicaId replica);

    [LoggerMessage(2, LogLevel.Information, "This silo does not stand in for replica {Replica} any more: {Reason}")]
    private static partial void Stopped(ILogger logger, ReplicaId replica, string reason);

    [LoggerMessage(3, LogLevel.Warning, "Replica {Replica}, whose silo is gone, could not be run here: {Reason}")]
    private static partial void NotRun(ILogger logger, ReplicaId replica, string reason);

    [LoggerMessage(4, LogLevel.Error, "Looking after replicas whose silos are gone failed")]
    private static partial void Failed(ILogger logger, Exception exception);

    // Times are those of Environment.TickCount64.
    private sealed record Running(ReplicaHost Host, RecordDisk Disk, GrainPeerTransport Links, long Since);

    private sealed record Trouble(string Reason, long NotBefore, TimeSpan Pause);
}
