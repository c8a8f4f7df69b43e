using Orleans.Coord.Tree;

namespace Orleans.Coord.Replication;

/// <summary>What became of a part of a snapshot that was offered to the log.</summary>
public enum PartVerdict
{
    /// <summary>It is proposed.</summary>
    Taken,

    /// <summary>The log takes no more for now; offer it again.</summary>
    NoRoom,

    /// <summary>This member does not lead; who does takes it.</summary>
    NotLeader,

    /// <summary>Members of an older version could not follow; <see cref="FeatureLevels.Restore"/>.</summary>
    NotAgreed,
}

/// <content>
/// A snapshot in the place of the tree (ZooKeeper's admin command <c>restore</c>), for all members at one entry.
/// </content>
public sealed partial class Replica
{
    // Whoever offers parts offers them one behind the other; who stops within has died.
    private const int StaleRestoreMs = 10_000;

    private long _restoreHeardMs;

    /// <summary>The restore that was decided last, and how; null if there was none since the start.</summary>
    public (long Id, CoordErrorCode Code)? LastRestore { get; private set; }

    /// <summary>Whether somebody may take and restore snapshots, as who may do anything to the root.</summary>
    /// <param name="address">The caller's IP address.</param>
    /// <param name="scheme"><c>digest</c>, or <c>ip</c>.</param>
    /// <param name="credentials"><c>user:password</c>, or empty.</param>
    /// <returns>
    /// <see cref="CoordErrorCode.Ok"/>, <see cref="CoordErrorCode.AuthFailed"/> or
    /// <see cref="CoordErrorCode.NoAuth"/>.
    /// </returns>
    public CoordErrorCode RightToRestore(string address, string scheme, string credentials) =>
        _authenticator.Identify(address, scheme, credentials) is not { } who ? CoordErrorCode.AuthFailed
        : _machine.OwnsRoot(who) ? CoordErrorCode.Ok
        : CoordErrorCode.NoAuth;

    /// <summary>
    /// Offers a part of a snapshot to the log. Once all are committed, in their order, <see cref="LastRestore"/> tells
    /// whether the snapshot is the tree now; then no session is left. A loss of leadership may end it half way.
    /// </summary>
    /// <param name="id">A number that no other restore has.</param>
    /// <param name="part">The part's number, from 1.</param>
    /// <param name="parts">How many there are.</param>
    /// <param name="bytes">One of <see cref="SnapshotParts.Cut"/>.</param>
    public PartVerdict OfferPart(long id, int part, int parts, ReadOnlySpan<byte> bytes)
    {
        if (!Leads || !CanServe)
        {
            return PartVerdict.NotLeader;
        }

        if (LevelToPropose() < FeatureLevels.Restore)
        {
            return PartVerdict.NotAgreed;
        }

        _command.Clear();
        CommandCodec.WriteRestorePart(_command, _now.WallMs, id, part, parts, bytes);
        return !IsDiskLow && Propose(_command.Written) ? PartVerdict.Taken : PartVerdict.NoRoom;
    }

    private void AfterRestorePart(in Command command, bool isDone)
    {
        _restoreHeardMs = _now.MonotonicMs;
        if (isDone || _result.Code != CoordErrorCode.Ok)
        {
            LastRestore = (command.SessionId, _result.Code);
        }

        if (isDone)
        {
            // Sessions from before would believe in what is gone.
            _leases.Clear();
            _localLeases.Clear();
            _upgrading.Clear();
            _touched.Clear();
            foreach (Session session in _local.Values.ToArray())
            {
                Close(session, "a snapshot was restored, which ends all sessions");
            }
        }
    }

    // No snapshot is taken while parts are collected, so they must not stay for ever.
    private void ProposeEndOfStaleRestore()
    {
        if (_machine.IsRestoring && _now.MonotonicMs - _restoreHeardMs > StaleRestoreMs)
        {
            _restoreHeardMs = _now.MonotonicMs;
            _command.Clear();
            CommandCodec.WriteRestorePart(_command, _now.WallMs, 0, part: 0, parts: 0, default);
            Propose(_command.Written);
        }
    }
}
