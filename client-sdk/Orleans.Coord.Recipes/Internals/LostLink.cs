namespace Orleans.Coord.Recipes;

/// <summary>
/// A token that is cancelled with the session, on the spot, and with others. A source that is linked to a token learns
/// of it from a callback, which a starved thread pool runs late: another session could hold the same by then.
/// </summary>
internal sealed class LostLink : IDisposable
{
    private readonly CancellationTokenSource _source;
    private readonly CancellationTokenRegistration[] _registrations;

    public LostLink(CoordClient client, params CancellationToken[] others)
    {
        CancellationTokenSource source = client.LinkSessionLost();
        _source = source;
        Token = source.Token;
        _registrations = Array.ConvertAll(
            others,
            other => other.UnsafeRegister(static linked => ((CancellationTokenSource)linked!).Cancel(), source));
    }

    /// <summary>Cancelled with the session or with any of the others.</summary>
    public CancellationToken Token { get; }

    /// <summary>Cuts the link; waits for a cancellation that is under way.</summary>
    public void Dispose()
    {
        foreach (CancellationTokenRegistration registration in _registrations)
        {
            registration.Dispose();
        }

        _source.Dispose();
    }
}
