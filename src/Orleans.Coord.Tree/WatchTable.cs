using System.Runtime.InteropServices;

namespace Orleans.Coord.Tree;

/// <summary>
/// The watches of the sessions whose connections this replica serves. Paths need not exist. Several kinds may be set
/// by one session at one path; one trigger makes one event at most for each session.
/// </summary>
public sealed class WatchTable
{
    private const WatchKinds DataKinds = WatchKinds.Data | WatchKinds.Persistent | WatchKinds.PersistentRecursive;
    private const WatchKinds ChildKinds = WatchKinds.Child | WatchKinds.Persistent;

    private readonly Dictionary<byte[], IndexedSet<Watcher>> _byPath = new(BytesComparer.Instance);
    private readonly Dictionary<long, Watcher> _bySession = [];
    private int _recursive;
    private long _trigger;

    /// <summary>Number of pairs of session and path.</summary>
    public int Count { get; private set; }

    /// <summary>Number of pairs that ZooKeeper has in its table of data watches (all but mere child watches).</summary>
    public int DataWatchCount { get; private set; }

    /// <summary>Number of pairs that ZooKeeper has in its table of child watches.</summary>
    public int ChildWatchCount { get; private set; }

    /// <summary>Number of paths watched.</summary>
    public int PathCount => _byPath.Count;

    /// <summary>Number of sessions with watches.</summary>
    public int SessionCount => _bySession.Count;

    /// <summary>The sessions with watches; not to be held across a change.</summary>
    public IReadOnlyCollection<long> SessionIds => _bySession.Keys;

    /// <summary>The paths watched; not to be held across a change.</summary>
    public IReadOnlyCollection<byte[]> Paths => _byPath.Keys;

    /// <summary>A session's paths and what is set there; not to be held across a change.</summary>
    public IReadOnlyDictionary<byte[], WatchKinds> PathsOf(long sessionId) =>
        _bySession.TryGetValue(sessionId, out Watcher? watcher) ? watcher.Paths : new Dictionary<byte[], WatchKinds>();

    /// <summary>The sessions that watch a path, and how.</summary>
    public List<KeyValuePair<long, WatchKinds>> SessionsOf(byte[] path)
    {
        var sessions = new List<KeyValuePair<long, WatchKinds>>();
        if (_byPath.TryGetValue(path, out IndexedSet<Watcher>? watchers))
        {
            foreach (Watcher watcher in watchers.Items)
            {
                sessions.Add(new(watcher.SessionId, watcher.Paths[path]));
            }
        }

        return sessions;
    }

    /// <summary>What a session has set at a path.</summary>
    public WatchKinds KindsOf(long sessionId, ReadOnlySpan<byte> path) =>
        _bySession.TryGetValue(sessionId, out Watcher? watcher)
        && watcher.Paths.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(path, out WatchKinds kinds)
            ? kinds
            : WatchKinds.None;

    internal void Add(long sessionId, CallerIdentities who, ReadOnlySpan<byte> path, WatchKinds kinds)
    {
        Invariant.Check(kinds != WatchKinds.None);
        ref Watcher? watcher = ref CollectionsMarshal.GetValueRefOrAddDefault(_bySession, sessionId, out _);
        watcher ??= new Watcher(sessionId) { Who = who };
        watcher.Who = who;
        var paths = watcher.Paths.GetAlternateLookup<ReadOnlySpan<byte>>();
        if (paths.TryGetValue(path, out byte[]? key, out WatchKinds before))
        {
            watcher.Paths[key] = before | kinds;
        }
        else
        {
            var byPath = _byPath.GetAlternateLookup<ReadOnlySpan<byte>>();
            if (!byPath.TryGetValue(path, out key, out IndexedSet<Watcher>? watchers))
            {
                key = path.ToArray();
                _byPath.Add(key, watchers = new IndexedSet<Watcher>());
            }

            watchers.Add(watcher);
            watcher.Paths.Add(key, kinds);
        }

        CountChange(before, before | kinds);
    }

    /// <summary>Removes kinds; false if none of them was set.</summary>
    internal bool Remove(long sessionId, ReadOnlySpan<byte> path, WatchKinds kinds)
    {
        WatchKinds before = KindsOf(sessionId, path);
        if ((before & kinds) == 0)
        {
            return false;
        }

        Watcher watcher = _bySession[sessionId];
        bool found = _byPath.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(path, out byte[]? key, out _);
        Invariant.Check(found);
        Update(watcher, key!, before, before & ~kinds);
        return true;
    }

