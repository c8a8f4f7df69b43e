using System.Globalization;
using System.Text;
using Orleans.Coord.Gateway;
using Orleans.Coord.Replication;
using Orleans.Coord.Tree;

namespace Orleans.Coord.SiloHost.Standalone;

/// <summary>What the four-letter words ask of the replica, read in one of its turns.</summary>
internal sealed class ReplicaReport(ReplicaPump pump, CoordSettings settings, string data) : IServerReport
{
    public async ValueTask<ServerStatistics?> ReadAsync(ReportParts parts, CancellationToken cancellationToken)
    {
        ServerStatistics? statistics =
            await pump.AskAsync(replica => Describe(replica, parts)).WaitAsync(cancellationToken);
        // Sizes on disk are looked up out here: the replica's turn touches no file.
        return statistics is null ? null : statistics with
        {
            Configuration = Configuration(),
            LastSnapshot = LastSnapshot(),
        };
    }

    public async ValueTask<bool> EndSessionAsync(long sessionId, CancellationToken cancellationToken) =>
        await pump.AskAsync(replica => replica.EndSession(sessionId)).WaitAsync(cancellationToken);

    private ServerStatistics? Describe(Replica replica, ReportParts parts)
    {
        if (!replica.CanServe && !replica.IsReadOnly)
        {
            return null;
        }

        CoordStateMachine machine = replica.Machine;
        return new ServerStatistics
        {
            Mode = replica.IsReadOnly ? "read-only"
                : replica.IsAlone ? "standalone"
                : replica.Raft.Role == Consensus.RaftRole.Leader ? "leader"
                : replica.IsVoter ? "follower" : "observer",
            LastZxid = machine.LastApplied,
            ZnodeCount = machine.ZnodeCount,
            EphemeralCount = machine.EphemeralCount,
            ApproximateDataBytes = machine.ApproximateDataSize,
            SessionCount = machine.Sessions.Count,
            WatchCount = machine.Watches.Count,
            WatchedPaths = machine.Watches.PathCount,
            WatchingSessions = machine.Watches.SessionCount,
            Metrics =
            [
                new("coord_term", replica.Raft.Term.Value.ToString(CultureInfo.InvariantCulture)),
                new("coord_disk_low", replica.IsDiskLow ? "1" : "0"),
                new("coord_writes_stopped", replica.WritesStopped is null ? "0" : "1"),
                new("coord_feature_level", machine.FeatureLevel.ToString(CultureInfo.InvariantCulture)),
                new("coord_digest_agreed_zxid", replica.DigestAgreedIndex.ToString(CultureInfo.InvariantCulture)),
                new("coord_quota_refused_writes", machine.QuotaRefusals.ToString(CultureInfo.InvariantCulture)),
                new("coord_quota_soft_exceeded_writes", machine.QuotaWarnings.ToString(CultureInfo.InvariantCulture)),
            ],
            Members = [.. machine.Ensemble.Members.Select(static one => new MemberReport(
                one.Id, one.Host, one.PeerPort, one.ElectionPort, one.Clients, one.IsObserver))],
            LeaderId = replica.Raft.Leader == ReplicaId.None ? -1 : replica.Raft.Leader.Value,
            Digests = parts.HasFlag(ReportParts.Digests) ? [.. machine.Digests.Digests] : [],
            Sessions = parts.HasFlag(ReportParts.Sessions) ? Sessions(replica) : [],
            LocalSessions = parts.HasFlag(ReportParts.Sessions) && (settings.LocalSessions || replica.IsReadOnly)
                ? LocalSessions(replica) : null,
            Watches = parts.HasFlag(ReportParts.Watches) ? Watches(machine.Watches) : [],
        };
    }

    private ServerConfiguration Configuration() => new()
    {
        DataDirectory = data,
        DataDirectoryBytes = BytesOf("snapshot-*"),
        LogDirectory = data,
        LogDirectoryBytes = BytesOf("log-*"),
        TickTimeMs = settings.TickTimeMs,
        MinSessionTimeoutMs = settings.MinTimeout,
        MaxSessionTimeoutMs = settings.MaxTimeout,
        Members = settings.Members,
    };

    private SnapshotReport? LastSnapshot()
    {
        // Named by index, so the last by name is the newest.
        FileInfo? newest = new DirectoryInfo(data).EnumerateFiles("snapshot-*.snap").MaxBy(static file => file.Name);
        return newest is null || !long.TryParse(newest.Name.Split('-')[1], CultureInfo.InvariantCulture, out long zxid)
            ? null
            : new SnapshotReport(zxid, new DateTimeOffset(newest.LastWriteTimeUtc).ToUnixTimeMilliseconds());
    }

    // Files come and go while they are counted.
    private long BytesOf(string pattern) =>
        new DirectoryInfo(data).EnumerateFiles(pattern).Sum(file => file.Exists ? file.Length : 0);

    private static List<SessionReport> Sessions(Replica replica)
    {
        DateTimeOffset now = DateTimeOffset.FromUnixTimeMilliseconds(replica.Now.WallMs);
        return [.. replica.Machine.Sessions.All.Select(session => new SessionReport(
            session.Id,
            session.TimeoutMs,
            replica.Leases.Remaining(session.Id, replica.Now.MonotonicMs) is { } ms ? now.AddMilliseconds(ms) : null,
            [.. replica.Machine.EphemeralPaths(session.Id).Select(Encoding.UTF8.GetString)]))];
    }

    private static List<SessionReport> LocalSessions(Replica replica)
    {
        DateTimeOffset now = DateTimeOffset.FromUnixTimeMilliseconds(replica.Now.WallMs);
        return [.. replica.LocalSessions.Select(session => new SessionReport(
            session.SessionId, session.TimeoutMs, now.AddMilliseconds(session.RemainingMs), []))];
    }

    private static List<WatchReport> Watches(WatchTable watches) =>
        [.. watches.SessionIds.SelectMany(id => watches.PathsOf(id).Keys
            .Select(path => new WatchReport(Encoding.UTF8.GetString(path), id)))];
}
