using System.Net;
using Microsoft.Extensions.Logging;

namespace Orleans.Coord.Gateway;

/// <summary>
/// Says why connections were closed, in at most so many lines a second: who opens and breaks connections in a loop
/// must not fill the disk. The lines left out are counted and reported by <see cref="NextSecond"/>.
/// </summary>
internal sealed class ConnectionLog(ILogger logger, int maxLinesPerSecond)
{
    private int _lines;

    /// <summary>A limit turned the client away.</summary>
    public void Refused(IPEndPoint client, string reason)
    {
        if (MayWrite(LogLevel.Warning))
        {
            GatewayLog.Refused(logger, client, reason);
        }
    }

    /// <summary>The client broke the protocol.</summary>
    public void Malformed(IPEndPoint client, string reason)
    {
        if (MayWrite(LogLevel.Warning))
        {
            GatewayLog.Malformed(logger, client, reason);
        }
    }

    /// <summary>The server closed the connection for a reason of its own.</summary>
    public void Closed(IPEndPoint client, string reason)
    {
        if (MayWrite(LogLevel.Debug))
        {
            GatewayLog.Closed(logger, client, reason);
        }
    }

    /// <summary>The client went away.</summary>
    public void Ended(IPEndPoint client, string how) => GatewayLog.Ended(logger, client, how);

    /// <summary>A four-letter word was answered.</summary>
    public void Word(IPEndPoint client, string word) => GatewayLog.Word(logger, word, client);

    /// <summary>An exception that nobody foresaw ended the connection.</summary>
    public void Fault(IPEndPoint client, Exception exception)
    {
        if (MayWrite(LogLevel.Error))
        {
            GatewayLog.Fault(logger, exception, client);
        }
    }

    /// <summary>Called once a second: reports what was left out and starts a new count.</summary>
    public void NextSecond()
    {
        int lines = Interlocked.Exchange(ref _lines, 0);
        if (lines > maxLinesPerSecond)
        {
            GatewayLog.LeftOut(logger, lines - maxLinesPerSecond);
        }
    }

    // Lines that nobody would see take no room from others, and are not told of as left out.
    private bool MayWrite(LogLevel level) =>
        logger.IsEnabled(level) && Interlocked.Increment(ref _lines) <= maxLinesPerSecond;
}
