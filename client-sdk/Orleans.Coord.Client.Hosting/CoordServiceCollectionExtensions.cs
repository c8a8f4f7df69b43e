using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace Orleans.Coord.Client.Hosting;

/// <summary>Adds Orleans.Coord's client to an application's services.</summary>
public static class CoordServiceCollectionExtensions
{
    /// <summary>
    /// Adds one <see cref="CoordClientSource"/> for the application: inject it, and take the present client from it
    /// for each piece of work. A <see cref="CoordHealthCheck"/> and a <see cref="CoordServiceDirectory"/> can be had
    /// as well. The session begins with the first use and ends with the application.
    /// </summary>
    /// <param name="services">The application's services.</param>
    /// <param name="configuration">
    /// The section with the settings, named as the properties of <see cref="CoordClientOptions"/>, and <c>User</c>
    /// and <c>Password</c> for the scheme <c>digest</c>.
    /// </param>
    /// <param name="configure">Changes what the section said.</param>
    /// <exception cref="InvalidOperationException">A setting is not known or cannot be read.</exception>
    public static IServiceCollection AddCoordClient(
        this IServiceCollection services, IConfiguration configuration, Action<CoordClientOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var options = new CoordClientOptions();
        CoordClientSettings.Read(configuration, options);
        configure?.Invoke(options);
        return services.AddCoordClient(options);
    }

    /// <inheritdoc cref="AddCoordClient(IServiceCollection, IConfiguration, Action{CoordClientOptions}?)"/>
    /// <param name="services">The application's services.</param>
    /// <param name="options">Where and how; it logs to the application's log unless they say otherwise.</param>
    public static IServiceCollection AddCoordClient(this IServiceCollection services, CoordClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(options);
        services.TryAddSingleton(provider =>
        {
            options.LoggerFactory ??= provider.GetService<ILoggerFactory>();
            return new CoordClientSource(options);
        });
        services.TryAddSingleton<CoordHealthCheck>();
        services.TryAddSingleton(
            static provider => new CoordServiceDirectory(provider.GetRequiredService<CoordClientSource>()));
        return services;
    }
}
