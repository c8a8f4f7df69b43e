using System.Diagnostics;
using Orleans.Coord.Replication;

namespace Orleans.Coord.Wal.Tests;

/// <summary>One owner at a time, who is told apart from earlier ones; and a clear sentence for everyone else.</summary>
public sealed class OwnershipTests : IDisposable
{
    private static readonly WalOptions Options = Make.SmallOptions;
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_second_handle_in_the_same_process_is_refused_naming_the_pid()
    {
        using DataDirectory first = Open();
        string message = Assert.Throws<StorageException>(Open).Message;
        Assert.Contains($"in use by this process (pid {Environment.ProcessId})", message);
        Assert.Contains(_folder["LOCK"], message);
    }

    [Fact]
    public void Another_process_is_named_and_its_death_frees_the_directory()
    {
        if (!File.Exists("/usr/bin/flock"))
        {
            return;
        }

        string script = "echo $$ > \"$0\"; echo $$; exec sleep 600";
        ProcessStartInfo start = new("/usr/bin/flock", [_folder["LOCK"], "sh", "-c", script, _folder["LOCK"]])
        {
            RedirectStandardOutput = true,
        };
        using Process other = Process.Start(start)!;
        string owner = other.StandardOutput.ReadLine()!;
        Assert.Contains($"in use by process {owner}, which holds", Assert.Throws<StorageException>(Open).Message);
        Process.GetProcessById(int.Parse(owner, System.Globalization.CultureInfo.InvariantCulture)).Kill();
        other.WaitForExit();
        Open().Dispose();
    }

    [Fact]
    public void The_lock_is_free_after_disposal_and_after_a_refusal()
    {
        Open().Dispose();
        Open().Dispose();
        File.Delete(_folder["MANIFEST"]);
        Assert.Throws<StorageException>(Open);
        Assert.Contains("MANIFEST is missing", Assert.Throws<StorageException>(Open).Message);
    }

    [Fact]
    public void The_generation_rises_with_each_opening_and_the_incarnation_stays()
    {
        using DataDirectory first = Open();
        first.Dispose();
        using DataDirectory second = Open();
        Assert.Equal(first.Incarnation, second.Incarnation);
        Assert.NotEqual(0UL, second.Incarnation);
        Assert.Equal(first.Generation + 1, second.Generation);
    }

    [Fact]
    public void A_newer_format_is_refused()
    {
        Open().Dispose();
        File.WriteAllText(_folder["MANIFEST"], "orleans-coord data, format 7\nwhatever\n");
        string message = Assert.Throws<StorageException>(Open).Message;
        Assert.Contains(_folder["MANIFEST"] + " says format 7", message);
        Assert.Contains("Start the newer release", message);
    }

    [Theory]
    [InlineData("generation 1", "generation 9")]
    [InlineData("orleans-coord data", "something else")]
    [InlineData("incarnation ", "incarnation x")]
    public void A_damaged_manifest_is_refused(string old, string changed)
    {
        Open().Dispose();
        string text = File.ReadAllText(_folder["MANIFEST"]);
        File.WriteAllText(_folder["MANIFEST"], text.Replace(old, changed, StringComparison.Ordinal));
        Assert.Contains(_folder["MANIFEST"] + " is damaged", Assert.Throws<StorageException>(Open).Message);
    }

    [Fact]
    public void A_path_that_is_a_file_is_refused()
    {
        File.WriteAllText(_folder["file"], "");
        foreach (string path in new[] { _folder["file"], _folder["file/below"] })
        {
            StorageException error = Assert.Throws<StorageException>(
                () => DataDirectory.Open(path, Options, new NativeDisk()));
            Assert.Contains($"The data directory {path} is not a directory", error.Message);
        }
    }

    [Fact]
    public void A_directory_that_cannot_be_made_is_refused()
    {
        StorageException error = Assert.Throws<StorageException>(
            () => DataDirectory.Open("/proc/coord", Options, new NativeDisk()));
        Assert.Contains("The data directory /proc/coord cannot be", error.Message);
    }

    [Fact]
    public void An_unwritable_directory_is_refused_with_the_remedy()
    {
        Simulation.SimDisk disk = new(1) { Fault = (name, _) => name == "create" ? DiskError.AccessDenied : null };
        StorageException error = Assert.Throws<StorageException>(() => DataDirectory.Open("/data", Options, disk));
        Assert.Contains("The data directory /data cannot be written", error.Message);
        Assert.Contains("write permission", error.Message);
    }

    private DataDirectory Open() => DataDirectory.Open(_folder.Path, Options, new NativeDisk());
}
