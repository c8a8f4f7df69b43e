using System.Reflection;
using Microsoft.Extensions.Configuration;

namespace Orleans.Coord.SiloHost;

/// <summary>Reads the settings: file, then environment, then flags; the later wins.</summary>
internal static class SettingsLoader
{
    /// <summary>Builds the configuration.</summary>
    /// <param name="configFile">The file given by --config, or null for appsettings.json here or by the
    /// program.</param>
    /// <param name="overrides">Pairs <c>Section:Key</c> and value from the command line.</param>
    /// <exception cref="StartupException">The file is missing or is not JSON.</exception>
    public static IConfigurationRoot Load(string? configFile, IEnumerable<KeyValuePair<string, string?>> overrides)
    {
        string? file = configFile is null ? DefaultFile() : Path.GetFullPath(configFile);
        var builder = new ConfigurationBuilder();
        try
        {
            if (file is not null)
            {
                builder.AddJsonFile(file, optional: false, reloadOnChange: false);
            }

            return builder.AddEnvironmentVariables().AddInMemoryCollection(overrides).Build();
        }
        catch (FileNotFoundException)
        {
            throw new StartupException($"The settings file {file} does not exist; give its path after --config.");
        }
        catch (InvalidDataException e)
        {
            string why = e.InnerException?.Message ?? e.Message;
            throw new StartupException($"The settings file {file} is not valid JSON: {why}", e);
        }
    }

    /// <summary>Binds section <c>Coord</c>.</summary>
    /// <exception cref="StartupException">A setting is unknown, has the wrong type, or is out of range.</exception>
    public static CoordSettings Bind(IConfiguration configuration)
    {
        var settings = new CoordSettings();
        Bind(configuration.GetSection("Coord"), settings);
        settings.Validate();
        return settings;
    }

    private static void Bind(IConfigurationSection section, object settings)
    {
        PropertyInfo[] properties = settings.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance);
        RefuseUnknown(section, [.. properties.Select(p => p.Name)]);
        foreach (PropertyInfo property in properties)
        {
            IConfigurationSection own = section.GetSection(property.Name);
            if (property.GetValue(settings) is Dictionary<string, string> pairs)
            {
                foreach (IConfigurationSection pair in own.GetChildren())
                {
                    pairs[pair.Key] = pair.Value ?? "";
                }
            }
            else if (property.PropertyType.IsClass && property.PropertyType != typeof(string))
            {
                Bind(own, property.GetValue(settings)!);
            }
            else if (own.Value is { } text)
            {
                property.SetValue(settings, Parse(property, own.Path, text));
            }
        }
    }

    private static object Parse(PropertyInfo property, string path, string text)
    {
        Type type = property.PropertyType;
        if (type == typeof(string))
        {
            return text;
        }

        if (type == typeof(bool) && bool.TryParse(text, out bool flag))
        {
            return flag;
        }

        if (type == typeof(int) && int.TryParse(text, out int number))
        {
            return number;
        }

        if (type == typeof(long) && long.TryParse(text, out long large))
        {
            return large;
        }

        string wanted = type == typeof(bool) ? "true or false" : "a whole number";
        throw new StartupException($"Setting {path} is '{text}'; it must be {wanted}.");
    }

    // A misspelt setting that is silently ignored costs its operator a night.
    private static void RefuseUnknown(IConfigurationSection section, string[] known)
    {
        foreach (IConfigurationSection child in section.GetChildren())
        {
            if (!known.Contains(child.Key, StringComparer.OrdinalIgnoreCase))
            {
                throw new StartupException(
                    $"Setting {child.Path} is not known; the settings are {string.Join(", ", known)}.");
            }
        }
    }

    private static string? DefaultFile()
    {
        const string Name = "appsettings.json";
        string[] places = [Path.GetFullPath(Name), Path.Combine(AppContext.BaseDirectory, Name)];
        return places.FirstOrDefault(File.Exists);
    }
}
