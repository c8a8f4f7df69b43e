using Microsoft.Extensions.Hosting;

namespace Orleans.Coord.Client.Hosting;

/// <summary>
/// A hosted service that works in one process of many at a time: the leader's. The others stand by, and one takes over
/// when the leader stops, loses its session or ends its term.
/// </summary>
/// <param name="source">Where the sessions come from.</param>
/// <param name="path">The election's path: the same for all candidates.</param>
/// <param name="candidate">What this candidate calls itself; others read it. Null for the machine's name.</param>
public abstract class LeaderBackgroundService(CoordClientSource source, string path, string? candidate = null)
    : BackgroundService
{
    /// <summary>Leads for one term. Called again for each term, until the application stops.</summary>
    /// <param name="leadership">Its fencing token goes with every write to another store.</param>
    /// <param name="lost">
    /// Cancelled when the leadership is lost (before another candidate can have it) or the application stops: end at
    /// once then. Returning earlier resigns; this candidate then stands again, behind the others.
    /// </param>
    protected abstract Task LeadAsync(CoordHandle leadership, CancellationToken lost);

    /// <inheritdoc/>
    protected sealed override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                CoordClient client = await source.GetAsync(stoppingToken).ConfigureAwait(false);
                var election = new LeaderElection(client, path, candidate ?? Environment.MachineName);
                try
                {
                    await election.RunAsync(LeadOneTermAsync, stoppingToken).ConfigureAwait(false);
                }
                catch (Exception e) when (e is SessionLostException or ObjectDisposedException)
                {
                    // The next session stands again.
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The application stops.
        }
    }

    private async Task LeadOneTermAsync(CoordHandle leadership, CancellationToken lost)
    {
        try
        {
            await LeadAsync(leadership, lost).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!leadership.IsHeld)
        {
            // Lost, with the session or to another hand: this candidate stands again.
        }
    }
}
