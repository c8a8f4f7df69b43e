using System.Reflection;
using Orleans.Coord.Replication;

namespace Orleans.Coord.SiloHost;

/// <summary>How clients show who they are, as the settings say.</summary>
internal static class Authentication
{
    /// <exception cref="StartupException">A provider cannot be loaded.</exception>
    public static AuthenticationOptions OptionsOf(CoordSettings settings) => new()
    {
        SuperDigest = string.IsNullOrEmpty(settings.SuperDigest) ? null : settings.SuperDigest,
        SaslUsers = settings.Sasl.Users,
        SaslSuperUser = string.IsNullOrEmpty(settings.Sasl.SuperUser) ? null : settings.Sasl.SuperUser,
        RequiredSchemes = Split(settings.RequireAuth),
        Providers = [.. Split(settings.AuthProviders).Select(Load)],
    };

    private static string[] Split(string list) =>
        list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static IAuthenticationProvider Load(string place)
    {
        int colon = place.LastIndexOf(':');
        if (colon <= 0)
        {
            throw Cannot(place, "it must be path/of/library.dll:Full.Type.Name");
        }

        try
        {
            Type? type = Assembly.LoadFrom(Path.GetFullPath(place[..colon])).GetType(place[(colon + 1)..]);
            return type is null
                ? throw Cannot(place, "the library has no such type")
                : Activator.CreateInstance(type) as IAuthenticationProvider
                    ?? throw Cannot(place, $"the type is no {nameof(IAuthenticationProvider)}");
        }
        catch (Exception e) when (e is IOException or BadImageFormatException or MissingMethodException
            or TargetInvocationException)
        {
            throw Cannot(place, (e.InnerException ?? e).Message);
        }
    }

    private static StartupException Cannot(string place, string why) =>
        new($"Setting Coord:AuthProviders names '{place}', which cannot be used: {why}.");
}
