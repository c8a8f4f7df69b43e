using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Orleans.Coord.Wal;

/// <summary>The machine's own file system, through system calls (Linux).</summary>
public sealed class NativeDisk : IDisk
{
    private const int FileMode = 0x1A4; // rw-r--r--

    /// <inheritdoc/>
    public void CreateDirectory(string path)
    {
        try
        {
            if (Directory.Exists(path))
            {
                return;
            }

            Directory.CreateDirectory(path);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new DiskException(DiskError.AccessDenied, "mkdir", path, e.Message);
        }
        catch (IOException e)
        {
            bool fileInTheWay = File.Exists(path) || File.Exists(Path.GetDirectoryName(Path.GetFullPath(path)));
            throw new DiskException(fileInTheWay ? DiskError.NotADirectory : DiskError.Io, "mkdir", path, e.Message);
        }

        SyncDirectory(Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/");
    }

    /// <inheritdoc/>
    public IDiskFile Create(string path) => OpenNative(path, Libc.ReadWrite | Libc.CreateFlag | Libc.Exclusive);

    /// <inheritdoc/>
    public IDiskFile Open(string path) => OpenNative(path, Libc.ReadWrite);

    /// <inheritdoc/>
    public IReadOnlyList<string> List(string directory)
    {
        try
        {
            return [.. Directory.EnumerateFiles(directory).Select(path => Path.GetFileName(path))];
        }
        catch (UnauthorizedAccessException e)
        {
            throw new DiskException(DiskError.AccessDenied, "list", directory, e.Message);
        }
        catch (IOException e)
        {
            throw new DiskException(DiskError.Io, "list", directory, e.Message);
        }
    }

    /// <inheritdoc/>
    public void Rename(string from, string to)
    {
        if (Libc.Rename(from, to) != 0)
        {
            throw Failure("rename", from);
        }
    }

    /// <inheritdoc/>
    public void Delete(string path)
    {
        if (Libc.Unlink(path) != 0 && Marshal.GetLastPInvokeError() != Libc.NoEntry)
        {
            throw Failure("unlink", path);
        }
    }

    /// <inheritdoc/>
    public void SyncDirectory(string path)
    {
        using NativeFile directory = OpenNative(path, Libc.ReadOnly);
        if (Libc.Sync(directory.Descriptor) != 0)
        {
            throw Failure("fsync", path);
        }
    }

    /// <inheritdoc/>
    public long FreeBytes(string directory)
    {
        Span<ulong> words = stackalloc ulong[32];
        if (Libc.FileSystemStatus(directory, ref MemoryMarshal.GetReference(words)) != 0)
        {
            throw Failure("statvfs", directory);
        }

        return (long)(words[1] * words[4]);
    }

    /// <inheritdoc/>
    public IDisposable? TryLock(string path, out string owner)
    {
        NativeFile file = OpenNative(path, Libc.ReadWrite | Libc.CreateFlag);
        if (Libc.Lock(file.Descriptor, Libc.LockExclusive | Libc.LockNonBlocking) != 0)
        {
            DiskException? failure = Marshal.GetLastPInvokeError() == Libc.Again ? null : Failure("flock", path);
            Span<byte> text = stackalloc byte[32];
            owner = Encoding.ASCII.GetString(text[..file.Read(0, text)]).Trim();
            file.Dispose();
            return failure is null ? null : throw failure;
        }

        owner = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        file.Truncate(0);
        file.Write(0, Encoding.ASCII.GetBytes(owner + "\n"));
        return file;
    }

    internal static DiskException Failure(string operation, string path)
    {
        int number = Marshal.GetLastPInvokeError();
        DiskError error = number switch
        {
            Libc.NoSpace or Libc.QuotaExceeded => DiskError.NoSpace,
            Libc.NoEntry => DiskError.NotFound,
            Libc.NotPermitted or Libc.Access or Libc.ReadOnlyFileSystem => DiskError.AccessDenied,
            Libc.NotDirectory => DiskError.NotADirectory,
            _ => DiskError.Io,
        };
        return new DiskException(error, operation, path, Marshal.GetPInvokeErrorMessage(number));
    }

    private static NativeFile OpenNative(string path, int flags)
    {
        int descriptor;
        do
        {
            descriptor = Libc.Open(path, flags | Libc.CloseOnExec, FileMode);
        }
        while (descriptor < 0 && Marshal.GetLastPInvokeError() == Libc.Interrupted);

        return descriptor >= 0 ? new NativeFile(path, descriptor) : throw Failure("open", path);
    }
}
