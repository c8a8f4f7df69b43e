using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Orleans.Coord.Client.Grains;

/// <summary>Sessions through grains: the same client and recipes, with Orleans in place of the socket.</summary>
public static class CoordGrainClientExtensions
{
    /// <summary>
    /// Adds a <see cref="CoordClientSource"/> whose sessions run through the Orleans client or silo of these services:
    /// inject it, and take the present client from it for each piece of work. A session begins with the first use.
    /// </summary>
    /// <param name="services">Those of an Orleans client or silo.</param>
    /// <param name="configure">Sets options. Those that name servers have no effect.</param>
    public static IServiceCollection AddCoordGrainClient(
        this IServiceCollection services, Action<CoordClientOptions>? configure = null)
    {
        services.TryAddSingleton(provider =>
        {
            var options = new CoordClientOptions();
            configure?.Invoke(options);
            return new CoordClientSource(Through(provider.GetRequiredService<IGrainFactory>(), options));
        });
        return services;
    }

    /// <summary>Makes a client, that is a session, that starts to connect at once; calls wait until it has.</summary>
    /// <param name="grains">Of an Orleans client or a silo; on a silo, that silo's own replica serves.</param>
    /// <param name="options">How the client behaves; its connection callback is set. Null for the defaults.</param>
    /// <exception cref="ArgumentException">An option is not valid.</exception>
    public static CoordClient NewCoordClient(this IGrainFactory grains, CoordClientOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(grains);
        return new CoordClient(Through(grains, options ?? new CoordClientOptions()));
    }

    private static CoordClientOptions Through(IGrainFactory grains, CoordClientOptions options)
    {
        options.ConnectCallback = cancellation => GrainConnection.OpenAsync(grains, cancellation);
        return options;
    }
}
