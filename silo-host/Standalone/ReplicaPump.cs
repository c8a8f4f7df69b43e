using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Orleans.Coord.Consensus;
using Orleans.Coord.Gateway;
using Orleans.Coord.Jute;
using Orleans.Coord.Replication;

namespace Orleans.Coord.SiloHost.Standalone;

/// <summary>
/// The standalone host's mailbox. Whoever posts while the replica is idle runs its turn at once, on its own thread;
/// whoever posts while a turn runs leaves the letter behind for it. So a request needs no hand-over between threads
/// when the silo is quiet, and shares a turn with all its neighbours when it is busy.
/// </summary>
/// <param name="logger">Hears of a disk that is nearly full.</param>
/// <param name="path">Where the replica's data are, for the operator.</param>
internal sealed partial class ReplicaPump(ILogger logger, string path)
    : IReplicaMailbox, ILogStoreObserver, IThreadPoolWorkItem
{
    // A thread that lends itself goes back to its own work after this many turns, even if letters keep coming.
    private const int TurnsPerLoan = 16;

    private readonly Lock _gate = new();
    private readonly TaskCompletionSource<Exception> _failure = NewSource<Exception>();
    private readonly TaskCompletionSource _removed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<(long Zxid, int Znodes)> _serving = NewSource<(long Zxid, int Znodes)>();
    private List<Letter> _inbox = [];
    private List<Letter> _reading = [];
    private readonly TurnOutputs _outputs = new();
    private Replica? _replica;
    private bool _busy = true;
    private bool _stopped;

    /// <summary>Completes when the replica must stop: a broken invariant or failed storage.</summary>
    public Task<Exception> Failure => _failure.Task;

    /// <summary>Completes when this member was removed from its ensemble and has let its clients go.</summary>
    public Task Removed => _removed.Task;

    /// <summary>
    /// Completes when clients can be served, if only read-only ones, with the newest zxid and the number of znodes
    /// recovered.
    /// </summary>
    public Task<(long Zxid, int Znodes)> Serving => _serving.Task;

    private enum LetterKind : byte
    {
        Connect,
        Receive,
        Disconnected,
        Inspect,
        Tick,
        Persisted,
        SnapshotPersisted,
        SnapshotAborted,
        DiskLow,
        PeerMessage,
        PeerUnreachable,
    }

    /// <summary>Gives the mailbox its replica and runs what has been collected.</summary>
    public void Start(Replica replica)
    {
        _replica = replica;
        Run();
    }

    /// <summary>No turn starts after this returns and the running one, if any, has ended.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            _stopped = true;
        }

        var idle = default(SpinWait);
        while (Volatile.Read(ref _busy))
        {
            idle.SpinOnce();
        }
    }

    /// <summary>Time has passed.</summary>
    public void Tick() => Post(new Letter(LetterKind.Tick));

    public void Connect(IClientConnection connection, ConnectRequest request) =>
        Post(new Letter(LetterKind.Connect, connection, request));

    public void Receive(IClientConnection connection, ClientFrames frames) =>
        Post(new Letter(LetterKind.Receive, connection, frames));

    public void Disconnected(IClientConnection connection) => Post(new Letter(LetterKind.Disconnected, connection));

    public void FlushLater(ITurnOutput output) => _outputs.Add(output);

    public void Inspect(Action<Replica> inspection) => Post(new Letter(LetterKind.Inspect, inspection));

    /// <summary>Asks the replica something in one of its turns; no answer comes once it has stopped.</summary>
    public Task<T> AskAsync<T>(Func<Replica, T> question)
    {
        TaskCompletionSource<T> answer = NewSource<T>();
        Inspect(replica => answer.TrySetResult(question(replica)));
        return answer.Task;
    }

    public void Persisted(long token) => Post(new Letter(LetterKind.Persisted, Number: token));

    public void SnapshotPersisted(SnapshotMetadata metadata) =>
        Post(new Letter(LetterKind.SnapshotPersisted, metadata));

    public void SnapshotAborted(SnapshotMetadata metadata)
    {
        NoRoomForSnapshot(logger, path, metadata.Index.Value);
        Post(new Letter(LetterKind.SnapshotAborted, metadata));
    }

    public void Failed(StorageException error) => Fail(error);

    public void DiskLow(bool low)
    {
        if (low)
        {
            DiskIsLow(logger, path);
        }
        else
        {
            DiskHasRoom(logger, path);
        }

        Post(new Letter(LetterKind.DiskLow, Number: low ? 1 : 0));
    }

    public void Received(ReplicaId from, ReadOnlyMemory<byte> envelope) =>
        Post(new Letter(LetterKind.PeerMessage, Number: from.Value, Bytes: envelope));

    public void Unreachable(ReplicaId peer) => Post(new Letter(LetterKind.PeerUnreachable, Number: peer.Value));

    void IThreadPoolWorkItem.Execute() => Run();

    private void Post(in Letter letter)
    {
        lock (_gate)
        {
            _inbox.Add(letter);
            if (_busy)
            {
                return;
            }

            _busy = true;
        }

        Run();
    }

    // Entered by one thread at a time: the one that set _busy.
    private void Run()
    {
        for (int turns = 1; ; turns++)
        {
            if (!TryBeginTurn())
            {
                return;
            }

            if (!TryTurn(out List<ITurnOutput>? outputs))
            {
                return;
            }

            // Sending needs no exclusivity: while this thread sends, another may already run the next turn.
            bool goOn = turns < TurnsPerLoan ? HasMore() : !Resign();
            _outputs.Flush(outputs);
            if (!goOn)
            {
                return;
            }
        }
    }

    private bool TryBeginTurn()
    {
        lock (_gate)
        {
            if (_stopped)
            {
                _busy = false;
                return false;
            }

            (_inbox, _reading) = (_reading, _inbox);
            return true;
        }
    }

    // False: nothing is left to do, and the replica is free for the next thread that posts.
    private bool HasMore()
    {
        lock (_gate)
        {
            return _busy = !_stopped && (_inbox.Count > 0 || _replica!.WantsTurn);
        }
    }

    // This thread has lent itself for long enough; what is left goes on in the thread pool.
    private bool Resign()
    {
        if (HasMore())
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }

        return true;
    }

    // False: the replica failed, and no turn follows.
    private bool TryTurn(out List<ITurnOutput>? outputs)
    {
        outputs = null;
        try
        {
            _replica!.BeginTurn(Now());
            foreach (ref readonly Letter letter in CollectionsMarshal.AsSpan(_reading))
            {
                Deliver(letter);
            }

            _replica.EndTurn();
            _reading.Clear();
            if ((_replica.CanServe || _replica.IsReadOnly) && !_serving.Task.IsCompleted)
            {
                _serving.TrySetResult((_replica.Machine.LastApplied, _replica.Machine.ZnodeCount));
            }

            if (_replica is { IsRemoved: true, CanServe: false })
            {
                _removed.TrySetResult();
            }

            outputs = _outputs.EndTurn();
            return true;
        }
#pragma warning disable CA1031 // Whatever it is, the replica's state can no longer be trusted: say so and stop.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Fail(e);
            Volatile.Write(ref _busy, false);
            return false;
        }
    }

    private void Deliver(in Letter letter)
    {
        Replica replica = _replica!;
        switch (letter.Kind)
        {
            case LetterKind.Connect:
                replica.Connect((IClientConnection)letter.To!, (ConnectRequest)letter.What!);
                break;
            case LetterKind.Receive:
                replica.Receive((IClientConnection)letter.To!, (ClientFrames)letter.What!);
                break;
            case LetterKind.Disconnected:
                replica.Disconnected((IClientConnection)letter.To!);
                break;
            case LetterKind.Inspect:
                ((Action<Replica>)letter.To!)(replica);
                break;
            case LetterKind.Tick:
                replica.Tick();
                break;
            case LetterKind.Persisted:
                replica.Persisted(letter.Number);
                break;
            case LetterKind.SnapshotPersisted:
                replica.SnapshotPersisted((SnapshotMetadata)letter.To!);
                break;
            case LetterKind.SnapshotAborted:
                replica.SnapshotAborted((SnapshotMetadata)letter.To!);
                break;
            case LetterKind.DiskLow:
                replica.DiskLow(letter.Number != 0);
                break;
            case LetterKind.PeerMessage:
                replica.PeerMessage(new ReplicaId((byte)letter.Number), letter.Bytes);
                break;
            case LetterKind.PeerUnreachable:
                replica.PeerUnreachable(new ReplicaId((byte)letter.Number));
                break;
        }
    }

    private void Fail(Exception error)
    {
        lock (_gate)
        {
            _stopped = true;
        }

        _failure.TrySetResult(error);
    }

    public static TurnTime Now() =>
        new(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1000));

    // What waits for the replica must not run in its turn.
    private static TaskCompletionSource<T> NewSource<T>() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly record struct Letter(
        LetterKind Kind,
        object? To = null,
        object? What = null,
        long Number = 0,
        ReadOnlyMemory<byte> Bytes = default);

    [LoggerMessage(
        1, LogLevel.Warning,
        "The disk of {Path} is nearly full: this silo refuses its clients' writes, except deletes, until there is more "
        + "room than Coord:DiskReserveBytes and one more snapshot take. Free some, or enlarge the disk")]
    private static partial void DiskIsLow(ILogger logger, string path);

    [LoggerMessage(2, LogLevel.Information, "The disk of {Path} has room again: writes are taken")]
    private static partial void DiskHasRoom(ILogger logger, string path);

    [LoggerMessage(
        3, LogLevel.Warning,
        "There was no room in {Path} for a snapshot of zxid 0x{Zxid:x}: the log cannot shrink until there is. Free "
        + "some, or enlarge the disk")]
    private static partial void NoRoomForSnapshot(ILogger logger, string path, long zxid);
}
