namespace Orleans.Coord.Chaos.Lab;

/// <summary>
/// A small disk of a member's own: a file with a real file system in it, or memory where only root may mount files. It
/// can be filled up, and a real one can be made to stall every write and sync for a while. Where nothing may be mounted
/// it is a folder, and no faults.
/// </summary>
internal sealed class MemberDisk
{
    private const long Bytes = 256L << 20;

    private readonly string _filler;
    private bool _stalled;

    /// <summary>Makes the file system and mounts it.</summary>
    /// <param name="folder">Where it is mounted; the file stands beside it.</param>
    /// <param name="mounted">Whether it is a disk of its own.</param>
    /// <exception cref="LabException">Mounting is not permitted here.</exception>
    public MemberDisk(string folder, bool mounted)
    {
        Folder = folder;
        _filler = Path.Combine(folder, "filler");
        Directory.CreateDirectory(folder);
        if (!mounted)
        {
            return;
        }

        if (MayMountFiles)
        {
            MountFile(folder);
        }
        else
        {
            Shell.Run($"mount -t tmpfs -o size={Bytes} tmpfs {folder}");
        }
    }

    /// <summary>Whether disks are real, and so can stall: only the machine's own root may mount files.</summary>
    public static bool MayMountFiles { get; } = File.ReadAllText("/proc/self/uid_map").Split(
        (char[]?)null, StringSplitOptions.RemoveEmptyEntries) is ["0", "0", ..];

    /// <summary>Where it is mounted.</summary>
    public string Folder { get; }

    /// <summary>Space left.</summary>
    public long FreeBytes => new DriveInfo(Folder).AvailableFreeSpace;

    /// <summary>Takes all space but <paramref name="left"/> bytes, which the member may use meanwhile.</summary>
    public void Fill(long left)
    {
        bool filled = false;
        for (long less = 0; !filled && FreeBytes - left > less; less += 1 << 20)
        {
            filled = TryFill(FreeBytes - left - less);
        }
    }

    /// <summary>Stalls every write and sync until <see cref="Heal"/>.</summary>
    public void Stall()
    {
        if (!_stalled)
        {
            _stalled = true;
            Shell.Run($"fsfreeze -f {Folder}");
        }
    }

    /// <summary>Works again, and has its space back.</summary>
    public void Heal()
    {
        if (_stalled)
        {
            _stalled = false;
            Shell.Run($"fsfreeze -u {Folder}");
        }

        File.Delete(_filler);
    }

    private bool TryFill(long bytes)
    {
        try
        {
            Shell.Run($"fallocate -l {bytes} {_filler}");
            return true;
        }
        catch (LabException e) when (e.Message.Contains("No space left", StringComparison.Ordinal))
        {
            return false;
        }
    }

    private static void MountFile(string folder)
    {
        string image = folder + ".image";
        using (FileStream file = File.Create(image))
        {
            file.SetLength(Bytes);
        }

        // No reserved blocks: root's writes must fail when the disk is full, too.
        Shell.Run($"mkfs.ext4 -q -m 0 {image}");
        Shell.Run($"mount -o loop {image} {folder}");
    }
}
