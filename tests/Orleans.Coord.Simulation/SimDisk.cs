using System.Text;
using Orleans.Coord.Wal;

namespace Orleans.Coord.Simulation;

/// <summary>
/// A disk in memory that fails as disks do, decided by a seed: unsynced writes are lost, kept or kept in part by
/// sectors of 512 bytes; names are durable only after their directory is synced; syncs fail; space runs out; bits
/// flip. One thread at a time.
/// </summary>
public sealed class SimDisk(ulong seed) : IDisk
{
    private const int PageBytes = 4096;
    private readonly SplitMix64 _random = new(seed);
    private readonly SimNames _names = new();
    private readonly HashSet<string> _directories = new(StringComparer.Ordinal) { "/" };
    private readonly HashSet<string> _locks = new(StringComparer.Ordinal);
    private int _operationsUntilCrash = int.MaxValue;
    private bool _stopped;
    private int _life;

    /// <summary>Size of the disk.</summary>
    public long CapacityBytes { get; set; } = 1L << 40;

    /// <summary>Says which operation ("open", "write", "sync", "read" ...) on which path fails, and why.</summary>
    public Func<string, string, DiskError?>? Fault { get; set; }

    /// <summary>Number of changing operations so far.</summary>
    public int Operations { get; private set; }

    /// <summary>All files, by path.</summary>
    public IReadOnlyList<string> Files => [.. _names.Current.Keys];

    /// <summary>Stops the machine in the middle of a changing operation from now.</summary>
    /// <param name="operations">How many of them still succeed.</param>
    public void CrashAfter(int operations) => _operationsUntilCrash = operations;

    /// <summary>Stops the machine, if it still runs, and starts it again with what is left of its disk.</summary>
    public void Restart(CrashKind kind)
    {
        _stopped = false;
        _operationsUntilCrash = int.MaxValue;
        _life++;
        _locks.Clear();
        if (kind == CrashKind.PowerLoss)
        {
            foreach (SimInode inode in _names.Current.Values.Distinct())
            {
                inode.LosePower(_random);
            }

            _names.LosePower(_random);
        }
    }

    /// <summary>Flips a bit, in the cache and on the platter.</summary>
    public void FlipBit(string path, long offset, int bit) => _names.Current[path].FlipBit(offset, bit);

    /// <summary>Whether a byte of a file is zero.</summary>
    public bool IsZero(string path, long offset)
    {
        Span<byte> one = [0];
        _names.Current[path].Read(offset, one);
        return one[0] == 0;
    }

    /// <summary>Of all names and contents, as programs see them.</summary>
    public long Checksum()
    {
        uint names = 0, contents = 0;
        foreach ((string path, SimInode inode) in _names.Current.OrderBy(file => file.Key, StringComparer.Ordinal))
        {
            names = Crc32C.Compute(names, Encoding.UTF8.GetBytes(path));
            contents = inode.Checksum(contents);
        }

        return ((long)names << 32) | contents;
    }

    /// <summary>Size of a file.</summary>
    public long LengthOf(string path) => _names.Current[path].Length;

    /// <inheritdoc/>
    public void CreateDirectory(string path)
    {
        Changing("mkdir", path);
        if (_names.Current.ContainsKey(path))
        {
            throw new DiskException(DiskError.NotADirectory, "mkdir", path, "simulated");
        }

        _directories.Add(path);
    }

    /// <inheritdoc/>
    public IDiskFile Create(string path)
    {
        Changing("create", path);
        Invariant.Check(!_names.Current.ContainsKey(path));
        SimInode inode = new();
        _names.Create(path, inode);
        return new SimFile(this, path, inode, _life);
    }

    /// <inheritdoc/>
    public IDiskFile Open(string path)
    {
        Check("open", path);
        return _names.Current.TryGetValue(path, out SimInode? inode)
            ? new SimFile(this, path, inode, _life)
            : throw new DiskException(DiskError.NotFound, "open", path, "simulated");
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> List(string directory)
    {
        Check("list", directory);
        return [.. _names.Current.Keys.Where(path => Path.GetDirectoryName(path) == directory).Select(
            path => Path.GetFileName(path))];
    }

    /// <inheritdoc/>
    public void Rename(string from, string to)
    {
        Changing("rename", to);
        _names.Rename(from, to);
    }

    /// <inheritdoc/>
    public void Delete(string path)
    {
        Changing("delete", path);
        if (_names.Current.ContainsKey(path))
        {
            _names.Delete(path);
        }
    }

    /// <inheritdoc/>
    public void SyncDirectory(string path)
    {
        Changing("syncdir", path);
        _names.Sync(path);
    }

    /// <summary>Bytes that all files take.</summary>
    public long UsedBytes => _names.Current.Values.Sum(inode => (long)inode.Length);

    /// <inheritdoc/>
    public long FreeBytes(string directory) => Math.Max(0, CapacityBytes - UsedBytes);

    /// <inheritdoc/>
    public IDisposable? TryLock(string path, out string owner)
    {
        Check("lock", path);
        owner = "4711";
        return _locks.Add(path) ? new Held(this, path, _life) : null;
    }

    private void Check(string operation, string path)
    {
        if (_stopped)
        {
            throw new SimCrashException();
        }

        if (Fault?.Invoke(operation, path) is DiskError error)
        {
            throw new DiskException(error, operation, path, "simulated");
        }
    }

    private void Changing(string operation, string path)
    {
        Check(operation, path);
        Operations++;
        if (_operationsUntilCrash-- <= 0)
        {
            _stopped = true;
            throw new SimCrashException();
        }
    }

    private sealed class Held(SimDisk disk, string path, int life) : IDisposable
    {
        public void Dispose()
        {
            if (life == disk._life)
            {
                disk._locks.Remove(path);
            }
        }
    }

    private sealed class SimFile(SimDisk disk, string path, SimInode inode, int life) : IDiskFile
    {
        public long Length => inode.Length;

        public int Read(long offset, Span<byte> buffer)
        {
            Use("read");
            return inode.Read(offset, buffer);
        }

        public void Write(long offset, ReadOnlySpan<byte> bytes)
        {
            Use("write");
            long growth = offset + bytes.Length - inode.Length;
            if (growth > 0 && growth > disk.FreeBytes(path))
            {
                throw new DiskException(DiskError.NoSpace, "write", path, "simulated");
            }

            try
            {
                disk.Changing("write", path);
            }
            catch (SimCrashException)
            {
                // The kernel had copied so many pages when the process was killed.
                int pages = disk._random.Below((bytes.Length / PageBytes) + 1);
                inode.Write(offset, bytes[..Math.Min(bytes.Length, pages * PageBytes)]);
                throw;
            }

            inode.Write(offset, bytes);
        }

        public void Sync()
        {
            try
            {
                Use("sync");
            }
            catch (DiskException)
            {
                inode.Forget();
                throw;
            }

            disk.Changing("synced", path);
            inode.Sync();
        }

        public void Truncate(long length)
        {
            disk.Changing("truncate", path);
            inode.Resize((int)length);
        }

        public void Allocate(long length)
        {
            Use("allocate");
            if (length - inode.Length > disk.FreeBytes(path))
            {
                throw new DiskException(DiskError.NoSpace, "allocate", path, "simulated");
            }

            disk.Changing("allocated", path);
            inode.Resize((int)length);
        }

        public void Dispose()
        {
        }

        private void Use(string operation)
        {
            Invariant.Check(life == disk._life);
            disk.Check(operation, path);
        }
    }
}
