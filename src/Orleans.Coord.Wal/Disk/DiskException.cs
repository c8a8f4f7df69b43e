namespace Orleans.Coord.Wal;

/// <summary>Why a disk operation failed, as far as callers tell causes apart.</summary>
public enum DiskError
{
    /// <summary>Anything not named below, an I/O error above all: what is on disk is now unknown.</summary>
    Io,

    /// <summary>The disk, or the user's quota, is full.</summary>
    NoSpace,

    /// <summary>No such file or directory.</summary>
    NotFound,

    /// <summary>Permission denied, or a read-only file system.</summary>
    AccessDenied,

    /// <summary>Part of the path is a file, not a directory.</summary>
    NotADirectory,

    /// <summary>Another owner has the disk now; nothing this one writes counts.</summary>
    TakenOver,
}

/// <summary>A disk operation failed; the message names the operation, the file and the system's own reason.</summary>
public sealed class DiskException : IOException
{
    /// <summary>Creates an exception without a text.</summary>
    public DiskException()
    {
    }

    /// <summary>Creates an exception with a text.</summary>
    public DiskException(string message)
        : base(message)
    {
    }

    /// <summary>Creates an exception with a text and its cause.</summary>
    public DiskException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Creates an exception for a failed operation.</summary>
    public DiskException(DiskError error, string operation, string path, string reason)
        : base($"{operation} {path}: {reason}")
    {
        Error = error;
        Path = path;
    }

    /// <summary>Why it failed.</summary>
    public DiskError Error { get; }

    /// <summary>The file or directory operated on.</summary>
    public string Path { get; } = "";
}
