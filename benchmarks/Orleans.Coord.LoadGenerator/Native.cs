using System.Runtime.InteropServices;

namespace Orleans.Coord.LoadGenerator;

/// <summary>
/// The Linux calls of the hot loop. They are called directly because the managed sockets add locking, reference
/// counting and their own epoll thread, and this client shares two cores with the server that it measures.
/// </summary>
internal static unsafe partial class Native
{
    public const int MessageDontWait = 0x40;
    public const int MessageNoSignal = 0x4000;
    public const int Interrupted = 4;
    public const int WouldBlock = 11;
    public const uint EpollIn = 0x1;
    public const uint EpollOut = 0x4;
    public const int EpollAdd = 1;
    public const int EpollModify = 3;

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    public static partial nint Receive(int descriptor, byte* buffer, nint length, int flags);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    public static partial nint Send(int descriptor, byte* buffer, nint length, int flags);

    [LibraryImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    public static partial int EpollCreate(int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    public static partial int EpollControl(int epoll, int operation, int descriptor, byte* interest);

    [LibraryImport("libc", EntryPoint = "epoll_pwait2", SetLastError = true)]
    public static partial int EpollWait(int epoll, byte* events, int capacity, long* timeout, void* signalMask);
}
