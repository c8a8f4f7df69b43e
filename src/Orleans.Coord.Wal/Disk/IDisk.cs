namespace Orleans.Coord.Wal;

/// <summary>
/// The part of a file system that the log needs, each call as exact as the system call behind it. Failures are
/// <see cref="DiskException"/>. Creating, renaming and deleting are durable only after <see cref="SyncDirectory"/>.
/// </summary>
public interface IDisk
{
    /// <summary>Makes the directory and its missing parents; nothing happens if it is there.</summary>
    void CreateDirectory(string path);

    /// <summary>Creates a file that must not exist yet, empty, for reading and writing.</summary>
    IDiskFile Create(string path);

    /// <summary>Opens an existing file for reading and writing.</summary>
    IDiskFile Open(string path);

    /// <summary>Names of the files in a directory, without its path, in no particular order.</summary>
    IReadOnlyList<string> List(string directory);

    /// <summary>Gives a file another name in the same directory, replacing what had it.</summary>
    void Rename(string from, string to);

    /// <summary>Removes a file; nothing happens if it is not there.</summary>
    void Delete(string path);

    /// <summary>Makes the directory's entries durable.</summary>
    void SyncDirectory(string path);

    /// <summary>Bytes that can still be written to the file system that holds the directory.</summary>
    long FreeBytes(string directory);

    /// <summary>
    /// Takes the exclusive lock named by a file until the result is disposed or the process ends. Null if another
    /// holder has it; then <paramref name="owner"/> is what that one wrote into the file, its process id.
    /// </summary>
    IDisposable? TryLock(string path, out string owner);
}

/// <summary>An open file.</summary>
public interface IDiskFile : IDisposable
{
    /// <summary>Its size in bytes.</summary>
    long Length { get; }

    /// <summary>Reads up to the buffer's length; fewer bytes are returned only at the end of the file.</summary>
    int Read(long offset, Span<byte> buffer);

    /// <summary>Writes all bytes; durable only after <see cref="Sync"/>.</summary>
    void Write(long offset, ReadOnlySpan<byte> bytes);

    /// <summary>Makes all that was written, and the size, durable. A failure is final: never call it again.</summary>
    void Sync();

    /// <summary>Sets the size; a larger one reads as zeros.</summary>
    void Truncate(long length);

    /// <summary>Reserves blocks up to a size where the file system can, and makes the file that large.</summary>
    void Allocate(long length);
}
