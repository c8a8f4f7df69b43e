namespace Orleans.Coord.Replication;

/// <summary>
/// Judges what clients send in <c>auth</c> requests of one scheme (as ZooKeeper's <c>AuthenticationProvider</c>).
/// Identities gained stand in access control lists under the provider's scheme and match by equality. All members of
/// an ensemble need the same providers, or lists of a scheme are refused where it is unknown.
/// </summary>
public interface IAuthenticationProvider
{
    /// <summary>The scheme, for instance <c>token</c>; none of ZooKeeper's own.</summary>
    string Scheme { get; }

    /// <summary>
    /// Judges credentials. Runs between other clients' requests: it must not wait for anything, and must not throw.
    /// </summary>
    /// <param name="connection">The client's connection; only its addresses are of interest here.</param>
    /// <param name="credentials">The bytes that the client sent; empty when it sent none.</param>
    /// <returns>
    /// The ids that the connection has from now on; null refuses, which also closes the connection. An id
    /// <c>super</c> gives no special rights.
    /// </returns>
    IReadOnlyList<string>? Authenticate(IClientConnection connection, ReadOnlySpan<byte> credentials);
}
