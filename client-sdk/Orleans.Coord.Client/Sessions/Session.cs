using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Orleans.Coord.Client;

/// <summary>
/// A session over however many connections it takes: the queue of requests, what resumes it, and its end. It ends
/// once and for good (<see cref="End"/>): when a server says so, when its time-out has passed on this side without a
/// confirmed heartbeat, when its credentials are refused, or when the client is disposed.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification =
    "None of its fields holds a handle or timer, and the token must outlive the session")]
internal sealed partial class Session
{
    private readonly ConcurrentQueue<Request> _queue = new();
    private readonly SemaphoreSlim _places;
    private readonly CancellationTokenSource _lost = new();
    private readonly CancellationTokenSource _stop = new();
    private volatile ServerList _servers;
    private readonly ILogger _log;
    private readonly Task _run;
    private Ending? _end;
    private volatile Connection? _connection;
    private bool _closing;
    private long _lastZxid;

    public Session(CoordClientOptions options)
    {
        Options = options;
        _servers = ServerList.Parse(options.ConnectionString, options.ShuffleServers);
        Root = new Chroot(_servers.Root);
        Watches = new WatchTable(Root);
        _places = new SemaphoreSlim(options.MaxPendingRequests);
        _auths = [.. options.Auth];
        ILogger? log = options.LoggerFactory?.CreateLogger<CoordClient>();
        _log = log is null ? NullLogger.Instance : new SafeLogger(log);
        Lost = _lost.Token;
        _run = Task.Run(RunAsync);
    }

    public CoordClientOptions Options { get; }

    public Chroot Root { get; }

    public WatchTable Watches { get; }

    public StateCell State { get; } = new();

    public CancellationToken Lost { get; }

    public LostSources LostSources { get; } = new();

    public long LastZxid => Volatile.Read(ref _lastZxid);

    public bool QueueIsEmpty => _queue.IsEmpty;

    public bool TryPeek([NotNullWhen(true)] out Request? request) => _queue.TryPeek(out request);

    public bool TryDequeue([NotNullWhen(true)] out Request? request) => _queue.TryDequeue(out request);

    public void NoteZxid(long zxid)
    {
        // Only the reader of the one live connection writes it.
        if (zxid > _lastZxid)
        {
            Volatile.Write(ref _lastZxid, zxid);
        }
    }

    /// <summary>Queues a request; waits for a place first when there are too many.</summary>
    public Task<CoordResult<T>> SendAsync<TOperation, T>(
        Request<TOperation, T> request, CancellationToken cancellation)
        where TOperation : struct, IOperation<T> =>
        Telemetry.IsOn ? SendObservedAsync(request, cancellation) : SendUnobservedAsync(request, cancellation);

    private async Task<CoordResult<T>> SendObservedAsync<TOperation, T>(
        Request<TOperation, T> request, CancellationToken cancellation)
        where TOperation : struct, IOperation<T>
    {
        using Telemetry.Call call = Telemetry.Begin(request);
        try
        {
            CoordResult<T> result = await SendUnobservedAsync(request, cancellation).ConfigureAwait(false);
            call.Ended(result.Code);
            return result;
        }
        catch (Exception e)
        {
            call.Failed(e);
            throw;
        }
    }

    private Task<CoordResult<T>> SendUnobservedAsync<TOperation, T>(
        Request<TOperation, T> request, CancellationToken cancellation)
        where TOperation : struct, IOperation<T>
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _closing), typeof(CoordClient));
        return cancellation.IsCancellationRequested ? Task.FromCanceled<CoordResult<T>>(cancellation)
            : _places.Wait(0, CancellationToken.None) ? Queue(request, cancellation)
            : WaitAndQueueAsync(request, cancellation);
    }

    /// <summary>Queues a request of the client's own at once; such requests are few and need no place.</summary>
    public Task<CoordResult<T>> SendOwn<TOperation, T>(Request<TOperation, T> request)
        where TOperation : struct, IOperation<T>
    {
        Enqueue(request);
        return request.Task;
    }

    /// <summary>The session is over.</summary>
    public void Expire(string reason)
    {
        if (End(SessionState.Expired, static (path, sent) => new SessionLostException(path, sent)))
        {
            Log.Expired(_log, SessionId, reason);
            Telemetry.SessionWasLost();
        }
    }

    /// <summary>What an operation at the path gets after the end.</summary>
    /// <param name="path">The operation's path.</param>
    /// <param name="sent">Whether it is a write that had been sent.</param>
    public Exception EndError(string? path, bool sent) => _end!.Error(path, sent);

    private bool End(SessionState state, Func<string?, bool, Exception> error)
    {
        if (Interlocked.CompareExchange(ref _end, new Ending(state, error), null) is not null)
        {
            return false;
        }

        // Sets the token at once and runs what others registered on it elsewhere: this may be the heartbeat thread.
        _ = _lost.CancelAsync();
        LostSources.CancelAll();
        // After the tokens: who waited for the state finds them cancelled.
        State.TrySet(state);
        _ = _stop.CancelAsync();
        _connection?.Abort("the session has ended");
        Watches.Fail(error(null, false));
        FailQueued();
        return true;
    }

    private async Task<CoordResult<T>> WaitAndQueueAsync<TOperation, T>(
        Request<TOperation, T> request, CancellationToken cancellation)
        where TOperation : struct, IOperation<T>
    {
        await _places.WaitAsync(cancellation).ConfigureAwait(false);
        return await Queue(request, cancellation).ConfigureAwait(false);
    }

    private Task<CoordResult<T>> Queue<TOperation, T>(Request<TOperation, T> request, CancellationToken cancellation)
        where TOperation : struct, IOperation<T>
    {
        request.Begin(_places, cancellation);
        Enqueue(request);
        return request.Task;
    }

    private void Enqueue(Request request)
    {
        _queue.Enqueue(request);
        _connection?.ScheduleFlush();
        if (Volatile.Read(ref _end) is not null)
        {
            FailQueued();
        }
    }

    private void FailQueued()
    {
        while (_queue.TryDequeue(out Request? request))
        {
            request.Fail(EndError(ClientPath(request), sent: false));
        }
    }

    /// <summary>A request's path as the caller wrote it.</summary>
    public string? ClientPath(Request request) => request.Path is null ? null : Root.ToClient(request.Path);

    /// <summary>The state that it ended in, and what an operation at a path, sent or not, gets from then on.</summary>
    private sealed record Ending(SessionState State, Func<string?, bool, Exception> Error);
}
