using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree;

/// <summary>What applying one entry brought about. Reused by the caller for every entry.</summary>
public sealed class ApplyResult
{
    /// <summary>
    /// The reply's code. <see cref="CoordErrorCode.ConnectionLoss"/> means that the request's position leaves a gap
    /// or was used before: its owner must close the connection, since the session's order can't be kept any more.
    /// </summary>
    public CoordErrorCode Code { get; internal set; }

    /// <summary>The zxid that the reply bears: the entry's own, or for a repeated write that of the first.</summary>
    public long Zxid { get; internal set; }

    /// <summary>The reply's body; empty unless <see cref="Code"/> is <see cref="CoordErrorCode.Ok"/>.</summary>
    public JuteWriter Body { get; } = new();

    /// <summary>The watches that fired, in the order in which each session must be told.</summary>
    public List<WatchEvent> Events { get; } = [];

    /// <summary>The session that was created, attached, closed or expired; 0 for every other command.</summary>
    public long SessionId { get; internal set; }

    /// <summary>The generation of a session that was created or attached.</summary>
    public int Generation { get; internal set; }

    /// <summary>The time-out of a session that was created or attached, milliseconds.</summary>
    public int TimeoutMs { get; internal set; }

    /// <summary>Forgets all, keeps buffers of ordinary size.</summary>
    public void Reset()
    {
        const int KeepBytes = 64 * 1024;
        Code = CoordErrorCode.Ok;
        Zxid = 0;
        Body.Clear(KeepBytes);
        Events.Clear();
        SessionId = 0;
        Generation = 0;
        TimeoutMs = 0;
    }
}
