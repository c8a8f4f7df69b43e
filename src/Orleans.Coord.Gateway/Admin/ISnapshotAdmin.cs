using System.Net;

namespace Orleans.Coord.Gateway;

/// <summary>Whether a caller of the admin server may take and restore snapshots.</summary>
public enum AdminRight
{
    /// <summary>It may.</summary>
    Granted,

    /// <summary>It has not shown who it is in a way that is known.</summary>
    NotAuthenticated,

    /// <summary>It is known and may not.</summary>
    NotAuthorized,
}

/// <summary>A snapshot's file, open for reading.</summary>
/// <param name="Zxid">The newest write in it.</param>
/// <param name="Content">The file; the reader closes it.</param>
public sealed record SnapshotDownload(long Zxid, Stream Content);

/// <summary>What a restore came to.</summary>
/// <param name="LastZxid">The zxid at which the restored tree stands.</param>
/// <param name="Refusal">Why nothing was restored, and what to do instead; null if it was.</param>
public sealed record RestoreResult(long LastZxid, string? Refusal);

/// <summary>Snapshots for the admin server. The host takes and restores them.</summary>
public interface ISnapshotAdmin
{
    /// <summary>Judges a caller.</summary>
    /// <param name="client">Its address.</param>
    /// <param name="scheme">How it shows who it is, for instance <c>digest</c>.</param>
    /// <param name="credentials">What it shows, for instance <c>user:password</c>.</param>
    /// <param name="cancellationToken">Cancelled when the caller has gone.</param>
    Task<AdminRight> RightOfAsync(
        IPAddress client, string scheme, string credentials, CancellationToken cancellationToken);

    /// <summary>Takes a snapshot that has all that is applied here now; null if that fails.</summary>
    /// <param name="cancellationToken">Cancelled when the caller has gone.</param>
    Task<SnapshotDownload?> TakeAsync(CancellationToken cancellationToken);

    /// <summary>Puts a snapshot in the place of the tree, at all members, or changes nothing.</summary>
    /// <param name="snapshot">The snapshot's file.</param>
    /// <param name="cancellationToken">
    /// Cancelled when the caller has gone; without effect once the snapshot is on its way to the members.
    /// </param>
    Task<RestoreResult> RestoreAsync(Stream snapshot, CancellationToken cancellationToken);
}
