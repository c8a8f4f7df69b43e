using System.Diagnostics;

namespace Orleans.Coord.Wal.Tests;

/// <summary>The system calls do what the port promises, and their failures are told apart.</summary>
public sealed class NativeDiskTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly NativeDisk _disk = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_is_written_is_read_back()
    {
        using IDiskFile file = _disk.Create(_folder["a"]);
        file.Write(100, [1, 2, 3]);
        file.Sync();
        Assert.Equal(103, file.Length);
        byte[] bytes = new byte[10];
        Assert.Equal(4, file.Read(99, bytes));
        Assert.Equal([0, 1, 2, 3], bytes[..4]);
        Assert.Equal(0, file.Read(500, bytes));
        file.Truncate(101);
        Assert.Equal(101, file.Length);
        file.Allocate(5000);
        Assert.Equal(5000, file.Length);
    }

    [Fact]
    public void Names_are_created_listed_renamed_and_deleted()
    {
        _disk.Create(_folder["a"]).Dispose();
        _disk.Create(_folder["b"]).Dispose();
        _disk.Rename(_folder["a"], _folder["b"]);
        _disk.SyncDirectory(_folder.Path);
        Assert.Equal(["b"], _disk.List(_folder.Path));
        _disk.Delete(_folder["b"]);
        _disk.Delete(_folder["b"]);
        Assert.Empty(_disk.List(_folder.Path));
    }

    [Fact]
    public void Directories_are_made_with_their_parents()
    {
        _disk.CreateDirectory(_folder["x/y/z"]);
        _disk.CreateDirectory(_folder["x/y/z"]);
        Assert.True(Directory.Exists(_folder["x/y/z"]));
    }

    [Fact]
    public void Failures_name_the_call_the_file_and_the_cause()
    {
        AssertFails(DiskError.NotFound, "open", () => _disk.Open(_folder["none"]));
        AssertFails(DiskError.NotFound, "rename", () => _disk.Rename(_folder["none"], _folder["b"]));
        AssertFails(DiskError.NotFound, "statvfs", () => _disk.FreeBytes(_folder["none"]));
        AssertFails(DiskError.Io, "list", () => _disk.List(_folder["none"]));
        _disk.Create(_folder["a"]).Dispose();
        AssertFails(DiskError.Io, "open", () => _disk.Create(_folder["a"]));
        AssertFails(DiskError.NotADirectory, "open", () => _disk.Open(_folder["a/b"]));
    }

    [Fact]
    public void A_sync_that_the_system_refuses_is_an_error()
    {
        // The managed flush calls this a success.
        using IDiskFile file = _disk.Open("/dev/null");
        Assert.Throws<DiskException>(file.Sync);
    }

    [Fact]
    public void A_closed_file_is_not_used()
    {
        IDiskFile file = _disk.Create(_folder["a"]);
        file.Dispose();
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => file.Sync());
    }

    [Fact]
    public void Free_space_is_a_plausible_number() => Assert.True(_disk.FreeBytes(_folder.Path) > 0);

    [SmallDiskFact]
    public void A_full_real_disk_refuses_and_heals()
    {
        _disk.CreateDirectory(_folder["small"]);
        using SmallDisk small = new(_folder["small"], "200k");
        string ballast = Path.Combine(small.Path, "ballast");
        File.WriteAllBytes(ballast, new byte[80 << 10]);
        Recorder recorder = new();
        using DataDirectory directory = DataDirectory.Open(small.Path, Make.SmallOptions, _disk);
        directory.Start(recorder);
        long index = 0;
        while (recorder.Token == index || index == 0)
        {
            index++;
            directory.Log.Append([Make.Entry(index, bytes: 400)], null, index);
            while (directory.RunOnce())
            {
            }
        }

        Assert.Equal([true], recorder.Low);
        File.Delete(ballast);
        directory.CheckSpace();
        directory.RunOnce();
        Assert.Equal(index, recorder.Token);
        Make.AssertEqual(Make.Entries(1, index, bytes: 400), Make.ReadAll(directory.Log));
    }

    private static void AssertFails(DiskError error, string operation, Action action)
    {
        DiskException exception = Assert.Throws<DiskException>(action);
        Assert.Equal(error, exception.Error);
        Assert.StartsWith(operation + " " + exception.Path, exception.Message, StringComparison.Ordinal);
    }
}

/// <summary>A test that needs to mount a file system; skipped where that is not allowed.</summary>
public sealed class SmallDiskFactAttribute : FactAttribute
{
    public SmallDiskFactAttribute()
    {
        using TempFolder folder = new();
        if (SmallDisk.Run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder.Path))
        {
            SmallDisk.Run("umount", folder.Path);
        }
        else
        {
            Skip = "mounting a small tmpfs is not permitted here";
        }
    }
}

/// <summary>A tmpfs of a given size.</summary>
internal sealed class SmallDisk : IDisposable
{
    internal SmallDisk(string path, string size)
    {
        Path = path;
        Assert.True(Run("mount", "-t", "tmpfs", "-o", "size=" + size, "tmpfs", path));
    }

    internal string Path { get; }

    public void Dispose() => Run("umount", Path);

    internal static bool Run(string command, params string[] arguments)
    {
        try
        {
            ProcessStartInfo start = new(command, arguments) { RedirectStandardError = true };
            using Process process = Process.Start(start)!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
