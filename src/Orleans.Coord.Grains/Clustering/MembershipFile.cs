using System.Text.Json;

namespace Orleans.Coord.Grains.Clustering;

/// <summary>
/// The silos of one machine, in a folder that all of them use: a JSON file, replaced as a whole by whoever holds the
/// lock of the file beside it, and one locked file for each silo that runs. The operating system lets go of locks when
/// a process ends, however it ends, so no silo matters more than another.
/// </summary>
internal sealed class MembershipFile(string folder) : ISiloTableStore, IDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(10);

    private readonly string _file = Path.Combine(folder, "silos.json");

    private FileStream? _alive;

    /// <summary>
    /// A silo that starts declares dead whose process has ended, so that it need not wait for their answers.
    /// </summary>
    public async Task InitializeAsync() => await ChangeAsync(table =>
    {
        List<SiloRow> gone = [.. table.Silos.Where(row => row.Status != SiloStatus.Dead && IsGone(row.Address))];
        foreach (SiloRow row in gone)
        {
            row.Status = SiloStatus.Dead;
            row.Changed = table.Version + 1;
        }

        table.Version += gone.Count > 0 ? 1 : 0;
        return gone.Count > 0;
    });

    /// <exception cref="IOException">The folder cannot be used, or what the file holds cannot be read.</exception>
    public async Task<SiloTable> ReadAsync()
    {
        await using FileStream gate = await LockAsync();
        return Load();
    }

    /// <exception cref="IOException">The folder cannot be used, or what the file holds cannot be read.</exception>
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

    public void ShowAlive(string silo) => _alive ??= new FileStream(
        AliveFile(silo), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);

    public void Dispose() => _alive?.Dispose();

    private bool IsGone(string silo)
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
            return SiloTable.Parse(File.ReadAllBytes(_file));
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
            stream.Write(table.ToBytes());
            stream.Flush(flushToDisk: true);
        }

        File.Move(aside, _file, overwrite: true);
    }
}
