using System.Data.Common;
using Npgsql;

namespace Orleans.Coord.SiloHost.Clustered;

/// <summary>
/// The PostgreSQL database in which silos of several machines find each other, and replicas may have their data.
/// </summary>
internal static class Database
{
    /// <summary>The name under which Orleans knows PostgreSQL's driver.</summary>
    public const string Invariant = "Npgsql";

    // The tables that a stock script of Orleans makes; ours have other names.
    private const string ForeignTables =
        "SELECT count(*) FROM information_schema.tables "
        + "WHERE table_schema = current_schema() AND table_name IN ('orleansmembershiptable', 'orleansstorage')";

    // Our statements: others may create one record twice.
    private const string Prepared =
        "SELECT count(*) FROM OrleansQuery WHERE QueryKey = 'MembershipReadAllKey' "
        + "OR (QueryKey = 'WriteToStorageKey' AND QueryText LIKE '%coord_record%')";

    /// <summary>
    /// Creates what Orleans' clustering and grain storage need, or brings it up to date. May be repeated.
    /// </summary>
    /// <exception cref="StartupException">The database cannot be reached or used; the message says why.</exception>
    public static async Task InitializeAsync(string connectionString)
    {
        try
        {
            await using NpgsqlDataSource source = NpgsqlDataSource.Create(connectionString);
            await using NpgsqlCommand foreign = source.CreateCommand(ForeignTables);
            if (await foreign.ExecuteScalarAsync() is > 0L)
            {
                throw new StartupException(
                    "The database holds tables of another Orleans application; give the grid a database, or a "
                    + "schema (Search Path=...), of its own.");
            }

            foreach (string script in new[] { "clustering.sql", "storage.sql" })
            {
                await using NpgsqlCommand create = source.CreateCommand(await ReadScriptAsync(script));
                await create.ExecuteNonQueryAsync();
            }
        }
        catch (ArgumentException e)
        {
            throw new StartupException($"Setting Coord:Database is no PostgreSQL connection string: {e.Message}", e);
        }
        catch (DbException e)
        {
            throw Cannot(e);
        }
    }

    /// <summary>Throws unless the database is there and has been initialized.</summary>
    /// <exception cref="StartupException">It says what is missing, and what to do.</exception>
    public static async Task CheckAsync(string connectionString)
    {
        try
        {
            await using NpgsqlDataSource source = NpgsqlDataSource.Create(connectionString);
            await using NpgsqlCommand command = source.CreateCommand(Prepared);
            if (await command.ExecuteScalarAsync() is not 2L)
            {
                throw NotInitialized(null);
            }
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UndefinedTable)
        {
            throw NotInitialized(e);
        }
        catch (ArgumentException e)
        {
            throw new StartupException($"Setting Coord:Database is no PostgreSQL connection string: {e.Message}", e);
        }
        catch (DbException e)
        {
            throw Cannot(e);
        }
    }

    private static StartupException NotInitialized(Exception? cause) =>
        new("The database of Coord:Database is not prepared for the grid, or not for this release; run ./coord init-db "
            + "with the same settings once.", cause!);

    private static StartupException Cannot(Exception cause) =>
        new($"The database of Coord:Database cannot be used: {cause.InnerException?.Message ?? cause.Message}", cause);

    private static async Task<string> ReadScriptAsync(string name)
    {
        await using Stream stream = typeof(Database).Assembly.GetManifestResourceStream(name)!;
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync();
    }
}
