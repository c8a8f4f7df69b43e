using System.Runtime.InteropServices;

namespace Orleans.Coord.Wal;

/// <summary>A file descriptor; every return value is checked.</summary>
internal sealed class NativeFile : IDiskFile
{
    private readonly string _path;
    private int _descriptor;

    internal NativeFile(string path, int descriptor)
    {
        _path = path;
        _descriptor = descriptor;
    }

    /// <inheritdoc/>
    public long Length
    {
        get
        {
            long length = Libc.Seek(Descriptor, 0, 2);
            return length >= 0 ? length : throw NativeDisk.Failure("lseek", _path);
        }
    }

    internal int Descriptor
    {
        get
        {
            ObjectDisposedException.ThrowIf(_descriptor < 0, this);
            return _descriptor;
        }
    }

    /// <inheritdoc/>
    public int Read(long offset, Span<byte> buffer)
    {
        int done = 0;
        while (done < buffer.Length)
        {
            Span<byte> rest = buffer[done..];
            nint count = Libc.Read(Descriptor, ref MemoryMarshal.GetReference(rest), rest.Length, offset + done);
            if (count == 0)
            {
                break;
            }

            if (count > 0)
            {
                done += (int)count;
            }
            else if (Marshal.GetLastPInvokeError() != Libc.Interrupted)
            {
                throw NativeDisk.Failure("pread", _path);
            }
        }

        return done;
    }

    /// <inheritdoc/>
    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        int done = 0;
        while (done < bytes.Length)
        {
            ReadOnlySpan<byte> rest = bytes[done..];
            nint count = Libc.Write(
                Descriptor, ref MemoryMarshal.GetReference(rest), rest.Length, offset + done);
            if (count > 0)
            {
                done += (int)count;
            }
            else if (count == 0 || Marshal.GetLastPInvokeError() != Libc.Interrupted)
            {
                throw NativeDisk.Failure("pwrite", _path);
            }
        }
    }

    /// <inheritdoc/>
    public void Sync()
    {
        // Not even EINTR is retried: after a failure the kernel may have dropped the dirty pages already.
        if (Libc.DataSync(Descriptor) != 0)
        {
            throw NativeDisk.Failure("fdatasync", _path);
        }
    }

    /// <inheritdoc/>
    public void Truncate(long length)
    {
        if (Libc.Truncate(Descriptor, length) != 0)
        {
            throw NativeDisk.Failure("ftruncate", _path);
        }
    }

    /// <inheritdoc/>
    public void Allocate(long length)
    {
        if (Libc.Allocate(Descriptor, 0, 0, length) == 0)
        {
            return;
        }

        if (Marshal.GetLastPInvokeError() != Libc.NotSupported)
        {
            throw NativeDisk.Failure("fallocate", _path);
        }

        Truncate(length);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        int descriptor = Interlocked.Exchange(ref _descriptor, -1);
        if (descriptor >= 0 && Libc.Close(descriptor) != 0 && Marshal.GetLastPInvokeError() != Libc.Interrupted)
        {
            throw NativeDisk.Failure("close", _path);
        }
    }
}
