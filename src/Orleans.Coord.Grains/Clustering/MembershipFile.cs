using System.Text.Json;

namespace Orleans.Coord.Grains.Clustering;

/// <summary>
/// The silos of one machine, in a folder that all of them use: a JSON file, replaced as a whole by whoever holds the
/// lock of the file beside it, and one locked file for each silo that runs. The operating system lets go of locks when
/// a process ends, however it ends, so no silo matters more than another.
/// </summary>
internal sealed class MembershipFile(string folder)
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(10);
    private static readonly JsonSerializerOptions _format = new() { WriteIndented = true };

    private readonly string _file = Path.Combine(folder, "silos.json");

    /// <summary>Reads the table; an empty one when there is no file.</summary>
    /// <exception cref="IOException">The folder cannot be used, or what the file holds cannot be read.</exception>
    public async Task<SiloTable> ReadAsync()
    {
        await using FileStream gate = await LockAsync();
        return Load();
    }

    /// <summary>Changes the table while no other process reads or changes it.</summary>
    /// <param name="change">Returns whether it changed anything.</param>
    /// <returns>What <paramref name="change"/> returned.</returns>
    /// <exception cref="IOException">As for <see cref="ReadAsync"/>.</exception>
    public async Task<bool> ChangeAsync(Func<SiloTable, bool> change)
    {
        await using FileStream gate = await LockAsync();
        SiloTable table = Load();
        if (!change(table))
        {
            return false;
        }

        Save(table);
        return true;
    }

    /// <summary>Shows that a silo of this process runs, for as long as the returned stream is open.</summary>
    public FileStream ShowAlive(string silo) => new(
        AliveFile(silo), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);

    /// <summary>Whether the process of a silo has ended.</summary>
    public bool IsGone(string silo)
    {
        try
        {
            using FileStream stream = new(
                AliveFile(silo), FileMode.Open, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
            return true;
        }
        catch (FileNotFoundException)
        {
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private string AliveFile(string silo) => Path.Combine(folder, silo.Replace(':', '-') + ".alive");

    private async Task<FileStream> LockAsync()
    {
        Directory.CreateDirectory(folder);
        string path = Path.Combine(folder, "silos.lock");
        DateTime deadline = DateTime.UtcNow + _patience;
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (DateTime.UtcNow < deadline)
            {
                await Task.Delay(_pause);
            }
        }
    }

    private SiloTable Load()
    {
        if (!File.Exists(_file))
        {
            return new SiloTable();
        }

        try
        {
            using FileStream stream = File.OpenRead(_file);
            return JsonSerializer.Deserialize<SiloTable>(stream, _format) ?? new SiloTable();
        }
        catch (JsonException e)
        {
            throw new IOException(
                $"The list of silos in {_file} cannot be read ({e.Message}). Stop all silos of this folder, delete the "
                + "file and start them again; it holds nothing that outlives them.", e);
        }
    }

    private void Save(SiloTable table)
    {
        string aside = _file + ".new";
        using (FileStream stream = File.Create(aside))
        {
            JsonSerializer.Serialize(stream, table, _format);
            stream.Flush(flushToDisk: true);
        }

        File.Move(aside, _file, overwrite: true);
    }
}

/// <summary>The table as the file holds it. Every change but a sign of life raises the version.</summary>
internal sealed class SiloTable
{
    /// <summary>Number of changes; also the table's etag.</summary>
    public int Version { get; set; }

    /// <summary>The silos, dead ones too.</summary>
    public List<SiloRow> Silos { get; init; } = [];
}

/// <summary>One silo of the table.</summary>
internal sealed class SiloRow
{
    /// <summary>Address and generation, as Orleans writes them.</summary>
    public required string Address { get; init; }

    /// <summary>The silo's name.</summary>
    public required string Name { get; set; }

    /// <summary>The machine's name.</summary>
    public string? HostName { get; set; }

    /// <summary>Where it stands.</summary>
    public required SiloStatus Status { get; set; }

    /// <summary>Port for Orleans clients; 0 for none.</summary>
    public int GatewayPort { get; set; }

    /// <summary>When it started, UTC.</summary>
    public DateTime Started { get; set; }

    /// <summary>Its last sign of life, UTC.</summary>
    public DateTime Alive { get; set; }

    /// <summary>Who suspects it to be dead.</summary>
    public List<Suspicion> Suspects { get; set; } = [];

    /// <summary>The table's version after the last change of this row; its etag.</summary>
    public int Changed { get; set; }
}

/// <summary>One silo's vote against another.</summary>
/// <param name="By">The voter's address.</param>
/// <param name="At">When, UTC.</param>
internal sealed record Suspicion(string By, DateTime At);
