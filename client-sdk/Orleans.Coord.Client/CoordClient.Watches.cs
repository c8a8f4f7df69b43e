using System.Runtime.CompilerServices;

namespace Orleans.Coord.Client;

public sealed partial class CoordClient
{
    /// <summary>
    /// Reads a znode's metadata (null when there is none) and watches for its creation, write or delete.
    /// </summary>
    /// <param name="path">The znode.</param>
    /// <param name="cancellation">Gives up waiting for the answer.</param>
    public async Task<Watched<Stat?>> ExistsAndWatchAsync(string path, CancellationToken cancellation = default)
    {
        string serverPath = _session.Root.ToServer(path);
        Task<WatchEvent>? changed = null;
        var request = new Request<ExistsOperation, Stat>(new(serverPath))
        {
            Watch = OneShotKind.Exist,
            Answered = (code, _) => changed = code switch
            {
                CoordErrorCode.Ok => _session.Watches.AddOneShot(OneShotKind.Data, serverPath),
                CoordErrorCode.NoNode => _session.Watches.AddOneShot(OneShotKind.Exist, serverPath),
                _ => null,
            },
        };
        CoordResult<Stat> result = await _session.SendAsync(request, cancellation).ConfigureAwait(false);
        ThrowUnless(result.Code, path, CoordErrorCode.NoNode);
        return new(result.Succeeded ? result.Value : null, changed!);
    }

    /// <summary>Reads a znode's data (null when there is none) and watches for its creation, write or delete.</summary>
    /// <param name="path">The znode.</param>
    /// <param name="cancellation">Gives up waiting for the answer.</param>
    /// <exception cref="CoordException">There is no right to read it.</exception>
    public async Task<Watched<ZnodeData?>> GetAndWatchAsync(string path, CancellationToken cancellation = default)
    {
        while (true)
        {
            Watched<ZnodeData>? found = await TryGetAndWatchAsync(path, cancellation).ConfigureAwait(false);
            if (found is { } present)
            {
                return new(present.Value, present.Changed);
            }

            // A read of nothing sets no watch; a look for it does, unless it has come meanwhile.
            Watched<Stat?> missing = await ExistsAndWatchAsync(path, cancellation).ConfigureAwait(false);
            if (missing.Value is null)
            {
                return new(null, missing.Changed);
            }
        }
    }

    /// <summary>
    /// Reads a znode's data and watches for its write or delete; null when there is no such znode, and then no watch
    /// is left behind. For znodes that never come back under the same name.
    /// </summary>
    /// <param name="path">The znode.</param>
    /// <param name="cancellation">Gives up waiting for the answer.</param>
    /// <exception cref="CoordException">There is no right to read it.</exception>
    public async Task<Watched<ZnodeData>?> TryGetAndWatchAsync(string path, CancellationToken cancellation = default)
    {
        string serverPath = _session.Root.ToServer(path);
        Task<WatchEvent>? changed = null;
        var request = new Request<GetOperation, ZnodeData>(new(serverPath))
        {
            Watch = OneShotKind.Data,
            Answered = (code, _) => changed = code == CoordErrorCode.Ok
                ? _session.Watches.AddOneShot(OneShotKind.Data, serverPath)
                : null,
        };
        CoordResult<ZnodeData> result = await _session.SendAsync(request, cancellation).ConfigureAwait(false);
        ThrowUnless(result.Code, path, CoordErrorCode.NoNode);
        return result.Succeeded ? new(result.Value, changed!) : null;
    }

