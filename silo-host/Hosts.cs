using Microsoft.Extensions.Logging;

namespace Orleans.Coord.SiloHost;

/// <summary>Setting <c>Coord:Host</c>: who carries messages between replicas.</summary>
internal static class Hosts
{
    /// <summary>A silo of an Orleans cluster.</summary>
    public const string Orleans = "orleans";

    /// <summary>No cluster runtime: one silo, or members over TCP.</summary>
    public const string Standalone = "standalone";

    /// <summary>Whether this program was built with Orleans.</summary>
    public static bool HasOrleans =>
#if ORLEANS
        true;
#else
        false;
#endif

    /// <summary>
    /// Which host the settings mean: Orleans, if built in, unless they name members by their addresses.
    /// </summary>
    /// <exception cref="StartupException">They ask for what was not built in, or contradict each other.</exception>
    public static string Choose(CoordSettings settings)
    {
        bool hasMembers = settings.Members.Length > 0;
        string host = settings.Host.Length > 0 ? settings.Host : HasOrleans && !hasMembers ? Orleans : Standalone;
        if (host is not (Orleans or Standalone))
        {
            throw new StartupException($"Setting Coord:Host is '{host}'; it must be orleans or standalone.");
        }

        if (host == Orleans && !HasOrleans)
        {
            throw new StartupException(
                "This silo was built without Orleans, whose packages could not be restored; use --host standalone.");
        }

        if (host == Orleans && hasMembers)
        {
            throw new StartupException(
                "Setting Coord:Members belongs to the standalone host; Orleans finds the members by their ids, which "
                + "Coord:Voters lists.");
        }

        return host;
    }

    /// <summary>Prepares the database of setting <c>Coord:Database</c> for Orleans' clustering.</summary>
    /// <exception cref="StartupException">It cannot be used, or the silo was built without Orleans.</exception>
    public static async Task InitializeDatabaseAsync(CoordSettings settings)
    {
        if (settings.Database.Length == 0)
        {
            throw new StartupException(
                "Setting Coord:Database is empty; it must be the connection string of a PostgreSQL database, as in "
                + "--set \"Coord:Database=Host=db.example;Database=coord;Username=coord;Password=...\".");
        }

#if ORLEANS
        await Clustered.Database.InitializeAsync(settings.Database);
#else
        await Task.CompletedTask;
        throw new StartupException(
            "This silo was built without Orleans, whose packages could not be restored; it needs no database.");
#endif
    }

    /// <summary>The cluster runtime that the settings mean; null for the standalone host.</summary>
    public static IClusterRuntime? Create(CoordSettings settings, ILoggerFactory loggers)
    {
        string host = Choose(settings);
#if ORLEANS
        if (host == Orleans)
        {
            return new Clustered.OrleansSilo(settings, loggers);
        }
#endif
        return null;
    }
}
