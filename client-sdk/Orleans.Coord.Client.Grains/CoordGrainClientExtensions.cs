using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Orleans.Coord.Client.Grains;

/// <summary>Sessions through grains: the same client and recipes, with Orleans in place of the socket.</summary>
public static class CoordGrainClientExtensions
{
    /// <summary>
    /// Adds a <see cref="CoordClient"/> whose session runs through the Orleans client or silo of these services. It is
    /// made, and starts to connect, when it is first asked for; it is disposed with the services.
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
            return provider.GetRequiredService<IGrainFactory>().NewCoordClient(options);
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
        options ??= new CoordClientOptions();
        options.ConnectCallback = cancellation => GrainConnection.OpenAsync(grains, cancellation);
        return new CoordClient(options);
    }
}