    /// <summary>
    /// Lists a znode's children (null when there is no such znode) and watches for a child's creation or delete, or
    /// for the znode's own.
    /// </summary>
    /// <param name="path">The parent.</param>
    /// <param name="cancellation">Gives up waiting for the answer.</param>
    /// <exception cref="CoordException">There is no right to read it.</exception>
    public async Task<Watched<ZnodeChildren?>> GetChildrenAndWatchAsync(
        string path, CancellationToken cancellation = default)
    {
        string serverPath = _session.Root.ToServer(path);
        while (true)
        {
            Task<WatchEvent>? changed = null;
            var request = new Request<ChildrenOperation, ZnodeChildren>(new(serverPath))
            {
                Watch = OneShotKind.Children,
                Answered = (code, _) => changed = code == CoordErrorCode.Ok
                    ? _session.Watches.AddOneShot(OneShotKind.Children, serverPath)
                    : null,
            };
            CoordResult<ZnodeChildren> result = await _session.SendAsync(request, cancellation).ConfigureAwait(false);
            ThrowUnless(result.Code, path, CoordErrorCode.NoNode);
            if (result.Succeeded)
            {
                return new(result.Value, changed!);
            }

            Watched<Stat?> missing = await ExistsAndWatchAsync(path, cancellation).ConfigureAwait(false);
            if (missing.Value is null)
            {
                return new(null, missing.Changed);
            }
        }
    }

