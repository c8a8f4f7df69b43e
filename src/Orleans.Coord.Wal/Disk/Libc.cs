using System.Runtime.InteropServices;

namespace Orleans.Coord.Wal;

/// <summary>
/// The system calls, unwrapped. The managed file API is not used for writing: its flush reports success where fsync
/// failed, and it cannot sync a directory. Constants are those of Linux on x64 and arm64.
/// </summary>
internal static partial class Libc
{
    internal const int ReadOnly = 0;
    internal const int ReadWrite = 2;
    internal const int CreateFlag = 0x40;
    internal const int Exclusive = 0x80;
    internal const int CloseOnExec = 0x80000;
    internal const int LockExclusive = 2;
    internal const int LockNonBlocking = 4;

    internal const int NotPermitted = 1;
    internal const int NoEntry = 2;
    internal const int Interrupted = 4;
    internal const int Again = 11;
    internal const int Access = 13;
    internal const int NotDirectory = 20;
    internal const int NoSpace = 28;
    internal const int ReadOnlyFileSystem = 30;
    internal const int NotSupported = 95;
    internal const int QuotaExceeded = 122;

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Open(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    internal static partial int Close(int file);

    [LibraryImport("libc", EntryPoint = "pread", SetLastError = true)]
    internal static partial nint Read(int file, ref byte buffer, nint count, long offset);

    [LibraryImport("libc", EntryPoint = "pwrite", SetLastError = true)]
    internal static partial nint Write(int file, ref readonly byte buffer, nint count, long offset);

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    internal static partial int DataSync(int file);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    internal static partial int Sync(int file);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    internal static partial int Truncate(int file, long length);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    internal static partial int Allocate(int file, int mode, long offset, long length);

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    internal static partial long Seek(int file, long offset, int whence);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    internal static partial int Lock(int file, int operation);

    [LibraryImport("libc", EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Rename(string from, string to);

    [LibraryImport("libc", EntryPoint = "unlink", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Unlink(string path);

    /// <summary>Fills a <c>struct statvfs</c>: block size is word 1, blocks free to this user word 4.</summary>
    [LibraryImport("libc", EntryPoint = "statvfs", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int FileSystemStatus(string path, ref ulong words);
}
