using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Coord.Grains;
using Orleans.Coord.Grains.Placement;
using Orleans.Coord.Replication;
using Orleans.Coord.SiloHost.Standalone;
using Orleans.Coord.Tree;

namespace Orleans.Coord.SiloHost.Clustered;

/// <summary>
/// While this silo's replica leads, keeps the group's members in step with the cluster's silos: writes down the first
/// voters, adds the member of a silo that has joined as an observer, and follows silos that come back at another
/// address. Who is to vote is the operator's decision, and who is removed; only observers may be removed by themselves,
/// if the settings say so.
/// </summary>
internal sealed partial class Roster : IAsyncDisposable
{
    private static readonly TimeSpan _period = TimeSpan.FromMilliseconds(500);

    private readonly IGrainFactory _grains;
    private readonly ReplicaSilos _silos;
    private readonly ReplicaHost _own;
    private readonly TimeSpan? _longestAbsence;
    private readonly ILogger _logger;
    private readonly Dictionary<ReplicaId, long> _absentSince = [];
    private readonly Dictionary<ReplicaId, (SiloAddress Silo, EnsembleMember Member)> _described = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _watch;
    private string? _told;

    private Roster(IServiceProvider silo, ReplicaHost own, TimeSpan? longestAbsence, ILoggerFactory loggers)
    {
        _grains = silo.GetRequiredService<IGrainFactory>();
        _silos = silo.GetRequiredService<ReplicaSilos>();
        _own = own;
        _longestAbsence = longestAbsence;
        _logger = loggers.CreateLogger("Orleans.Coord.Roster");
        _watch = WatchAsync();
    }

    /// <summary>Watches the cluster until disposed.</summary>
    /// <param name="silo">The services of this silo, which has joined its cluster.</param>
    /// <param name="own">This silo's replica.</param>
    /// <param name="longestAbsence">After which an observer whose silo is gone is removed; null for never.</param>
    /// <param name="loggers">Makes the logger <c>Orleans.Coord.Roster</c>.</param>
    public static Roster Start(
        IServiceProvider silo, ReplicaHost own, TimeSpan? longestAbsence, ILoggerFactory loggers) =>
        new(silo, own, longestAbsence, loggers);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _watch;
        _stop.Dispose();
    }

    private async Task WatchAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await LookAsync();
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (StorageException)
            {
                // The replica has stopped, and the silo does too.
                return;
            }
#pragma warning disable CA1031 // Whatever it is, the next look may find it gone; the operator hears of it, once.
            catch (Exception e)
#pragma warning restore CA1031
            {
                if (Tells(e.Message))
                {
                    Failed(_logger, e);
                }
            }

            await Task.Delay(_period, _stop.Token).ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }

    private async Task LookAsync()
    {
        (EnsembleConfig Ensemble, ReplicaId[] Voters)? group = await _own.AskAsync<(EnsembleConfig, ReplicaId[])?>(
            replica => replica.CanServe && replica.Raft.Role == Consensus.RaftRole.Leader
                ? (replica.Machine.Ensemble, [.. replica.Raft.Configuration.Voters])
                : null).WaitAsync(_stop.Token);
        if (group is not var (ensemble, voters))
        {
            // Whoever leads next counts anew.
            _absentSince.Clear();
            return;
        }

        if (await NextChangeAsync(ensemble, voters) is not { } change)
        {
            _told = null;
            return;
        }

        string text = change.NewMembers ?? change.Joining ?? $"without replica {change.Leaving}";
        if (!ensemble.TryChange(change, 0, out _))
        {
            if (Tells(text))
            {
                Impossible(_logger, text);
            }
        }
        else if (await _own.AskAsync(replica => replica.ChangeMembers(change)).WaitAsync(_stop.Token))
        {
            Changes(_logger, text);
        }
    }

    private bool Tells(string text)
    {
        bool isNew = _told != text;
        _told = text;
        return isNew;
    }

    private async Task<ReconfigRequest?> NextChangeAsync(EnsembleConfig ensemble, ReplicaId[] voters)
    {
        List<EnsembleMember> present = await DescribeAsync();
        if (ensemble.IsEmpty)
        {
            // Whoever is not here cannot say where it is: the first list waits for all.
            EnsembleMember[] first = [.. present.Where(m => voters.Contains(m.Replica)).Select(Voting)];
            return first.Length == voters.Length
                ? new ReconfigRequest(null, null, string.Join(',', (object[])first), -1)
                : null;
        }

        ReconfigRequest? impossible = null;
        foreach (EnsembleMember member in present.Where(m => !ensemble.WasRemoved(m.Replica)))
        {
            EnsembleMember? known = ensemble.Find(member.Replica);
            EnsembleMember wanted = known is { IsObserver: false } ? Voting(member) : member;
            if (wanted != known)
            {
                var change = new ReconfigRequest(wanted.ToString(), null, null, ensemble.Version);
                if (ensemble.TryChange(change, 0, out _))
                {
                    return change;
                }

                // The others must not wait for it.
                impossible ??= change;
            }
        }

        return AbsentTooLong(ensemble) is { } gone
            ? new ReconfigRequest(null, $"{gone}", null, ensemble.Version)
            : impossible;
    }

    // An observer whose silo this leader has not seen for all that time.
    private ReplicaId? AbsentTooLong(EnsembleConfig ensemble)
    {
        long now = Environment.TickCount64;
        foreach (EnsembleMember member in ensemble.Members)
        {
            if (!member.IsObserver || _silos.Find(member.Replica) is not null)
            {
                _absentSince.Remove(member.Replica);
            }
            else if (!_absentSince.TryAdd(member.Replica, now)
                && now - _absentSince[member.Replica] > _longestAbsence?.TotalMilliseconds)
            {
                return member.Replica;
            }
        }

        return null;
    }

    private static EnsembleMember Voting(EnsembleMember member) => member with { IsObserver = false };

    // What the active silos say of their replicas; each is asked once in its life.
    private async Task<List<EnsembleMember>> DescribeAsync()
    {
        List<EnsembleMember> present = [];
        foreach (ReplicaId id in _silos.ActiveMembers)
        {
            if (_silos.Find(id) is not { } silo)
            {
                continue;
            }

            if (!_described.TryGetValue(id, out (SiloAddress Silo, EnsembleMember Member) known) || known.Silo != silo)
            {
                if (await AskAsync(id) is not { } member)
                {
                    continue;
                }

                _described[id] = known = (silo, member);
            }

            present.Add(known.Member);
        }

        return present;
    }

    private async Task<EnsembleMember?> AskAsync(ReplicaId id)
    {
        try
        {
            string line = await _grains.GetGrain<IReplicaGrain>(id.Value).DescribeAsync();
            return EnsembleMember.TryParse(line, out EnsembleMember? member) ? member : null;
        }
#pragma warning disable CA1031 // Whatever the call met, that silo is asked again.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Silent(_logger, id, e.Message);
            return null;
        }
    }

    [LoggerMessage(1, LogLevel.Information, "The cluster's silos change the members: {Change}")]
    private static partial void Changes(ILogger logger, string change);

    [LoggerMessage(3, LogLevel.Error, "Keeping the members in step with the cluster's silos failed")]
    private static partial void Failed(ILogger logger, Exception exception);

    [LoggerMessage(
        4,
        LogLevel.Warning,
        "A silo cannot bring its member, whose address another one has; remove that one if it is gone: {Change}")]
    private static partial void Impossible(ILogger logger, string change);

    [LoggerMessage(2, LogLevel.Debug, "Replica {Replica} does not say where it is: {Reason}")]
    private static partial void Silent(ILogger logger, ReplicaId replica, string reason);
}
