using System.Net;
using Microsoft.Extensions.Logging;

namespace Orleans.Coord.Tcp;

/// <summary>
/// Says why connections from outside were closed, in at most so many lines a second; the rest is counted, so that
/// nobody fills the disk.
/// </summary>
internal sealed class StrangerLog(ILogger logger, int maxLinesPerSecond)
{
    private int _lines;

    /// <summary>It does not belong here.</summary>
    public void Refused(EndPoint? remote, string reason)
    {
        if (MayWrite())
        {
            PeerLog.Refused(logger, remote, reason);
        }
    }

    /// <summary>It broke the protocol.</summary>
    public void Malformed(EndPoint? remote, string reason)
    {
        if (MayWrite())
        {
            PeerLog.Malformed(logger, remote, reason);
        }
    }

    /// <summary>Called once a second: reports what was left out and starts a new count.</summary>
    public void NextSecond()
    {
        int lines = Interlocked.Exchange(ref _lines, 0);
        if (lines > maxLinesPerSecond)
        {
            PeerLog.LeftOut(logger, lines - maxLinesPerSecond);
        }
    }

    private bool MayWrite() => Interlocked.Increment(ref _lines) <= maxLinesPerSecond;
}