    /// <summary>
    /// A znode's data (null while there is none): the present value, then each new one. A slow consumer gets the
    /// newest value and may miss some in between, but never the last; reconnects lose nothing either.
    /// </summary>
    /// <param name="path">The znode.</param>
    /// <param name="cancellation">Ends the stream.</param>
    /// <exception cref="CoordException">There is no right to read it, or the session has ended.</exception>
    public async IAsyncEnumerable<ZnodeData?> WatchDataAsync(
        string path, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        bool first = true;
        ZnodeData? last = null;
        while (true)
        {
            Watched<ZnodeData?> now =
                await InsistAsync(() => GetAndWatchAsync(path, cancellation)).ConfigureAwait(false);
            if (first || now.Value?.Stat.Mzxid != last?.Stat.Mzxid)
            {
                yield return now.Value;
            }

            first = false;
            last = now.Value;
            await now.Changed.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// A znode's children (null while there is no such znode): the present list, then each new one. A slow consumer
    /// gets the newest list and may miss some in between, but never the last; reconnects lose nothing either.
    /// </summary>
    /// <param name="path">The parent.</param>
    /// <param name="cancellation">Ends the stream.</param>
    /// <exception cref="CoordException">There is no right to read it, or the session has ended.</exception>
    public async IAsyncEnumerable<ZnodeChildren?> WatchChildrenAsync(
        string path, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        bool first = true;
        ZnodeChildren? last = null;
        while (true)
        {
            Watched<ZnodeChildren?> now =
                await InsistAsync(() => GetChildrenAndWatchAsync(path, cancellation)).ConfigureAwait(false);
            if (first || now.Value?.Stat.Pzxid != last?.Stat.Pzxid || now.Value?.Stat.Czxid != last?.Stat.Czxid)
            {
                yield return now.Value;
            }

            first = false;
            last = now.Value;
            await now.Changed.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// All events at a znode, or at and below it, from a persistent watch. Begins with
    /// <see cref="WatchEventKind.Resync"/> once the watch is in force, and repeats it wherever events may be missing:
    /// after a reconnect, and where a slow consumer let more than
    /// <see cref="CoordClientOptions.WatchBufferCapacity"/> pile up. Read the znodes at each resync.
    /// </summary>
    /// <param name="path">The znode.</param>
    /// <param name="scope">How far to watch.</param>
    /// <param name="cancellation">Ends the stream, and the watch when no other stream needs it.</param>
    /// <exception cref="CoordException">
    /// The server does not know persistent watches (<see cref="CoordErrorCode.Unimplemented"/>, before ZooKeeper
    /// 3.6), or the session has ended.
    /// </exception>
    public async IAsyncEnumerable<WatchEvent> WatchAsync(
        string path,
        WatchScope scope = WatchScope.Znode,
        [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        await foreach (WatchEvent what in SignalsAsync(path, scope, _session.Options.WatchBufferCapacity, cancellation)
            .ConfigureAwait(false))
        {
            yield return what;
        }
    }

    /// <summary>
    /// Every change of a znode, or of all at and below it, with a zxid above the one given, in order: none is lost and
    /// none comes twice, over reconnects and fail-overs too. To go on later, also in another process, keep the zxid
    /// of the last change taken.
    /// </summary>
    /// <param name="path">The znode.</param>
    /// <param name="sinceZxid">
    /// Where to begin. To begin now: read <see cref="LastZxid"/>, then what the changes are to be applied to.
    /// </param>
    /// <param name="scope">How far to watch. <see cref="WatchScope.Znode"/> includes that children come and go.</param>
    /// <param name="cancellation">Ends the stream, and the watch when no other stream needs it.</param>
    /// <exception cref="HistoryLostException">The server has forgotten some of these changes.</exception>
    /// <exception cref="CoordException">
    /// The server keeps no history (<see cref="CoordErrorCode.Unimplemented"/>, every ZooKeeper), or the session has
    /// ended.
    /// </exception>
    public async IAsyncEnumerable<WatchEvent> WatchSinceAsync(
        string path,
        long sinceZxid,
        WatchScope scope = WatchScope.Subtree,
        [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        string serverPath = _session.Root.ToServer(path);
        // One signal that waits is enough: it stands for all that happened before it is taken.
        await foreach (WatchEvent _ in SignalsAsync(path, scope, capacity: 1, cancellation).ConfigureAwait(false))
        {
            bool more = true;
            while (more)
            {
                var ask = new ChangesOperation(serverPath, scope, sinceZxid, _session.Root);
                ChangePortion portion = await InsistAsync(
                    () => SendOrThrowAsync<ChangesOperation, ChangePortion>(ask, path, cancellation))
                    .ConfigureAwait(false);
                foreach (WatchEvent change in portion.Changes)
                {
                    yield return change;
                }

                sinceZxid = Math.Max(sinceZxid, portion.UpTo);
                more = portion.HasMore;
            }
        }
    }

    /// <summary>Unlike one read, a stream goes on for as long as the session lives, however often it is cut.</summary>
    private static async Task<T> InsistAsync<T>(Func<Task<T>> read)
    {
        while (true)
        {
            try
            {
                return await read().ConfigureAwait(false);
            }
            catch (CoordException e) when (e.Code == CoordErrorCode.ConnectionLoss)
            {
                // Asked again on the next connection.
            }
        }
    }

    private async IAsyncEnumerable<WatchEvent> SignalsAsync(
        string path, WatchScope scope, int capacity, [EnumeratorCancellation] CancellationToken cancellation)
    {
        string serverPath = _session.Root.ToServer(path);
        var buffer = new WatchBuffer(path, capacity);
        Task<CoordResult<Nothing>>? queued = null;
        _session.Watches.AddStream(scope, serverPath, buffer, () => queued = SendAddWatch(serverPath, scope, buffer));
        try
        {
            CoordResult<Nothing> added = await InsistAsync(() =>
            {
                Task<CoordResult<Nothing>> adding = queued ?? SendAddWatch(serverPath, scope, buffer);
                queued = null;
                return adding.WaitAsync(cancellation);
            }).ConfigureAwait(false);
            ThrowUnlessOk(added.Code, path);
            await foreach (WatchEvent what in buffer.ReadAllAsync(cancellation).ConfigureAwait(false))
            {
                yield return what;
            }
        }
        finally
        {
            _session.Watches.RemoveStream(scope, serverPath, buffer, () => Unwatch(serverPath));
        }
    }

    private Task<CoordResult<Nothing>> SendAddWatch(string serverPath, WatchScope scope, WatchBuffer buffer) =>
        _session.SendOwn(new Request<AddWatchOperation, Nothing>(new(serverPath, scope))
        {
            Answered = (code, _) =>
            {
                if (code == CoordErrorCode.Ok)
                {
                    buffer.Arm();
                }
            },
        });

    private void Unwatch(string serverPath) =>
        _session.SendOwn(new Request<RemoveWatchesOperation, Nothing>(new(serverPath))
        {
            Answered = (_, _) => _session.Watches.SweepOneShots(serverPath),
        });
}
