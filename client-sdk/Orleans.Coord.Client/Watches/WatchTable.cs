namespace Orleans.Coord.Client;

/// <summary>
/// The watches that this session has set, by the server's paths. One-shot watches of one kind and path share one
/// entry, as they do on the server, so waiting and giving up again and again holds no memory.
/// </summary>
internal sealed class WatchTable(Chroot root)
{
    /// <summary>Characters of paths in one request that sets watches again: well below the frame limit.</summary>
    private const int MaxPathsSize = 100_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<(OneShotKind Kind, string Path), TaskCompletionSource<WatchEvent>> _oneShots = [];
    private readonly Dictionary<(WatchScope Scope, string Path), List<WatchBuffer>> _streams = [];
    private Exception? _dead;

    /// <summary>Notes a one-shot watch that the server has just confirmed; the task ends when it fires.</summary>
    public Task<WatchEvent> AddOneShot(OneShotKind kind, string path)
    {
        lock (_gate)
        {
            if (_dead is not null)
            {
                return Task.FromException<WatchEvent>(_dead);
            }

            if (!_oneShots.TryGetValue((kind, path), out TaskCompletionSource<WatchEvent>? source))
            {
                source = new(TaskCreationOptions.RunContinuationsAsynchronously);
                _oneShots.Add((kind, path), source);
            }

            return source.Task;
        }
    }

    /// <summary>
    /// Adds a stream and queues its request as one step, so that the order on the wire is the order in the table.
    /// </summary>
    public void AddStream(WatchScope scope, string path, WatchBuffer buffer, Action queueRequest)
    {
        lock (_gate)
        {
            if (_dead is not null)
            {
                throw _dead;
            }

            if (!_streams.TryGetValue((scope, path), out List<WatchBuffer>? buffers))
            {
                _streams.Add((scope, path), buffers = []);
            }

            buffers.Add(buffer);
            queueRequest();
        }
    }

    /// <summary>
    /// Takes a stream away; queues the request to remove the server's watches when no stream is left at the path
    /// (that request removes watches of every kind).
    /// </summary>
    public void RemoveStream(WatchScope scope, string path, WatchBuffer buffer, Action queueRequest)
    {
        lock (_gate)
        {
            if (!_streams.TryGetValue((scope, path), out List<WatchBuffer>? buffers) || !buffers.Remove(buffer))
            {
                return;
            }

            if (buffers.Count == 0)
            {
                _streams.Remove((scope, path));
            }

            if (!_streams.ContainsKey((WatchScope.Znode, path)) && !_streams.ContainsKey((WatchScope.Subtree, path)))
            {
                queueRequest();
            }
        }
    }

    /// <summary>The server removed all watches at the path: who waits there on a one-shot must look again.</summary>
    public void SweepOneShots(string path)
    {
        lock (_gate)
        {
            var resync = new WatchEvent(WatchEventKind.Resync, root.ToClient(path), -1);
            Fire(OneShotKind.Data, path, resync);
            Fire(OneShotKind.Exist, path, resync);
            Fire(OneShotKind.Children, path, resync);
        }
    }

    /// <summary>Hands an event from the wire to all whom it concerns.</summary>
    public void Dispatch(WatchEventKind kind, string path, long zxid)
    {
        var what = new WatchEvent(kind, root.ToClient(path), zxid);
        lock (_gate)
        {
            if (kind is WatchEventKind.ChildrenChanged or WatchEventKind.Deleted)
            {
                Fire(OneShotKind.Children, path, what);
            }

            if (kind is not WatchEventKind.ChildrenChanged)
            {
                Fire(OneShotKind.Data, path, what);
                Fire(OneShotKind.Exist, path, what);
                OfferToSubtrees(path, what);
            }

            Offer(WatchScope.Znode, path, what);
        }
    }

    /// <summary>What to watch again on a new connection, in portions that fit a request each.</summary>
    public List<WatchPaths> Snapshot()
    {
        var portions = new List<WatchPaths>();
        lock (_gate)
        {
            foreach ((OneShotKind kind, string path) in _oneShots.Keys)
            {
                WatchPaths portion = Portion(portions);
                portion.Add(ListFor(portion, kind), path);
            }

            foreach (((WatchScope scope, string path), List<WatchBuffer> buffers) in _streams)
            {
                if (!buffers.Exists(static buffer => buffer.IsArmed))
                {
                    continue;
                }

                WatchPaths portion = Portion(portions);
                portion.Add(scope == WatchScope.Znode ? portion.Persistent : portion.Recursive, path);
            }
        }

        return portions;
    }

    /// <summary>The server has set the watches again; streams were blind in between.</summary>
    public void Rearmed(WatchPaths portion, CoordErrorCode code)
    {
        lock (_gate)
        {
            portion.Persistent.ForEach(path => Rearmed(WatchScope.Znode, path, code));
            portion.Recursive.ForEach(path => Rearmed(WatchScope.Subtree, path, code));
        }
    }

    /// <summary>Ends all watches with the session's own end.</summary>
    public void Fail(Exception error)
    {
        lock (_gate)
        {
            _dead = error;
            foreach (TaskCompletionSource<WatchEvent> source in _oneShots.Values)
            {
                source.TrySetException(error);
                _ = source.Task.Exception;
            }

            foreach (WatchBuffer buffer in _streams.Values.SelectMany(static buffers => buffers))
            {
                buffer.Fail(error);
            }

            _oneShots.Clear();
            _streams.Clear();
        }
    }

    private void Rearmed(WatchScope scope, string path, CoordErrorCode code)
    {
        if (!_streams.TryGetValue((scope, path), out List<WatchBuffer>? buffers))
        {
            return;
        }

        if (code == CoordErrorCode.Ok)
        {
            buffers.ForEach(static buffer => buffer.Resync());
            return;
        }

        // This server does not know persistent watches, or refuses them: asking again would not help.
        _streams.Remove((scope, path));
        buffers.ForEach(buffer => buffer.Fail(CoordException.For(code, root.ToClient(path))));
    }

    private static WatchPaths Portion(List<WatchPaths> portions)
    {
        if (portions.Count == 0 || portions[^1].Size >= MaxPathsSize)
        {
            portions.Add(new WatchPaths());
        }

        return portions[^1];
    }

    private static List<string> ListFor(WatchPaths portion, OneShotKind kind) => kind switch
    {
        OneShotKind.Data => portion.Data,
        OneShotKind.Exist => portion.Exist,
        _ => portion.Children,
    };

    private void Fire(OneShotKind kind, string path, WatchEvent what)
    {
        if (_oneShots.Remove((kind, path), out TaskCompletionSource<WatchEvent>? source))
        {
            source.SetResult(what);
        }
    }

    private void Offer(WatchScope scope, string path, WatchEvent what)
    {
        if (_streams.TryGetValue((scope, path), out List<WatchBuffer>? buffers))
        {
            foreach (WatchBuffer buffer in buffers)
            {
                buffer.Offer(what);
            }
        }
    }

    private void OfferToSubtrees(string path, WatchEvent what)
    {
        if (_streams.Count == 0)
        {
            return;
        }

        string at = path;
        Offer(WatchScope.Subtree, at, what);
        while (at.Length > 1)
        {
            at = at[..Math.Max(1, at.LastIndexOf('/'))];
            Offer(WatchScope.Subtree, at, what);
        }
    }
}
