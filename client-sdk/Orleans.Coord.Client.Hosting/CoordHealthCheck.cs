using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Orleans.Coord.Client.Hosting;

/// <summary>
/// Healthy when a linearizable read is answered: then the session lives, and the servers have a majority. Degraded
/// while the client looks for a server and its session may live. Add it with
/// <c>services.AddHealthChecks().AddCheck&lt;CoordHealthCheck&gt;("coord")</c>.
/// </summary>
/// <param name="source">Where the session comes from.</param>
public sealed class CoordHealthCheck(CoordClientSource source) : IHealthCheck
{
    /// <inheritdoc/>
    public async Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(context);
        CoordClient client;
        try
        {
            client = source.Current;
        }
        catch (ObjectDisposedException)
        {
            return new HealthCheckResult(context.Registration.FailureStatus, "The client was disposed");
        }

        SessionState state = client.State;
        if (state == SessionState.Disconnected)
        {
            return HealthCheckResult.Degraded("No server is in reach; the session may live");
        }

        try
        {
            await client.ExistsAsync("/", ReadMode.Linearizable, cancellationToken).ConfigureAwait(false);
            return HealthCheckResult.Healthy($"Session 0x{client.SessionId:x}, zxid 0x{client.LastZxid:x}");
        }
        catch (Exception e) when (e is CoordException or ObjectDisposedException or OperationCanceledException)
        {
            return new HealthCheckResult(context.Registration.FailureStatus, "A read was not answered", e);
        }
    }
}
