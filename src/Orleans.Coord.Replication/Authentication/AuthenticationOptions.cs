namespace Orleans.Coord.Replication;

/// <summary>How clients show who they are.</summary>
public sealed record AuthenticationOptions
{
    /// <summary>The super user's digest identity, or null for none.</summary>
    public string? SuperDigest { get; init; }

    /// <summary>Passwords of the SASL users by name; while there is none, SASL is off.</summary>
    public IReadOnlyDictionary<string, string> SaslUsers { get; init; } = new Dictionary<string, string>();

    /// <summary>The SASL user who may do anything, or null for none.</summary>
    public string? SaslSuperUser { get; init; }

    /// <summary>Providers of further schemes.</summary>
    public IReadOnlyList<IAuthenticationProvider> Providers { get; init; } = [];

    /// <summary>
    /// Schemes of which a connection must have shown one before anything else of it is served; empty for no such need
    /// (ZooKeeper's <c>enforce.auth.schemes</c>).
    /// </summary>
    public IReadOnlyList<string> RequiredSchemes { get; init; } = [];
}
