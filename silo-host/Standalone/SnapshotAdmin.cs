using System.Net;
using Orleans.Coord.Consensus;
using Orleans.Coord.Gateway;
using Orleans.Coord.Replication;
using Orleans.Coord.Tree;
using Orleans.Coord.Wal;

namespace Orleans.Coord.SiloHost.Standalone;

/// <summary>Takes snapshots for the admin server, and restores them through the log.</summary>
internal sealed class SnapshotAdmin(ReplicaPump pump, DataDirectory directory, IDisk disk, long reserveBytes)
    : ISnapshotAdmin
{
    private const int CopyBytes = 1 << 20;
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(10);

    private int _restoring;

    public async Task<AdminRight> RightOfAsync(
        IPAddress client, string scheme, string credentials, CancellationToken cancellationToken)
    {
        string address = (client.IsIPv4MappedToIPv6 ? client.MapToIPv4() : client).ToString();
        Task<CoordErrorCode> right = pump.AskAsync(r => r.RightToRestore(address, scheme, credentials));
        return await right.WaitAsync(cancellationToken) switch
        {
            CoordErrorCode.Ok => AdminRight.Granted,
            CoordErrorCode.NoAuth => AdminRight.NotAuthorized,
            _ => AdminRight.NotAuthenticated,
        };
    }

    public async Task<SnapshotDownload?> TakeAsync(CancellationToken cancellationToken)
    {
        long wanted = await pump.AskAsync(replica =>
        {
            replica.SnapshotSoon();
            return replica.Machine.LastApplied;
        }).WaitAsync(cancellationToken);
        DateTime deadline = DateTime.UtcNow + _patience;
        while (DateTime.UtcNow < deadline)
        {
            if (directory.Snapshots.Latest is { } latest && latest.Index.Value >= wanted)
            {
                try
                {
                    return new SnapshotDownload(latest.Index.Value, File.OpenRead(directory.FileOf(latest)));
                }
                catch (FileNotFoundException)
                {
                    // Two newer ones have been finished meanwhile.
                }
            }

            await Task.Delay(_pause, cancellationToken);
        }

        return null;
    }

    public async Task<RestoreResult> RestoreAsync(Stream snapshot, CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _restoring, 1) != 0)
        {
            return new RestoreResult(0, "Another snapshot is being restored; wait for its end.");
        }

        string copy = Path.Combine(directory.Path, "restore.upload");
        try
        {
            return await ReceiveAsync(snapshot, copy, cancellationToken)
                ?? await CheckAsync(copy)
                ?? await ProposeAsync(copy);
        }
        finally
        {
            File.Delete(copy);
            Volatile.Write(ref _restoring, 0);
        }
    }

    // The whole file first: the members must not wait for a client's line.
    private async Task<RestoreResult?> ReceiveAsync(
        Stream snapshot, string copy, CancellationToken cancellationToken)
    {
        await using FileStream file = File.Create(copy);
        byte[] buffer = new byte[CopyBytes];
        int read;
        while ((read = await snapshot.ReadAtLeastAsync(buffer, CopyBytes, false, cancellationToken)) > 0)
        {
            // It is written a second time, to the log.
            if (disk.FreeBytes(directory.Path) < reserveBytes + file.Length + CopyBytes)
            {
                return new RestoreResult(0, "The disk has no room for the snapshot and its way through the log.");
            }

            await file.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
        }

        return null;
    }

    private async Task<RestoreResult?> CheckAsync(string copy)
    {
        CoordStateMachine machine;
        try
        {
            machine = CoordStateMachine.Restore(SnapshotFile.ReadChunks(copy, disk));
        }
        catch (Exception e) when (e is StorageException or SnapshotFormatException or FeatureLevelException)
        {
            return new RestoreResult(0, $"What was sent cannot be restored. {e.Message}");
        }

        (bool leads, ReplicaId leader, bool fits) = await pump.AskAsync(replica => (
            replica.Raft.Role == RaftRole.Leader, replica.Raft.Leader, replica.Machine.MayTakeOver(machine)));
        string? refusal = !leads
            ? (leader == ReplicaId.None
                ? "There is no leader now, and a restore goes through one; try again when there is."
                : $"A restore goes through the leader: send it to member {leader.Value}.")
            : !fits
            ? $"The snapshot stands at zxid 0x{machine.LastApplied:x}, which this ensemble has not reached: it is of "
                + "another one, or of a later time. Make a new ensemble from it: ./coord import --from-snapshot."
            : null;
        return refusal is null ? null : new RestoreResult(0, refusal);
    }

    private async Task<RestoreResult> ProposeAsync(string copy)
    {
        long id = Random.Shared.NextInt64(1, long.MaxValue);
        int parts = SnapshotParts.Cut(SnapshotFile.ReadChunks(copy, disk)).Count();
        int number = 0;
        foreach (ReadOnlyMemory<byte> part in SnapshotParts.Cut(SnapshotFile.ReadChunks(copy, disk)))
        {
            number++;
            if (await OfferAsync(id, number, parts, part) is { } refusal)
            {
                return new RestoreResult(0, refusal);
            }
        }

        return await AwaitEndAsync(id);
    }

    private async Task<string?> OfferAsync(long id, int number, int parts, ReadOnlyMemory<byte> part)
    {
        DateTime deadline = DateTime.UtcNow + _patience;
        while (DateTime.UtcNow < deadline)
        {
            switch (await pump.AskAsync(replica => replica.OfferPart(id, number, parts, part.Span)))
            {
                case PartVerdict.Taken:
                    return null;
                case PartVerdict.NotLeader:
                    return "This member has lost its leadership meanwhile; nothing was restored.";
                case PartVerdict.NotAgreed:
                    return "Some members are of a version that cannot restore; upgrade them first.";
                default:
                    await Task.Delay(_pause);
                    break;
            }
        }

        return "The log takes no more; is the disk full? Nothing was restored.";
    }

    private async Task<RestoreResult> AwaitEndAsync(long id)
    {
        DateTime deadline = DateTime.UtcNow + _patience;
        while (DateTime.UtcNow < deadline)
        {
            (long done, CoordErrorCode code, long zxid) = await pump.AskAsync(replica => (
                replica.LastRestore?.Id ?? 0, replica.LastRestore?.Code ?? default, replica.Machine.LastApplied));
            if (done == id)
            {
                return code == CoordErrorCode.Ok
                    ? new RestoreResult(zxid, null)
                    : new RestoreResult(0, $"The members have refused the snapshot ({code}); nothing was restored.");
            }

            await Task.Delay(_pause);
        }

        return new RestoreResult(
            0, "Whether it was restored is not known yet, as there is no quorum to decide it; look at the tree.");
    }
}