    /// <summary>The session's connection is gone, and its watches with it.</summary>
    internal void Forget(long sessionId)
    {
        if (_bySession.TryGetValue(sessionId, out Watcher? watcher))
        {
            foreach ((byte[] path, WatchKinds kinds) in watcher.Paths.ToArray())
            {
                Update(watcher, path, kinds, WatchKinds.None);
            }

            Invariant.Check(!_bySession.ContainsKey(sessionId));
        }
    }

    /// <summary>Tells all who watch for this, and spends the one-shot watches among them.</summary>
    /// <param name="type">What happened.</param>
    /// <param name="path">To which znode.</param>
    /// <param name="acl">The znode's list: who may not read it is not told of it (CVE-2024-23944).</param>
    /// <param name="events">Where to append.</param>
    internal void Fire(WatchEventType type, ReadOnlySpan<byte> path, AclList acl, List<WatchEvent> events)
    {
        if (Count == 0)
        {
            return;
        }

        _trigger++;
        byte[]? shared = null;
        if (type != WatchEventType.NodeChildrenChanged)
        {
            FireAt(type, path, DataKinds, WatchKinds.Data, path, acl, ref shared, events);
            FireRecursive(type, path, acl, ref shared, events);
        }

        if (type is WatchEventType.NodeChildrenChanged or WatchEventType.NodeDeleted)
        {
            FireAt(type, path, ChildKinds, WatchKinds.Child, path, acl, ref shared, events);
        }
    }

    private void FireRecursive(
        WatchEventType type, ReadOnlySpan<byte> path, AclList acl, ref byte[]? shared, List<WatchEvent> events)
    {
        ReadOnlySpan<byte> at = path;
        while (_recursive > 0 && at.Length > 1)
        {
            at = ZnodePath.Parent(at);
            FireAt(type, at, WatchKinds.PersistentRecursive, WatchKinds.None, path, acl, ref shared, events);
        }
    }

    private void FireAt(
        WatchEventType type,
        ReadOnlySpan<byte> watched,
        WatchKinds kinds,
        WatchKinds spent,
        ReadOnlySpan<byte> path,
        AclList acl,
        ref byte[]? shared,
        List<WatchEvent> events)
    {
        var byPath = _byPath.GetAlternateLookup<ReadOnlySpan<byte>>();
        if (!byPath.TryGetValue(watched, out byte[]? key, out IndexedSet<Watcher>? watchers))
        {
            return;
        }

        // Backwards: removing one swaps the last into its place, and that one has had its turn.
        for (int i = watchers.Count - 1; i >= 0; i--)
        {
            Watcher watcher = watchers[i];
            WatchKinds set = watcher.Paths[key];
            if ((set & kinds) == 0)
            {
                continue;
            }

            if (watcher.LastTrigger != _trigger && AclRules.Allows(acl, Permissions.Read, watcher.Who.Encoded))
            {
                shared ??= path.ToArray();
                events.Add(new WatchEvent(watcher.SessionId, type, shared));
            }

            watcher.LastTrigger = _trigger;
            Update(watcher, key, set, set & ~spent);
        }
    }

    private void Update(Watcher watcher, byte[] path, WatchKinds before, WatchKinds after)
    {
        if (before == after)
        {
            return;
        }

        CountChange(before, after);
        if (after != WatchKinds.None)
        {
            watcher.Paths[path] = after;
            return;
        }

        watcher.Paths.Remove(path);
        if (watcher.Paths.Count == 0)
        {
            _bySession.Remove(watcher.SessionId);
        }

        IndexedSet<Watcher> watchers = _byPath[path];
        bool removed = watchers.Remove(watcher);
        Invariant.Check(removed);
        if (watchers.Count == 0)
        {
            _byPath.Remove(path);
        }
    }

    private void CountChange(WatchKinds before, WatchKinds after)
    {
        Count += Has(after, (WatchKinds)~0) - Has(before, (WatchKinds)~0);
        DataWatchCount += Has(after, DataKinds) - Has(before, DataKinds);
        ChildWatchCount += Has(after, ChildKinds) - Has(before, ChildKinds);
        _recursive += Has(after, WatchKinds.PersistentRecursive) - Has(before, WatchKinds.PersistentRecursive);
        Invariant.Check(Count >= 0 && _recursive >= 0);

        static int Has(WatchKinds kinds, WatchKinds wanted) => (kinds & wanted) != 0 ? 1 : 0;
    }
}
