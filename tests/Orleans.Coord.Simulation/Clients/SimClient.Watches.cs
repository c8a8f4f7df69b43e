using Orleans.Coord.Jute;

namespace Orleans.Coord.Simulation;

/// <summary>What a one-shot watch waits for, as a stock client keeps them.</summary>
internal enum WatchTable : byte
{
    /// <summary>Of a znode that was there: data written, deleted.</summary>
    Data,

    /// <summary>Of a znode that was not there: created.</summary>
    Exists,

    /// <summary>Of a znode's list of children.</summary>
    Child,
}

/// <content>
/// Watches, and their checkers: no event comes after data newer than it, none is lost over a reconnect, none comes
/// twice or without a cause.
/// </content>
internal sealed partial class SimClient
{
    private readonly Dictionary<(string Path, WatchTable Table), long> _armed = [];
    private bool _rearming;

    private void Arm(SimRequest request, long zxid, CoordErrorCode code)
    {
        bool found = code == CoordErrorCode.Ok;
        WatchTable table = request.Op == OpCode.GetChildren2 ? WatchTable.Child
            : found ? WatchTable.Data
            : WatchTable.Exists;
        if (found || (request.Op == OpCode.Exists && code == CoordErrorCode.NoNode))
        {
            // One that is armed already stays as it is: it has been waiting for longer.
            _armed.TryAdd((request.Path, table), zxid);
        }
    }

    // A reply shows the state at an index: all that armed watches had to tell up to there must have been told.
    private void OnSeen(long zxid)
    {
        if (_rearming)
        {
            return;
        }

        foreach (((string path, WatchTable table), long armedAt) in _armed)
        {
            long change = FirstChange(path, table, armedAt, out _);
            SimViolationException.Unless(
                change > zxid, "watches",
                $"client {Id} saw zxid {zxid}, but its {table} watch on {path}, set at {armedAt}, "
                + $"did not tell of the change at {change}");
        }
    }

    private void TakeEvent(ReadOnlySpan<byte> body)
    {
        var reader = new JuteReader(body);
        var type = (WatchEventType)reader.ReadInt();
        reader.ReadInt();
        string path = System.Text.Encoding.UTF8.GetString(reader.ReadString());
        _world.Trace.Add(NowUs, TraceKind.Event, 100 + Id, (long)type, 0, path);
        bool expected = false;
        foreach (WatchTable table in Enum.GetValues<WatchTable>())
        {
            if (Spends(type, table) && _armed.TryGetValue((path, table), out long armedAt))
            {
                expected |= FirstChange(path, table, armedAt, out _) <= _world.Log.Applied;
                _armed.Remove((path, table));
            }
        }

        SimViolationException.Unless(
            expected, "watches", $"client {Id} was told {type} of {path}, which it does not watch or did not happen");
        OnLockEvent(path);
    }

    private static bool Spends(WatchEventType type, WatchTable table) => type switch
    {
        WatchEventType.NodeDeleted => true,
        WatchEventType.NodeChildrenChanged => table == WatchTable.Child,
        _ => table != WatchTable.Child,
    };

    // The index of the first change after another that the watch has to tell; the largest number if there is none.
    private long FirstChange(string path, WatchTable table, long after, out WatchEventType type)
    {
        IReadOnlyList<ModelStep> steps = _world.Model.HistoryOf(path);
        int at = Model.FirstAfter(steps, after);
        ModelNode? before = at == 0 ? null : steps[at - 1].Node;
        for (; at < steps.Count; at++)
        {
            ModelNode? node = steps[at].Node;
            type = (before, node) switch
            {
                (null, not null) => WatchEventType.NodeCreated,
                (not null, null) => WatchEventType.NodeDeleted,
                (not null, not null) when node.Mzxid != before.Mzxid || node.Version != before.Version
                    => WatchEventType.NodeDataChanged,
                (not null, not null) when node.Cversion != before.Cversion => WatchEventType.NodeChildrenChanged,
                _ => WatchEventType.None,
            };
            bool tells = type switch
            {
                WatchEventType.NodeCreated => table == WatchTable.Exists,
                WatchEventType.NodeDeleted => table != WatchTable.Exists,
                WatchEventType.NodeDataChanged => table == WatchTable.Data,
                WatchEventType.NodeChildrenChanged => table == WatchTable.Child,
                _ => false,
            };
            if (tells)
            {
                return steps[at].Index;
            }

            before = node;
        }

        type = WatchEventType.None;
        return long.MaxValue;
    }

    // The first request on a new connection, so nothing newer is seen before the events that were missed.
    private void Rearm()
    {
        if (_armed.Count == 0)
        {
            return;
        }

        _rearming = true;
        List<string> Paths(WatchTable table) => [.. _armed.Keys.Where(w => w.Table == table).Select(w => w.Path)];
        byte[] body = RequestBody.SetWatches(
            _lastZxid, Paths(WatchTable.Data), Paths(WatchTable.Exists), Paths(WatchTable.Child));
        Send(OpCode.SetWatches, body, "", Purpose.Rearm, xid: RearmXid);
    }

    private void Rearmed(long zxid)
    {
        _rearming = false;
        var absent = _armed.Keys.Where(w => w.Table == WatchTable.Exists).ToArray();
        foreach ((string Path, WatchTable Table) watch in absent)
        {
            // A znode that came and went while nobody listened is not told of: ZooKeeper's word too.
            if (_world.Model.NodeAt(watch.Path, zxid) is null)
            {
                _armed[watch] = zxid;
            }
        }

        OnSeen(zxid);
    }

    private void ForgetUnansweredRearm() => _rearming = false;

    private void ForgetWatches() => _armed.Clear();
}
