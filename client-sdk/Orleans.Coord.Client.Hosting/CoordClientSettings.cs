using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace Orleans.Coord.Client.Hosting;

/// <summary>
/// Reads a <see cref="CoordClientOptions"/> from a section of the configuration. A name that is misspelt or a value
/// that cannot be read is refused with a sentence that says so. Without reflection.
/// </summary>
internal static class CoordClientSettings
{
    private static readonly Dictionary<string, Action<CoordClientOptions, IConfigurationSection>> Readers =
        new(StringComparer.OrdinalIgnoreCase)
        {
            [nameof(CoordClientOptions.ConnectionString)] = (o, s) => o.ConnectionString = s.Value ?? "",
            [nameof(CoordClientOptions.SessionTimeout)] = (o, s) => o.SessionTimeout = Time(s),
            [nameof(CoordClientOptions.ConnectTimeout)] = (o, s) => o.ConnectTimeout = Time(s),
            [nameof(CoordClientOptions.ReconnectDelay)] = (o, s) => o.ReconnectDelay = Time(s),
            [nameof(CoordClientOptions.MaxReconnectDelay)] = (o, s) => o.MaxReconnectDelay = Time(s),
            [nameof(CoordClientOptions.CloseTimeout)] = (o, s) => o.CloseTimeout = Time(s),
            [nameof(CoordClientOptions.ShuffleServers)] = (o, s) => o.ShuffleServers = Truth(s),
            [nameof(CoordClientOptions.MaxPendingRequests)] = (o, s) => o.MaxPendingRequests = Number(s),
            [nameof(CoordClientOptions.MaxRequestBytes)] = (o, s) => o.MaxRequestBytes = Number(s),
            [nameof(CoordClientOptions.MaxReplyBytes)] = (o, s) => o.MaxReplyBytes = Number(s),
            [nameof(CoordClientOptions.WatchBufferCapacity)] = (o, s) => o.WatchBufferCapacity = Number(s),
            [nameof(CoordClientOptions.Tls)] = (o, s) => o.Tls = Truth(s) ? new() : null,
            ["User"] = static (_, _) => { },
            ["Password"] = static (_, _) => { },
        };

    /// <summary>Sets what the section says and leaves the rest.</summary>
    /// <exception cref="InvalidOperationException">A setting is not known or cannot be read.</exception>
    public static void Read(IConfiguration section, CoordClientOptions options)
    {
        foreach (IConfigurationSection setting in section.GetChildren())
        {
            if (!Readers.TryGetValue(setting.Key, out Action<CoordClientOptions, IConfigurationSection>? read))
            {
                throw new InvalidOperationException(
                    $"'{setting.Path}' is no setting of the client; there are {string.Join(", ", Readers.Keys)}.");
            }

            read(options, setting);
        }

        string? user = section["User"];
        string? password = section["Password"];
        if (user is null != password is null)
        {
            throw new InvalidOperationException("'User' and 'Password' go together: set both or none.");
        }

        if (user is not null)
        {
            options.Auth.Add(CoordAuth.Digest(user, password!));
        }
    }

    private static TimeSpan Time(IConfigurationSection setting) =>
        TimeSpan.TryParse(setting.Value, CultureInfo.InvariantCulture, out TimeSpan time)
            ? time
            : throw Bad(setting, "a time span such as 00:00:10");

    private static int Number(IConfigurationSection setting) =>
        int.TryParse(setting.Value, NumberStyles.Integer, CultureInfo.InvariantCulture, out int number)
            ? number
            : throw Bad(setting, "a whole number");

    private static bool Truth(IConfigurationSection setting) =>
        bool.TryParse(setting.Value, out bool truth) ? truth : throw Bad(setting, "true or false");

    private static InvalidOperationException Bad(IConfigurationSection setting, string expected) =>
        new($"'{setting.Path}' is '{setting.Value}'; it must be {expected}.");
}
