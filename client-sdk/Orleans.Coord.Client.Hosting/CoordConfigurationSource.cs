using Microsoft.Extensions.Configuration;

namespace Orleans.Coord.Client.Hosting;

/// <summary>
/// Configuration from a subtree of znodes. Below the path <c>/config/app</c> the znode <c>/config/app/Log/Level</c>
/// is the key <c>Log:Level</c>, its data the value as UTF-8; a znode without data is a section only. Changes are
/// applied while the application runs.
/// </summary>
public sealed class CoordConfigurationSource : IConfigurationSource
{
    /// <summary>Where the servers are. The provider has a session of its own, since it is needed first.</summary>
    public required CoordClientOptions Client { get; init; }

    /// <summary>The root of the subtree.</summary>
    public required string Path { get; init; }

    /// <summary>
    /// Where the last content that was read is kept, so that the application starts when no server is in reach. Null
    /// for nowhere. The file holds what the znodes hold: mind who may read it.
    /// </summary>
    public string? CacheFile { get; init; }

    /// <summary>How long to wait for the servers at the start, before the file is taken. Default 5 s.</summary>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Whether to start with nothing when neither servers nor file are to be had. Default false.</summary>
    public bool Optional { get; init; }

    /// <inheritdoc/>
    public IConfigurationProvider Build(IConfigurationBuilder builder) => new CoordConfigurationProvider(this);
}

/// <summary>Adds znodes to an application's configuration.</summary>
public static class CoordConfigurationExtensions
{
    /// <summary>Adds a subtree of znodes; see <see cref="CoordConfigurationSource"/>.</summary>
    /// <param name="builder">The application's configuration.</param>
    /// <param name="connectionString">The servers.</param>
    /// <param name="path">The root of the subtree.</param>
    /// <param name="cacheFile">Where the last content that was read is kept; null for nowhere.</param>
    /// <param name="optional">Whether to start with nothing when neither servers nor file are to be had.</param>
    public static IConfigurationBuilder AddCoord(
        this IConfigurationBuilder builder,
        string connectionString,
        string path,
        string? cacheFile = null,
        bool optional = false)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Add(new CoordConfigurationSource
        {
            Client = new() { ConnectionString = connectionString },
            Path = path,
            CacheFile = cacheFile,
            Optional = optional,
        });
    }
}
