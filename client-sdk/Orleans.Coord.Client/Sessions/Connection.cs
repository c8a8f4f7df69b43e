using System.Net.Sockets;

namespace Orleans.Coord.Client;

/// <summary>
/// One TCP connection of a session, from the server's welcome to its loss. All requests that are queued go out in
/// one socket write; all answers that one socket read brings are taken in place. The heartbeat thread may do both
/// halves' work too (<see cref="Drain"/>, <see cref="SendPing"/>), hence a lock for each half.
/// </summary>
internal sealed partial class Connection : IThreadPoolWorkItem
{
    private readonly Socket _socket;
    private readonly Session _session;
    private readonly TaskCompletionSource<string> _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _dead;

    /// <param name="socket">Connected; owned from here on.</param>
    /// <param name="session">Whose requests to carry.</param>
    /// <param name="preamble">Requests that go out first: credentials, the look for extensions, watches.</param>
    /// <param name="repeats">What the last connection left unanswered; goes out before the session's queue.</param>
    /// <param name="armed">The persistent watches that the preamble sets.</param>
    public Connection(
        Socket socket, Session session, Queue<Request> preamble, Queue<Request> repeats,
        HashSet<(WatchScope, string)> armed)
    {
        _socket = socket;
        _session = session;
        _preamble = preamble;
        _repeats = repeats;
        _armed = armed;
        // Not blocking: the synchronous calls then go past the queue of the asynchronous ones (see Drain).
        _socket.Blocking = false;
    }

    /// <summary>Ends with the reason once the connection is lost.</summary>
    public Task<string> Lost => _lost.Task;

    public void Start()
    {
        ScheduleFlush();
        _ = ReadAsync();
    }

    /// <summary>Gives the connection up. Callable from everywhere, also while holding its locks.</summary>
    public void Abort(string reason)
    {
        _dead = true;
        _socket.Dispose();
        _lost.TrySetResult(reason);
    }

    /// <summary>The requests that were sent, or nearly, and not answered; in order. After the loss only.</summary>
    public List<Request> TakeUnanswered()
    {
        Invariant.Check(_dead);
        var unanswered = new List<Request>();
        lock (_writeGate)
        {
            lock (_readGate)
            {
                unanswered.AddRange(_auths);
                unanswered.AddRange(_watchSets);
                unanswered.AddRange(_inFlight);
                _auths.Clear();
                _watchSets.Clear();
                _inFlight.Clear();
                unanswered.AddRange(_preamble);
                _preamble.Clear();
                unanswered.AddRange(_repeats);
                _repeats.Clear();
                ReturnBuffer();
            }
        }

        return unanswered;
    }
}
