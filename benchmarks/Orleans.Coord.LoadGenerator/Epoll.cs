using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Orleans.Coord.LoadGenerator;

/// <summary>One epoll instance with level-triggered interest; a connection is known by its small number.</summary>
internal sealed unsafe class Epoll : IDisposable
{
    private const int Capacity = 1024;
    private const long NanosecondsPerSecond = 1_000_000_000;

    // The kernel packs struct epoll_event on x86-64 and nowhere else, so its size is known only at run time.
    private static readonly bool Packed = RuntimeInformation.ProcessArchitecture == Architecture.X64;
    private static readonly int EventSize = Packed ? 12 : 16;
    private static readonly int NumberOffset = Packed ? 4 : 8;

    private readonly int _descriptor;
    private readonly SafeFileHandle _owner;
    private readonly byte* _events = (byte*)NativeMemory.AllocZeroed((nuint)(Capacity * EventSize));

    public Epoll()
    {
        _descriptor = Native.EpollCreate(0);
        if (_descriptor < 0)
        {
            throw new InvalidOperationException($"epoll_create1 failed with errno {Marshal.GetLastPInvokeError()}.");
        }

        _owner = new SafeFileHandle(_descriptor, ownsHandle: true);
    }

    public void Watch(int descriptor, int number) => Control(Native.EpollAdd, descriptor, number, Native.EpollIn);

    public void WatchWritable(int descriptor, int number, bool writable) =>
        Control(Native.EpollModify, descriptor, number, Native.EpollIn | (writable ? Native.EpollOut : 0));

    /// <summary>Waits for ready connections; the count may be 0 after the time-out or a signal.</summary>
    public int Wait(long nanoseconds)
    {
        long* timeout = stackalloc long[2] { nanoseconds / NanosecondsPerSecond, nanoseconds % NanosecondsPerSecond };
        int count = Native.EpollWait(_descriptor, _events, Capacity, timeout, null);
        if (count >= 0)
        {
            return count;
        }

        int error = Marshal.GetLastPInvokeError();
        return error == Native.Interrupted
            ? 0
            : throw new InvalidOperationException($"epoll_pwait2 failed with errno {error}.");
    }

    /// <summary>The connection number of the ready event at <paramref name="index"/>.</summary>
    public int NumberAt(int index) => Unsafe.ReadUnaligned<int>(_events + (index * EventSize) + NumberOffset);

    public void Dispose()
    {
        NativeMemory.Free(_events);
        _owner.Dispose();
    }

    private void Control(int operation, int descriptor, int number, uint interest)
    {
        byte* entry = stackalloc byte[16];
        Unsafe.WriteUnaligned(entry, interest);
        Unsafe.WriteUnaligned(entry + NumberOffset, (long)number);
        if (Native.EpollControl(_descriptor, operation, descriptor, entry) < 0)
        {
            throw new InvalidOperationException($"epoll_ctl failed with errno {Marshal.GetLastPInvokeError()}.");
        }
    }
}
